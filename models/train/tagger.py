#!/usr/bin/env python3
"""Train the tagger that finds names and addresses in what recognisers print: `engine/words/src/tagger`.

    tagger.py --data DIR --out models/weights/tagger.bin [--epochs 6] [--weights FILE]

DIR holds clones (any depth, a work tree is not needed) of permissive repositories, under their owners' names joined by `+`:
awslabs+multi-domain-goal-oriented-dialogues-dataset (CDLA-Permissive-1.0), PolyAI-LDN+task-specific-datasets and PolyAI-LDN+evi-paper
(CC BY 4.0), GateNLP+broad_twitter_corpus and leondz+emerging_entities_17 (CC BY 4.0), treyhunner+names (MIT),
sigpwned+popular-names-by-country-dataset (CC0), datamade+usaddress (MIT; without its OSM files). Together with sentences that this script
makes of names, streets and places, that is what it learns from; the test parts of the first two are only measured on.

A word is the sum of hashed rows (itself, its beginnings and ends, its trigrams) beside its case and the punctuation after it; two
convolutions over words see four to each side, and each word gets O, B-NAME, I-NAME, B-ADDRESS or I-ADDRESS. What the other side asked
last stands before a turn, apart from it by an empty word. Half of what is learnt from is as a recogniser prints it: no case, no
punctuation, digits in words. Takes minutes on one core.
"""
import argparse, collections, csv, functools, hashlib, io, json, math, os, random, re, struct, subprocess
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

BUCKETS, DIM, FLAGS, HIDDEN, TAPS, TAGS = 1 << 14, 32, 8, 64, 5, 5
O, NAME, ADDRESS = 0, 1, 3
MAGIC = b'VOUCHTAG'

# --- words ------------------------------------------------------------------------------------------------------------------------------

TITLES = set('mr mrs ms dr prof st jr sr'.split())

class Word:
    """A word as the rules of `engine/words` see it: plain, in lower case, with what was lost."""
    __slots__ = ('text', 'capital', 'upper', 'ends', 'stops', 'tag', 'asked')
    def __init__(self, written, tag=O, asked=False):
        core = written.strip('.,;:!?"()[]{}<>*\u201c\u201d\u2018\u2019\'')
        self.text, self.tag, self.asked = core.lower(), tag, asked
        self.capital = core[:1].isupper(); self.upper = len(core) > 1 and core.isupper()
        self.stops = written.endswith(('?', '!')) or (written.endswith('.') and len(core) > 1 and self.text not in TITLES); self.ends = self.stops or written.endswith((',', ';', ':'))

def fnv(text):
    h = 0x811C9DC5
    for b in text.encode(): h = ((h ^ b) * 0x01000193) & 0xFFFFFFFF
    return h

@functools.cache
def rows(text):
    """Rows of the table that a word is the sum of: itself first."""
    if not text: return [0]
    shape = re.sub(r'\d+', '9', text) if any(c.isdigit() for c in text) else ''
    if shape: text = shape if len(text) > 5 else re.sub(r'\d', '9', text)
    marked = f'^{text}$'; out = [fnv('w' + text)] + [fnv('a' + text[:n]) for n in (2, 3)] + [fnv('z' + text[-n:]) for n in (2, 3, 4)]
    out += [fnv('t' + marked[i:i + 3]) for i in range(min(len(marked) - 2, 16))]
    return [h % (BUCKETS - 1) + 1 for h in out]

NUMBERS = set('zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen '
              'twenty thirty forty fifty sixty seventy eighty ninety hundred thousand double'.split())

def flags(w):
    digits = bool(w.text) and w.text.isdigit()
    return [w.capital, w.upper, w.ends, w.stops, digits, w.text in NUMBERS, len(w.text) == 1, w.asked]

# --- what is learnt from ----------------------------------------------------------------------------------------------------------------

def show(data, repo, path):
    for git in (os.path.join(data, repo, 'repo', '.git'), os.path.join(data, repo, 'repo'), os.path.join(data, repo, '.git'), os.path.join(data, repo)):
        if os.path.isdir(os.path.join(git, 'objects')):
            return subprocess.run(['git', f'--git-dir={git}', 'show', f'HEAD:{path}'], check=True, capture_output=True).stdout.decode('utf-8', 'replace')
    raise SystemExit(f'{data}/{repo}: no clone of it')

def pieces(tags):
    """B where a run of one kind begins."""
    out, before = [], O
    for t in tags: out.append(t if t == O or t != before else t + 1); before = t
    return out

ASK = {NAME: ["may i have your name please", "what is your name", "can i get your first and last name", "who am i speaking with", "could you tell me your full name please",
              "under what name is the booking", "and your name is", "your name please", "how do you spell that name", "please provide me with your full name",
              "can i take your name", "whose name is on the account", "and the last name", "what's the surname", "who should i put it under"],
       ADDRESS: ["what is your address", "can i have your home address please", "where should we send it", "what's the shipping address", "please confirm your street address",
                 "could you verify the address on file", "and your billing address", "what street do you live on", "where do you live"],
       O: ["how can i help you today", "what is your account number", "anything else i can help with", "what is the model of your car", "may i know the reason", "when did this happen",
           "could you please tell me your date of birth", "what would you like to order", "one moment please", "is that correct", "what is your flight number", "which city are you in"]}

def multidogo(data, part):
    out = []
    for domain in ('airline', 'fastfood', 'finance', 'insurance', 'media', 'software'):
        text = show(data, 'awslabs+multi-domain-goal-oriented-dialogues-dataset', f'data/paper_splits/splits_annotated_at_turn_level/{domain}/{part}.tsv')
        for row in csv.DictReader(io.StringIO(text), delimiter='\t', quoting=csv.QUOTE_NONE):
            words, labels = (row['utterance'] or '').split(), (row['slot-labels'] or '').split()
            if not words or len(words) != len(labels): continue
            tags = pieces([NAME if l == 'name' else ADDRESS if l == 'address' else O for l in labels])
            out.append([(w, t) for w, t in zip(words, tags)])
    return out

def restaurant(data, part):
    out, names = [], ['test.json'] if part == 'test' else [f'train_{i}.json' for i in range(9)]
    for name in names:
        for x in json.loads(show(data, 'PolyAI-LDN+task-specific-datasets', f'span_extraction/restaurant8k/{name}')):
            text, at, words = x['userInput']['text'], 0, []
            spans = [(l['valueSpan'].get('startIndex', 0), l['valueSpan'].get('endIndex', len(text))) for l in x.get('labels', []) if l['slot'] in ('first_name', 'last_name')]
            for m in re.finditer(r'\S+', text): words.append((m.group(), NAME if any(a < m.end() and m.start() < b for a, b in spans) else O))
            out.append([(w, t) for (w, _), t in zip(words, pieces([t for _, t in words]))])
    return out

def spoken_names(data):
    """Turns in which a caller was asked for a name, as recognised."""
    out, known = [], {r['scenario_id']: r for r in csv.DictReader(io.StringIO(show(data, 'PolyAI-LDN+evi-paper', 'data/records.en.csv')))}
    for r in csv.DictReader(io.StringIO(show(data, 'PolyAI-LDN+evi-paper', 'data/dialogues.en.tsv')), delimiter='\t'):
        words = (r['transcription'] or '').split()
        if r['item'] != 'name' or not words: continue
        name = known.get(r['scenario_id'], {}).get('name', '').lower().split()
        like = lambda w: any(w[:2].lower() == n[:2] or w[-3:].lower() == n[-3:] for n in name)
        hit = [like(w) and len(w) > 1 for w in words]
        if sum(hit) >= min(2, len(words)): out.append(([(w, t) for w, t in zip(words, pieces([NAME if h else O for h in hit]))], NAME))
    return out

def tweets(data):
    out = []
    for part in ('a', 'b', 'e', 'f', 'g'):
        try: text = show(data, 'GateNLP+broad_twitter_corpus', f'{part}.json')
        except subprocess.CalledProcessError: continue
        for line in text.splitlines():
            x = json.loads(line); tags = pieces([NAME if e.endswith('PER') else O for e in x['entities']])
            out.append([(w, t) for w, t in zip(x['tokens'], tags)])
    sentence = []
    for line in show(data, 'leondz+emerging_entities_17', 'wnut17train.conll').splitlines():
        if not line.strip(): out.append(sentence); sentence = []; continue
        w, t = line.split('\t')[:2]; sentence.append((w, NAME if t == 'B-person' else NAME + 1 if t == 'I-person' else O))
    return [[p for p in s if p[0].isascii()] for s in out if s]

def queries(data):
    """What customers of a bank ask: nobody's name is in it."""
    return [[(w, O) for w in r['text'].split()] for r in csv.DictReader(io.StringIO(show(data, 'PolyAI-LDN+task-specific-datasets', 'banking_data/train.csv')))]

# --- sentences that are made ------------------------------------------------------------------------------------------------------------

class Made:
    """Sentences with names and addresses of people who do not exist: frames written here, filled from lists."""
    def __init__(self, data, rng):
        self.rng = rng; self.given, self.family = [], []
        for file, to in (('dist.female.first', self.given), ('dist.male.first', self.given), ('dist.all.last', self.family)):
            lines = [l.split() for l in show(data, 'treyhunner+names', f'names/{file}').splitlines() if l.split()]
            to += [(l[0].title(), math.sqrt(float(l[1]) + 1e-3)) for l in lines[:40000]]
        for file, to, weight in (('common-forenames-by-country.csv', self.given, .12), ('common-surnames-by-country.csv', self.family, .08)):
            for r in csv.DictReader(io.StringIO(show(data, 'sigpwned+popular-names-by-country-dataset', file).lstrip('\ufeff'))):
                if r['Romanized Name'].isascii() and r['Romanized Name']: to.append((r['Romanized Name'], weight))
        self.pick = {}
        for key, of in (('given', self.given), ('family', self.family)):
            w = np.array([x for _, x in of]); self.pick[key] = ([n for n, _ in of], np.cumsum(w) / w.sum())
        self.streets = []
        for a in re.findall(r'<AddressString>(.*?)</AddressString>', show(data, 'datamade+usaddress', 'training/labeled.xml'), re.S):
            for s in re.findall(r'((?:<StreetName>[^<]*</StreetName>\s*)+)', a): self.streets.append(' '.join(re.findall(r'>([^<]+)<', s)).strip(' ,.'))
        self.streets = sorted({s.title() for s in self.streets if s and s.isascii()})
        self.places = ['London', 'Leeds', 'Manchester', 'Bristol', 'Dublin', 'Cork', 'Glasgow', 'Cardiff', 'Boston', 'Chicago', 'Austin', 'Denver', 'Portland', 'Seattle', 'Dallas', 'Phoenix', 'Springfield',
                       'Columbus', 'Toronto', 'Sydney', 'Perth', 'Mumbai', 'Delhi', 'Pune', 'Chennai', 'Lagos', 'Nairobi', 'Cape Town', 'Berlin', 'Munich', 'Paris', 'Madrid', 'Rome', 'Warsaw', 'Oslo', 'New York', 'Los Angeles', 'San Jose', 'Las Vegas']
        self.states = ['TX', 'CA', 'New Jersey', 'Ohio', 'NY', 'Florida', 'WA', 'Illinois', 'Kent', 'Surrey', 'Texas', 'MA', 'Georgia', 'Virginia']
    def one(self, key): names, p = self.pick[key]; return names[int(np.searchsorted(p, self.rng.random()))].split()[0]
    def choose(self, *of): return self.rng.choice(of)
    def name(self):
        g, f, r = self.one('given'), self.one('family'), self.rng.random()
        if r < .42: return f'{g} {f}'
        if r < .66: return g
        if r < .72: return f
        if r < .77: return f'{g} {self.one("given")} {f}'
        if r < .81: return f'{g} {self.choose(*"ABCDEFGHJKLMNPRSTW")}. {f}'
        if r < .84: return f"{g} {self.choose('O', 'Mc', 'van ', 'de ', 'Mac', 'al-')}{chr(39) if self.rng.random() < .2 else ''}{f}"
        if r < .87: return f'{g} {f}-{self.one("family")}'
        if r < .90: return f'{f}, {g}'
        return f'{self.choose("Mr", "Mrs", "Ms", "Miss", "Dr", "Mr.", "Mrs.", "Dr.", "Professor")} {f}'
    def address(self):
        rng, c = self.rng, self.choose
        number = c(str(rng.randint(1, 9)), str(rng.randint(10, 99)), str(rng.randint(100, 9999)), str(rng.randint(100, 20000)), f'{rng.randint(1, 90)}{c("a", "b", "A", "C")}')
        street = rng.choice(self.streets) if rng.random() < .5 else self.one('family') if rng.random() < .6 else c('Main', 'Oak', 'Church', 'Station', 'High', 'Park', 'Elm', 'Maple', 'Cedar', 'Mill', 'Victoria', 'Sunset', 'Fifth', '42nd', 'Second', 'Lake', 'Hill', 'Rose', 'Kings', 'Green')
        kind = c('Street', 'Street', 'Road', 'Road', 'Avenue', 'Lane', 'Drive', 'Court', 'Close', 'Way', 'Boulevard', 'Place', 'Terrace', 'Crescent', 'Square', 'Gardens', 'St', 'Rd', 'Ave', 'Dr', 'Blvd', 'Ln', 'Parkway', 'Circle', 'Trail', 'Grove', 'Highway')
        side = c('', '', '', '', 'North ', 'South ', 'West ', 'East ', 'N ', 'SW ')
        r = rng.random()
        if r < .62: a = f'{number} {side}{street} {kind}'
        elif r < .70: a = f'{c("Rue", "Calle", "Via", "Avenida", "Rua", "Ulica", "Place", "Piazza")} {c("de ", "du ", "della ", "", "", "San ")}{street} {number}'
        elif r < .78: a = f'{street}{c("strasse", "weg", "gasse", "straat", "gatan", "vej", "plein", "platz", "allee")} {number}'
        elif r < .83: a = f'{c("PO Box", "P.O. Box", "P O Box", "Post Office Box")} {rng.randint(10, 9999)}'
        elif r < .87: a = f'{c("Flat", "Unit", "Apartment", "Suite", "Apt")} {rng.randint(1, 99)}, {number} {street} {kind}'
        elif r < .90: a = f'the corner of {street} and {self.one("family")} {kind}'
        elif r < .93: a = f'{self.one("family")} {c("House", "Cottage", "Farm", "Lodge", "Towers", "Apartments", "Mansions")}, {street} {kind}'
        elif r < .95: a = f'PSC {rng.randint(1, 999)} Box {rng.randint(1, 9999)} {c("APO AE", "FPO AP", "APO AA")} 0{rng.randint(1000, 9999)}'
        else: a = f'{number}, {self.one("family")} {c("Nagar", "Colony", "Marg", "Chowk", "Layout", "Vihar", "Enclave")}, {c("Sector", "Phase", "Block")} {rng.randint(1, 30)}'
        if rng.random() < .25: a += c(', ', ' ') + c('Apt', 'apartment', 'Suite', 'Unit', '#', 'floor', 'flat') + ' ' + c(str(rng.randint(1, 400)), f'{rng.randint(1, 30)}{c("A", "B", "C")}')
        if rng.random() < .45:
            a += ', ' + rng.choice(self.places)
            if rng.random() < .5: a += ', ' + rng.choice(self.states)
            if rng.random() < .5: a += ' ' + c(f'{rng.randint(1000, 99999):05d}', f'{c(*"ABELMNSW")}{rng.randint(1, 20)} {rng.randint(1, 9)}{c("AB", "XY", "QT", "JD")}')
        return a
    NAMED = ["my name is {n}", "this is {n}", "this is {n} calling about my {t}", "i'm {n}", "hi, {n} here", "it's {n}", "{n}", "{n}.", "yeah {n}", "uh it's {n}", "sure, it's {n}", "Name: {n}", "name {n}", "full name {n}",
             "the account is in the name of {n}", "it's under {n}", "the booking is under {n}", "please change it to {n}", "add {n} as an authorised user", "add {n} to the policy", "my husband {n} is on the account", "my wife {n} called yesterday",
             "i spoke to {n} last week", "i was talking to {n} from {d}", "{n} told me it would be refunded", "thank you {n}", "thanks {n}", "thank you, {n}. Is there anything else?", "good morning {n}", "hello {n}, how can I help?", "am I speaking with {n}?",
             "is this {n}?", "Dear {n},", "Best regards, {n}", "Sincerely, {n}", "kind regards {n}", "{n} and {n} are both on the lease", "the passengers are {n}, {n} and {n}", "two people, {n} and {n}", "my son {n} is eleven", "her name was {n}", "his mother's maiden name is {n}",
             "she was called {n}", "ask for {n}", "can you put me through to {n}", "speak to {n} in {d}", "{n} speaking", "{n}: yes that's right", "Customer: {n}", "signed by {n}", "the doctor is {n}", "I'd like to book with {n} on {y}", "{n} said the {t} was ready",
             "{n} lives at {a}", "send it to {n}, {a}", "{n}, {a}", "the driver was {n}", "beneficiary is {n}", "transfer it to {n}", "payable to {n}", "emergency contact {n}", "my manager {n} approved it", "when {n} moved out", "{n} has left the company", "I'm calling on behalf of {n}",
             "first name {g} last name {f}", "that's {g} with a k", "{f}, that's my surname", "surname {f}", "okay {g} let me check that for you", "no problem {g}", "all right {g}", "and what happened then {g}", "yes {g}", "sorry {g} could you repeat that",
             "meet {n}, our new {r}", "{n} is a {r} at the hospital", "according to {n} the results were good", "{n} won the match", "did you see what {n} did", "{n} was born in {p}", "they named the baby {g}", "{n}'s account is locked", "it's {n}'s card"]
    PLACED = ["i live at {a}", "my address is {a}", "it's {a}", "{a}", "{a}.", "sure, {a}", "send it to {a}", "please deliver to {a}", "the billing address is {a}", "we moved from {a} to {a}", "i'm at {a} now", "the house at {a}", "Address: {a}", "address {a}", "ship it to {a} please",
              "the accident was on {a}", "our office is at {a}", "the property is {a}", "come to {a}", "we are located at {a}", "they sent my {t} to {a}", "my old address was {a}", "it is registered to {a}", "pick me up from {a}", "I grew up at {a}", "visit us at {a}", "turn left at {a}"]
    NEITHER = ["i'd like to pay my {t}", "the {t} has not arrived", "can you check my {t} from {y}", "i want to go to {p} in {m}", "is there a branch in {p}", "i bought it at {o}", "{o} charged me twice", "how much is the {t}", "i called {o} about it", "the flight from {p} to {p} on {y}",
               "it was {k} dollars", "i'll be there in {k} minutes", "there are {k} of us", "may i have the bill", "will you mark it as paid", "can i get a grant for that", "the price will rise in {m}", "i need a new {t} by {y}", "grace period", "the rich text editor", "it froze in the cold",
               "on a scale of one to ten", "hold on let me find my pen", "i was in the street when it happened", "the road was closed", "which street", "it's in my drawer", "that's not my address", "i can't tell you my name", "what name", "no name on the card", "version {k} of the app",
               "the {r} will call you back", "the weather in {p} is fine", "{m} was a good month", "order number {k}", "my {t} is {k} years old", "the total is {k}", "he is a {r}", "they are {k} and {k}", "one two three", "yes that's correct", "no", "okay", "thank you so much", "bye", "perfect",
               "i work for {o} in {p}", "my card is from {o}", "{d} transferred me", "press {k}", "two {t}s and a {t}", "large pepperoni with extra cheese", "a coke please", "could you repeat that", "i'm calling about the {t}", "i'm looking for a {t}", "i am very upset", "this is ridiculous",
               "this is about my {t}", "it's for my {t}", "it's broken", "i'm not sure", "my name", "your name", "the name on it", "the address on file", "at the moment", "i'm on the train", "at {k} o'clock", "it's under warranty", "it's under the seat"]
    SHORT = ("lovely|brilliant|cheers|ta|perfect|great|grand|uh-huh|mm-hmm|mhm|right|sure|exactly|wonderful|super|splendid|excellent|alright|gotcha|fair enough|absolutely|of course|certainly|indeed|correct|nope|yep|yeah|aye|"
             "okay then|no worries|no problem|not at all|sounds good|got it|i see|go ahead|go on|carry on|one moment|one second|bear with me|just a second|let me see|hang on|hold on|hello|hi|hey|good morning|good afternoon|bye|goodbye|thanks|"
             "thank you|ta very much|much appreciated|pardon|sorry|excuse me|come again|what|which one|why|when|both|neither|none|all of them|the first one|the last one|never mind|whatever|maybe|possibly|probably|definitely|fantastic|awesome|"
             "amazing|terrific|marvellous|smashing|ace|cool|nice|good|fine|okey-dokey|righto|roger|copy that|understood|noted|done|ready|here we go|there we are|bless you|oh dear|oh no|oh well|gosh|wow|phew|hmm|well|so|anyway|vin|pin|pan|sim|"
             "iban|cvv|atm|vat|isa|ssn|otp|the vin|the pin|a pin|is it the vin|that would be great|that's lovely|that's great|lovely thank you|perfect thanks").split('|')
    def small_talk(self):
        """What people say between names: short answers."""
        rng = self.rng; words = rng.choice(self.SHORT).split() + (rng.choice(self.SHORT).split() if rng.random() < .3 else [])
        if rng.random() < .5: words[0] = words[0].capitalize()
        if rng.random() < .5: words[-1] += rng.choice('..?!,')
        return [(w, O) for w in words], rng.choice((None, O))
    def sentence(self):
        rng, c = self.rng, self.choose
        if rng.random() < .12: return self.small_talk()
        r = rng.random(); frame, about = (c(*self.NAMED), NAME) if r < .45 else (c(*self.PLACED), ADDRESS) if r < .70 else (c(*self.NEITHER), O)
        if rng.random() < .25: frame = c('yes ', 'okay ', 'um ', 'hi ', 'well ', 'so ', 'hello, ', 'right, ', 'sure ') + frame
        if rng.random() < .25: frame += c(' please', ' thank you', ', thanks', ' okay', '. ' + c(*self.NEITHER).capitalize() + '.', ' and ' + c(*self.NEITHER), ', ' + c(*self.NAMED))
        words, out = re.split(r'(\{.\})', frame), []
        for w in words:
            if w == '{n}': out += self.spans(self.name(), NAME)
            elif w == '{g}': out += self.spans(self.one('given'), NAME)
            elif w == '{f}': out += self.spans(self.one('family'), NAME)
            elif w == '{a}': out += self.spans(self.address(), ADDRESS)
            elif w.startswith('{'):
                fill = {'t': ('bill', 'order', 'card', 'policy', 'refund', 'phone', 'package', 'subscription', 'account', 'car', 'laptop', 'mortgage', 'claim', 'router'), 'd': ('billing', 'support', 'sales', 'the bank', 'claims', 'accounts'),
                        'y': ('Monday', 'Friday', 'the third', 'tomorrow', 'March 4', 'next week'), 'm': ('April', 'May', 'June', 'August', 'March'), 'p': self.places, 'o': ('Amazon', 'Walmart', 'Tesco', 'Barclays', 'Chase', 'Apple', 'Target', 'Morgan Stanley', 'Wells Fargo', 'John Lewis', 'Marks and Spencer', 'Ford', 'Johnson and Johnson', 'Verizon'),
                        'k': [str(rng.randint(1, 999)) for _ in range(3)], 'r': ('nurse', 'manager', 'teacher', 'driver', 'technician', 'baker', 'engineer')}[w[1]]
                out += [(x, O) for x in rng.choice(list(fill)).split()]
            else: out += self.glue(out, w)
        if about != O and frame in ('{n}', '{n}.', '{a}', '{a}.'): return out, about
        return out, about if rng.random() < .5 else None
    def spans(self, text, tag):
        words = text.split(); return [(w, tag if i == 0 else tag + 1) for i, w in enumerate(words)]
    def glue(self, out, text):
        """Punctuation and endings belong to the word before."""
        m = re.match(r"^('s|[.,:?!]+)", text)
        if m and out: out[-1] = (out[-1][0] + m.group(), out[-1][1]); text = text[m.end():]
        return [(w, O) for w in text.split()]

UNITS = 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split()
TENS = 'x x twenty thirty forty fifty sixty seventy eighty ninety'.split()

def said(number, rng):
    n = int(number)
    if len(number) > 4 or number[0] == '0' or rng.random() < .2: return [('oh' if d == '0' and rng.random() < .5 else UNITS[int(d)]) for d in number]
    two = lambda k: [UNITS[k]] if k < 20 else [TENS[k // 10]] + ([UNITS[k % 10]] if k % 10 else [])
    if n < 100: return two(n)
    if len(number) == 3: return (two(n // 100) + two(n % 100) if n % 100 >= 10 else [UNITS[n // 100], 'oh', UNITS[n % 10]]) if n % 100 else [UNITS[n // 100], 'hundred']
    return two(n // 100) + (two(n % 100) if n % 100 >= 10 else ['hundred'] if n % 100 == 0 else ['oh', UNITS[n % 10]])

def as_recognised(pairs, rng):
    """Lower case, no punctuation, numbers in words."""
    out = []
    for w, t in pairs:
        core = re.sub(r"[^a-z0-9' -]", ' ', w.lower()).replace("'s", "'s").strip(" '-")
        for i, part in enumerate(core.replace('-', ' ').split()):
            parts = said(part, rng) if part.isdigit() and rng.random() < .8 else [part]
            for j, p in enumerate(parts): out.append((p, t + 1 if (i or j) and t in (NAME, ADDRESS) else t))
    return out

def example(pairs, asked, rng):
    """-> words, from pairs of (written, tag), sometimes after a question of the other side."""
    style = rng.random()
    if style < .5: pairs = as_recognised(pairs, rng)
    elif style < .6: pairs = [(w.lower(), t) for w, t in pairs]
    elif style < .65: pairs = [(w.capitalize() if i == 0 or t else w, t) for i, (w, t) in enumerate(pairs)]
    pairs = [(part, t + 1 if i and t in (NAME, ADDRESS) else t) for w, t in pairs for i, part in enumerate(re.split(r'(?<=[A-Za-z])[-/](?=[A-Za-z])', w))]
    words = [Word(w, t) for w, t in pairs]; words = [w for w in words if w.text][:96]
    if words: words[-1].stops = words[-1].ends = True
    kind = asked if asked is not None else O
    before = rng.choice(ASK[kind]) if rng.random() < (.75 if asked else .3) else ''
    before = [Word(w, asked=True) for w in before.split()]
    return before + [Word('')] + words if before or rng.random() < .7 else words

def corpus(data, seed, made):
    rng, out = random.Random(seed), []
    for s in multidogo(data, 'train') + multidogo(data, 'dev'):
        kinds = {t for _, t in s}; only = all(t for _, t in s)
        out.append((s, NAME if only and NAME in kinds else ADDRESS if only and ADDRESS in kinds else (NAME if NAME in kinds else ADDRESS if ADDRESS in kinds else O) if rng.random() < .4 else None))
    named = restaurant(data, 'train'); out += [(s, NAME if any(t for _, t in s) and rng.random() < .7 else None) for s in named]
    out += spoken_names(data) + [(s, None) for s in tweets(data)] + [(s, None) for s in queries(data)]
    maker = Made(data, rng); out += [maker.sentence() for _ in range(made)]
    return out, rng

# --- the network ------------------------------------------------------------------------------------------------------------------------

class Tagger(nn.Module):
    def __init__(self):
        super().__init__(); self.table = nn.EmbeddingBag(BUCKETS, DIM, mode='sum', padding_idx=0)
        nn.init.normal_(self.table.weight, std=.1)
        self.near = nn.Conv1d(DIM + FLAGS, HIDDEN, TAPS, padding=2); self.far = nn.Conv1d(HIDDEN, HIDDEN, TAPS, padding=2)
        self.out = nn.Linear(2 * HIDDEN, TAGS)
    def forward(self, ids, offsets, scale, extra, shape):
        e = self.table(ids, offsets) * scale[:, None]
        x = torch.cat([e, extra], 1).view(*shape, DIM + FLAGS).transpose(1, 2)
        h = F.relu(self.near(F.dropout(x, .15, self.training))); g = F.relu(self.far(F.dropout(h, .2, self.training)))
        return self.out(F.dropout(torch.cat([h, g], 1), .2, self.training).transpose(1, 2))

def batch(sentences, rng, train):
    longest = max(map(len, sentences)); ids, offsets, scale, extra, tags = [], [], [], [], []
    for s in sentences:
        for w in s + [None] * (longest - len(s)):
            offsets.append(len(ids))
            if w is None or not w.text: scale.append(0.0); extra.append([0.0] * FLAGS); tags.append(-1); continue
            r = rows(w.text)
            if train and rng.random() < .12: r = r[1:]
            ids += r; scale.append(1 / math.sqrt(len(r))); extra.append([float(f) for f in flags(w)]); tags.append(-1 if w.asked else w.tag)
    return (torch.tensor(ids), torch.tensor(offsets), torch.tensor(scale), torch.tensor(extra), (len(sentences), longest)), torch.tensor(tags).view(len(sentences), longest)

def spans(tags):
    """[(kind, first, end)]; an I that continues nothing begins."""
    out, now = [], None
    for i, t in enumerate(list(tags) + [O]):
        kind = 0 if t <= 0 else 1 + (t - 1) // 2
        if now and (kind != now[0] or t in (NAME, ADDRESS)): out.append((now[0], now[1], i)); now = None
        if kind and not now: now = (kind, i)
    return out

def measure(net, sentences, bias=0.0):
    """Recall (90 % of the characters) and precision (touches) of names and addresses."""
    net.eval(); hit, all_, good, found = collections.Counter(), collections.Counter(), collections.Counter(), collections.Counter()
    for i in range(0, len(sentences), 256):
        part = sentences[i:i + 256]; x, y = batch(part, None, False)
        with torch.no_grad(): logits = net(*x); logits[..., O] -= bias; said = logits.argmax(-1)
        for s, t, p in zip(part, y, said):
            t, p = t[:len(s)].tolist(), p[:len(s)].tolist(); p = [0 if a < 0 else b for a, b in zip(t, p)]
            for k, a, b in spans(t):
                all_[k] += 1; covered = sum(len(s[j].text) for j in range(a, b) if p[j] and 1 + (p[j] - 1) // 2 == k); hit[k] += covered >= .9 * sum(len(s[j].text) for j in range(a, b))
            for k, a, b in spans(p): found[k] += 1; good[k] += any(t[j] > 0 and 1 + (t[j] - 1) // 2 == k for j in range(a, b))
    return '  '.join(f'{n} recall {hit[k] / max(1, all_[k]):.3f} ({all_[k]}) precision {good[k] / max(1, found[k]):.3f} ({found[k]})' for k, n in ((1, 'NAME'), (2, 'ADDRESS')) if all_[k] or found[k])

def export(net, path):
    """magic, version, sizes; per column of the table a scale; the table in 8 bits; near, far, out: weights (out, taps, in) and biases as f32; SHA-256."""
    t = net.table.weight.detach().numpy().copy(); t[0] = 0; scale = np.abs(t).max(0) / 127
    body = MAGIC + struct.pack('<6I', 1, BUCKETS, DIM, FLAGS, HIDDEN, TAPS) + scale.astype('<f4').tobytes() + np.round(t / scale).astype(np.int8).tobytes()
    for conv in (net.near, net.far): body += conv.weight.detach().permute(0, 2, 1).contiguous().numpy().astype('<f4').tobytes() + conv.bias.detach().numpy().astype('<f4').tobytes()
    body += net.out.weight.detach().numpy().astype('<f4').tobytes() + net.out.bias.detach().numpy().astype('<f4').tobytes()
    with open(path + '.tmp', 'wb') as f: f.write(body + hashlib.sha256(body).digest())
    os.replace(path + '.tmp', path); net.table.weight.data = torch.from_numpy((np.round(t / scale) * scale).astype(np.float32)); return len(body) + 32

SAID = [('may i have your name please', 'its olivia smith'), ('', 'Hi, this is Dr. Okonkwo-Reyes calling about my bill.'), ('where should we send it', 'send it to 1420 Maple Street, Apt 5, Springfield'),
        ('', 'my address is forty two church lane'), ('how can i help you today', "I'd like to pay my bill by May 4"), ('', 'Marta told me that the Rue de Sèvres 12 was closed')]

def golden(net, path):
    """What the network says of a few turns, for the test of the program that runs it."""
    net.eval(); out = []
    for asked, text in SAID:
        w = [Word(w, asked=True) for w in asked.split()] + [Word('')] + [Word(p) for w in text.split() for p in re.split(r'(?<=[A-Za-z])[-/](?=[A-Za-z])', w)]; w[-1].stops = w[-1].ends = True
        with torch.no_grad(): p = F.softmax(net(*batch([w], None, False)[0])[0], -1)
        out.append({'asked': asked, 'text': text, 'likely': [[round(v, 5) for v in row] for row in p[len(asked.split()) + 1:].tolist()]})
    with open(path, 'w') as f: f.write('[\n' + ',\n'.join(json.dumps(o, ensure_ascii=False) for o in out) + '\n]\n')

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--data', required=True); a.add_argument('--out', required=True); a.add_argument('--epochs', type=int, default=6)
    a.add_argument('--keep', help='also keep the weights here, unrounded'); a.add_argument('--weights', help='go on from these (--keep of another run), gently')
    a.add_argument('--made', type=int, default=50000); a.add_argument('--seed', type=int, default=1); a = a.parse_args()
    torch.manual_seed(a.seed); torch.set_num_threads(1); net = Tagger()
    test = {}
    for name, of in (('multidogo', multidogo(a.data, 'test')), ('restaurant8k', restaurant(a.data, 'test'))):
        test[name + ' written'] = [[Word(w, t) for w, t in s] for s in of]; rng = random.Random(3)
        test[name + ' recognised'] = [[Word(w, t) for w, t in as_recognised(s, rng)] for s in of]
    for k in test: test[k] = [[w for w in s if w.text] for s in test[k]]; test[k] = [s for s in test[k] if s]
    steps, at = None, 0
    if a.weights: net.load_state_dict(torch.load(a.weights))
    for epoch in range(a.epochs):
        data, rng = corpus(a.data, a.seed + epoch, a.made)
        examples = [e for e in (example(s, asked, rng) for s, asked in data) if e]; examples.sort(key=lambda e: len(e) + rng.random())
        groups = [examples[i:i + 64] for i in range(0, len(examples), 64)]; rng.shuffle(groups)
        if steps is None:
            steps = a.epochs * len(groups); opt = torch.optim.Adam(net.parameters(), lr=4e-3); rate = torch.optim.lr_scheduler.OneCycleLR(opt, 1.5e-3 if a.weights else 6e-3, total_steps=steps + 10 * a.epochs, pct_start=.1)
            print(f'{len(examples)} examples an epoch, {sum(p.numel() for p in net.parameters())} numbers', flush=True)
        net.train(); total = 0.0
        for g in groups:
            x, y = batch(g, rng, True); loss = F.cross_entropy(net(*x).reshape(-1, TAGS), y.view(-1), ignore_index=-1, label_smoothing=.02)
            opt.zero_grad(); loss.backward(); opt.step(); at += 1; total += loss.item()
            if at < steps: rate.step()
        print(f'epoch {epoch + 1}: loss {total / len(groups):.4f}', flush=True)
        for k, s in test.items(): print(f'  {k}: {measure(net, s)}', flush=True)
    if a.keep: torch.save(net.state_dict(), a.keep)
    size = export(net, a.out); golden(net, os.path.splitext(a.out)[0] + '.golden.json'); print(f'{a.out}: {size} bytes')
    for bias in (0, 1, 2):
        for k, s in test.items(): print(f'  8 bits, bias {bias}, {k}: {measure(net, s, bias)}', flush=True)

if __name__ == '__main__':
    main()
