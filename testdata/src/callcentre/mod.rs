//! A call centre that never was: two-channel calls with every kind of personal data, spoken as people speak it, and where each of it is.
//!
//! Call by call from its number: the same calls everywhere, for ever. Every tenth call ([`is_unseen`]) is kept for measuring and also uses phrasings
//! that no other call has, so that rules that were written while looking at the others show there what they are worth.

mod values;

use crate::Random;
use values::*;

/// Whether a call is of the tenth that nobody looks at while writing rules.
pub fn is_unseen(number: usize) -> bool {
    number % 10 == 7
}

/// How a recogniser writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Lower case, no punctuation, digits as words.
    Spoken,
    /// Capitals, punctuation, digits as digits.
    Written,
}

/// A word, and whether it is part of something personal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// As the recogniser writes it.
    pub text: String,
    /// The number of the item that it is of.
    pub item: Option<usize>,
    /// It lies between the words of its item and tells nothing: "um", "sorry", "dash".
    pub filler: bool,
}

/// What one says before the other does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Who: 0 the agent, 1 the caller; also the channel.
    pub channel: usize,
    /// The words.
    pub tokens: Vec<Token>,
    /// Said while the line before it still is.
    pub over: bool,
}

/// A call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Its number.
    pub number: usize,
    /// How its transcript is written.
    pub style: Style,
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// The kind of each item, by Contact Lens's names.
    pub items: Vec<&'static str>,
}

/// A word's channel, times in milliseconds, and the token.
pub type Timed = (usize, u64, u64, Token);

impl Call {
    /// The call's words with times, `duration` milliseconds each, in the order of the lines; short pauses between words, longer ones between lines.
    pub fn timed(&self, mut duration: impl FnMut(usize, &str) -> u64) -> Vec<Vec<Timed>> {
        let mut random = Random::new(self.number as u64 ^ 0x7133);
        let (mut now, mut last_start) = (400, 400);
        let mut lines = Vec::new();
        for line in &self.lines {
            let mut at =
                if line.over { last_start + (now - last_start) / 2 } else { now + 150 + random.below(700) as u64 };
            last_start = at;
            let mut timed = Vec::new();
            for token in &line.tokens {
                let long = duration(line.channel, &token.text);
                timed.push((line.channel, at, at + long, token.clone()));
                at += long + 20 + random.below(60) as u64;
            }
            now = now.max(at);
            lines.push(timed);
        }
        lines
    }

    /// [`Call::timed`] at the pace of speech, for transcripts without a recording.
    pub fn paced(&self) -> Vec<Vec<Timed>> {
        self.timed(|_, text| 180 + 35 * text.len().min(20) as u64)
    }
}

const UNITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TEENS: [&str; 10] =
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const NATO: [&str; 26] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima",
    "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "x-ray",
    "yankee", "zulu",
];
const LIKE: [&str; 26] = [
    "apple",
    "boy",
    "cat",
    "dog",
    "egg",
    "fox",
    "girl",
    "house",
    "ice",
    "jack",
    "king",
    "love",
    "mother",
    "nancy",
    "orange",
    "peter",
    "queen",
    "robert",
    "sugar",
    "tom",
    "umbrella",
    "victor",
    "william",
    "xylophone",
    "yellow",
    "zebra",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// 0 to 99 in words.
fn spoken(n: usize) -> String {
    match n {
        0..10 => UNITS[n].into(),
        10..20 => TEENS[n - 10].into(),
        _ if n.is_multiple_of(10) => TENS[n / 10].into(),
        _ => format!("{} {}", TENS[n / 10], UNITS[n % 10]),
    }
}

fn ordinal(n: usize) -> String {
    match n {
        1..=20 => ORDINALS[n - 1].into(),
        21..30 => format!("twenty {}", ORDINALS[n - 21]),
        30 => "thirtieth".into(),
        _ => "thirty first".into(),
    }
}

fn year(n: usize) -> String {
    match n {
        2000..2010 => {
            format!("two thousand {}", if n == 2000 { String::new() } else { format!("and {}", spoken(n - 2000)) })
        }
        _ if n % 100 < 10 => format!("{} oh {}", spoken(n / 100), spoken(n % 100)),
        _ => format!("{} {}", spoken(n / 100), spoken(n % 100)),
    }
}

struct Maker {
    random: Random,
    style: Style,
    unseen: bool,
    lines: Vec<Line>,
    items: Vec<&'static str>,
    /// Words of what is being said: those of items marked.
    tokens: Vec<Token>,
    agent: String,
    first: String,
    last: String,
}

/// Call number `number`.
pub fn call(number: usize) -> Call {
    let mut random = Random::new(number as u64 * 7_919 + 11);
    let style = if random.below(5) < 3 { Style::Spoken } else { Style::Written };
    let (agent, first, last) =
        (pick(&mut random, FIRST).into(), pick(&mut random, FIRST).into(), pick(&mut random, LAST).into());
    let mut maker = Maker {
        random,
        style,
        unseen: is_unseen(number),
        lines: Vec::new(),
        items: Vec::new(),
        tokens: Vec::new(),
        agent,
        first,
        last,
    };
    maker.run(number);
    Call { number, style, lines: maker.lines, items: maker.items }
}

/// What can be talked about in a call.
type Topic = fn(&mut Maker);

const TOPICS: [Topic; 32] = [
    Maker::card,
    Maker::phone,
    Maker::ssn,
    Maker::account,
    Maker::email,
    Maker::address,
    Maker::birth,
    Maker::age,
    Maker::pin,
    Maker::url,
    Maker::ip,
    Maker::mac,
    Maker::keys,
    Maker::password,
    Maker::username,
    Maker::plate,
    Maker::vin,
    Maker::passport,
    Maker::driver,
    Maker::sin,
    Maker::nino,
    Maker::nhs,
    Maker::health,
    Maker::aadhaar,
    Maker::pan,
    Maker::nrega,
    Maker::voter,
    Maker::itin,
    Maker::utr,
    Maker::iban,
    Maker::bic,
    Maker::appointment,
];

impl Maker {
    /// One of several phrasings; the last one in unseen calls only.
    fn any<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let count = list.len() - usize::from(!self.unseen && list.len() > 1);
        pick(&mut self.random, list.get(..count).unwrap_or_default())
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    fn plain(&mut self, text: &str) {
        for word in text.split_whitespace() {
            self.token(word, None, false);
        }
    }

    fn token(&mut self, word: &str, item: Option<usize>, filler: bool) {
        let text = match self.style {
            Style::Written => word.to_owned(),
            Style::Spoken => {
                let kept: String = word.chars().filter(|c| c.is_alphanumeric() || "'-@./:_+".contains(*c)).collect();
                kept.trim_end_matches(['.', ':']).to_lowercase()
            }
        };
        if !text.is_empty() {
            self.tokens.push(Token { text, item, filler });
        }
    }

    fn item(&mut self, entity: &'static str) -> usize {
        self.items.push(entity);
        self.items.len() - 1
    }

    /// Something personal, as it is.
    fn put(&mut self, entity: &'static str, text: &str) {
        let item = self.item(entity);
        for word in text.split_whitespace() {
            self.token(word, Some(item), false);
        }
    }

    fn end(&mut self, channel: usize) {
        let mut tokens = std::mem::take(&mut self.tokens);
        if self.style == Style::Written {
            if let Some(first) = tokens.first_mut() {
                let mut chars = first.text.chars();
                first.text = chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default();
            }
            if let Some(last) = tokens.last_mut().filter(|t| !t.text.ends_with(['.', '?', '!'])) {
                last.text = format!("{}.", last.text.trim_end_matches(','));
            }
        }
        if !tokens.is_empty() {
            self.lines.push(Line { channel, tokens, over: false });
        }
    }

    /// A line of nothing personal.
    fn say(&mut self, channel: usize, text: &str) {
        self.plain(text);
        self.end(channel);
    }

    /// A line with `{}` where `put` speaks.
    fn say_with(&mut self, channel: usize, frame: &str, mut put: impl FnMut(&mut Self)) {
        let mut parts = frame.split("{}");
        let head = parts.next().unwrap_or("");
        self.plain(head);
        for tail in parts {
            put(self);
            let (stop, rest) = tail.split_at(tail.len() - tail.trim_start_matches(['.', ',', '?']).len());
            if let Some(last) = self.tokens.last_mut().filter(|_| self.style == Style::Written) {
                last.text.push_str(stop);
            }
            self.plain(rest);
        }
        self.end(channel);
    }

    /// Digits and letters as they are said, in groups; the other side may say something between them, and a part may be taken back.
    fn number(&mut self, entity: &'static str, value: &str, groups: &[usize], channel: usize) {
        let item = self.item(entity);
        if self.style == Style::Written && self.chance(75) {
            return self.number_written(item, value, groups);
        }
        let oh = self.chance(50);
        let way = self.random.below(5);
        let spelling = self.random.below(4);
        let all_digits = value.bytes().all(|b| b.is_ascii_digit());
        let split = value.len() >= 8 && self.chance(25);
        let wrong = (value.len() >= 6 && all_digits && self.chance(12)).then(|| self.random.below(value.len() - 2));
        let mut rest = value;
        let mut at = 0;
        let mut sizes = groups.iter().copied().chain(std::iter::repeat(4));
        let turn_after = value.len() / 2;
        let mut turned = !split;
        while !rest.is_empty() {
            let (group, tail) = rest.split_at(sizes.next().unwrap_or(4).min(rest.len()));
            rest = tail;
            if wrong.is_some_and(|w| (at..at + group.len()).contains(&w)) {
                // Said wrong, taken back, and said again.
                let bad: String = group.chars().map(|c| char::from(b'0' + (c as u8 - b'0' + 3) % 10)).collect();
                self.group(item, &bad, 0, oh, spelling);
                let sorry = self.any(&["no sorry", "sorry", "no wait", "oops", "scratch that", "i mean", "correction"]);
                sorry.split(' ').for_each(|w| self.token(w, Some(item), true));
            }
            self.group(item, group, way, oh, spelling);
            at += group.len();
            if !rest.is_empty() && !turned && at >= turn_after {
                turned = true;
                self.end(channel);
                let go = self.any(&["okay", "mm-hmm", "go ahead", "uh-huh", "got it", "yes", "and the rest"]);
                self.say(1 - channel, go);
                if let Some(line) = self.lines.last_mut() {
                    line.over = at.is_multiple_of(2);
                }
                if self.chance(30) {
                    self.token("and", Some(item), true);
                }
            } else if !rest.is_empty() && self.chance(15) {
                let filler = self.any(&["um", "uh", "dash", "and then", "space", "er"]);
                filler.split(' ').for_each(|w| self.token(w, Some(item), true));
            }
        }
    }

    fn number_written(&mut self, item: usize, value: &str, groups: &[usize]) {
        let mut parts = Vec::new();
        let mut rest = value;
        let mut sizes = groups.iter().copied().chain(std::iter::repeat(4));
        while !rest.is_empty() {
            let (group, tail) = rest.split_at(sizes.next().unwrap_or(4).min(rest.len()));
            parts.push(group.to_owned());
            rest = tail;
        }
        let words = match self.random.below(4) {
            0 => vec![value.to_owned()],
            1 => vec![parts.join("-")],
            2 => value.chars().map(String::from).collect(),
            _ => parts,
        };
        words.iter().for_each(|w| self.token(w, Some(item), false));
    }

    /// A group of digits and letters: one by one, with "double", or as numbers of two digits.
    fn group(&mut self, item: usize, group: &str, way: usize, oh: bool, spelling: usize) {
        let bytes = group.as_bytes();
        let digit = |b: u8| usize::from(b - b'0');
        let unit = |d: usize| if d == 0 && oh { "oh" } else { UNITS[d] };
        let mut words: Vec<String> = Vec::new();
        let mut i = 0;
        while i < bytes.len() {
            let b = bytes[i];
            let run = bytes[i..].iter().take_while(|&&x| x == b).count().min(3);
            let pair = bytes.get(i + 1).filter(|c| c.is_ascii_digit());
            if b.is_ascii_uppercase() || b.is_ascii_lowercase() {
                let letter = usize::from(b.to_ascii_lowercase() - b'a');
                let one = char::from(b).to_ascii_lowercase();
                words.push(match spelling {
                    0 => NATO[letter].into(),
                    1 => format!("{one} as in {}", LIKE[letter]),
                    2 if self.chance(30) => format!("{one} for {}", LIKE[letter]),
                    _ => one.into(),
                });
                i += 1;
            } else if way == 1 && run > 1 {
                words.push(format!("{} {}", ["double", "triple"][run - 2], unit(digit(b))));
                i += run;
            } else if way == 2 && bytes.len().is_multiple_of(2) && pair.is_some() && b.is_ascii_digit() {
                let n = 10 * digit(b) + digit(*pair.unwrap_or(&b'0'));
                words.push(if n < 10 { format!("{} {}", unit(0), unit(n)) } else { spoken(n) });
                i += 2;
            } else if b.is_ascii_digit() {
                words.push(unit(digit(b)).into());
                i += 1;
            } else {
                i += 1;
            }
        }
        for word in words.iter().flat_map(|w| w.split(' ')) {
            self.token(word, Some(item), false);
        }
    }

    /// Asked for by the agent and told by the caller, or told at once.
    fn told(&mut self, ask: &[&str], answers: &[&str], statements: &[&str], put: impl FnMut(&mut Self)) {
        if self.chance(65) {
            let ask = self.any(ask);
            self.say(0, ask);
            let answer = self.any(answers);
            self.say_with(1, answer, put);
        } else {
            let statement = self.any(statements);
            self.say_with(1, statement, put);
        }
        let thanks = self.any(&[
            "thank you",
            "perfect thank you",
            "great",
            "okay thank you",
            "one moment",
            "lovely",
            "all right then",
        ]);
        self.say(0, thanks);
    }

    fn numbered(&mut self, entity: &'static str, value: &str, groups: &[usize], ask: &[&str], statements: &[&str]) {
        let answers = [
            "{}",
            "it's {}",
            "sure it's {}",
            "yes that's {}",
            "okay so {}",
            "um {}",
            "let me see {}",
            "hold on okay it is {}",
        ];
        self.told(ask, &answers, statements, |m| m.number(entity, value, groups, 1));
    }

    fn run(&mut self, number: usize) {
        let agent = self.agent.clone();
        let open = self.any(&[
            "thank you for calling this is {}, how can I help you today?",
            "good morning, my name is {}, how may I help?",
            "hello you're speaking with {}, what can I do for you?",
            "welcome to customer care, {} speaking, how can I help?",
        ]);
        self.say_with(0, open, |m| m.put("NAME", &agent));
        self.chatter();
        self.name();
        // Every kind comes up again and again, in another company each time.
        let mut topics = vec![TOPICS[number % TOPICS.len()], TOPICS[(number / 3 + 5) % TOPICS.len()]];
        (0..1 + self.random.below(3)).for_each(|_| topics.push(TOPICS[self.random.below(TOPICS.len())]));
        for topic in topics {
            topic(self);
            if self.chance(60) {
                self.chatter();
            }
        }
        let close =
            self.any(&["is there anything else I can help you with?", "anything else today?", "will that be all?"]);
        self.say(0, close);
        let bye = self.any(&[
            "no that's all thank you",
            "no thanks bye",
            "that's everything, goodbye",
            "nope you've been great",
        ]);
        self.say(1, bye);
        if self.chance(30) {
            let first = self.first.clone();
            self.say_with(0, "thanks for calling {}, have a nice day", |m| m.put("NAME", &first));
        }
    }

    /// What is not personal, with numbers in it.
    fn chatter(&mut self) {
        let caller = self.any(&[
            "I have two questions about my last three orders",
            "I was charged forty nine ninety nine and I should not have been",
            "I have been waiting for twenty five minutes",
            "the order number is four eight two one three",
            "I called twice and nobody picked up",
            "my internet is down again it's the third time",
            "I ordered one of the large ones and got two small ones",
            "it says error five oh four on the screen",
            "I want to cancel my plan",
            "the model is a z five hundred",
            "can you tell me the balance",
            "it costs one hundred and twenty dollars a year",
            "I bought it on sale for $49.99",
            "it's about invoice 20481",
            "there are four people in my team and we need six licences",
            "the app keeps crashing on version 3.2",
            "I am so sorry to bother you again",
            "you know I really like the service",
            "I'm not happy about this at all",
            "we drove ninety miles to get here and I may go back",
            "I got a text with a link and it looked wrong",
        ]);
        self.say(1, caller);
        let agent = self.any(&[
            "I see, let me look into that for you",
            "no problem, I can help you with that",
            "I'm sorry to hear that",
            "sure, give me one second",
            "the case number is seven seven three two",
            "it will take three to five business days",
            "I can offer you a 20% discount",
            "please press one to confirm",
            "that is ticket 5512 for your notes",
            "I have applied a credit of ten dollars",
            "we are open twenty four seven",
        ]);
        self.say(0, agent);
    }

    fn name(&mut self) {
        let (first, last) = (self.first.clone(), self.last.clone());
        let full = format!("{first} {last}");
        match self.random.below(4) {
            0 => {
                let ask = self.any(&[
                    "can I have your full name please?",
                    "may I take your name?",
                    "who am I speaking with?",
                    "and you are?",
                ]);
                self.say(0, ask);
                let answer =
                    self.any(&["{}", "it's {}", "yes it's {}", "my name is {}", "sure, {}", "this is {} speaking"]);
                self.say_with(1, answer, |m| m.put("NAME", &full));
            }
            1 => {
                let ask = self.any(&["what is your last name?", "your surname please?", "and the family name?"]);
                self.say(0, ask);
                let spelled: String = last.chars().filter(char::is_ascii_alphabetic).flat_map(|c| [c, ' ']).collect();
                let with = self.chance(50);
                let answer = self.any(&["{}", "it's {}", "that would be {}"]);
                self.say_with(1, answer, |m| {
                    m.put("NAME", &if with { format!("{last} {spelled}") } else { last.clone() })
                });
            }
            2 => {
                let line = self.any(&[
                    "hi my name is {} and I need some help",
                    "hello, this is {} I have an account with you",
                    "I'm {} and I called yesterday",
                    "yeah hi {} here",
                ]);
                self.say_with(1, line, |m| m.put("NAME", &full));
            }
            _ => {
                let line = self.any(&[
                    "the account is under the name {}",
                    "the name on the account is {}",
                    "I'm calling on behalf of {}",
                    "it should be under {}",
                ]);
                self.say_with(1, line, |m| m.put("NAME", &full));
            }
        }
        let title = pick(&mut self.random, &["Mr.", "Mrs.", "Ms.", "Dr."]);
        if self.chance(50) {
            let line = self.any(&[
                "thank you {}",
                "thanks {}, one moment",
                "all right {}, let me check",
                "hello {}, nice to hear from you",
            ]);
            self.say_with(0, line, |m| m.put("NAME", &format!("{title} {last}")));
        }
    }

    fn card(&mut self) {
        let card = card(&mut self.random);
        let groups: &[usize] = if card.len() == 15 { &[4, 6, 5] } else { &[4, 4, 4, 4] };
        let kind = pick(&mut self.random, &["visa", "mastercard", "debit"]);
        self.numbered(
            "CREDIT_DEBIT_NUMBER",
            &card,
            groups,
            &[
                "what is your card number?",
                "can I have the sixteen digits on the front of the card?",
                "could you read me the long number on the card?",
                "and the credit card number please?",
                "what's the number on the plastic?",
            ],
            &[
                "I'd like to pay by card it's {}",
                &format!("my {kind} card number is {{}}"),
                "the number is {} on the card",
                "okay here's my credit card {}",
                "please charge {}",
            ],
        );
        if self.chance(30) {
            let last4 = card.get(card.len() - 4..).unwrap_or("").to_owned();
            let line = self.any(&[
                "so the card ends in {}, is that right?",
                "I have a card ending in {} on file",
                "the last four digits are {}?",
            ]);
            self.say_with(0, line, |m| m.number("CREDIT_DEBIT_NUMBER", &last4, &[4], 0));
            self.say(1, "yes that's right");
        }
        if self.chance(80) {
            let (month, year) = (1 + self.random.below(12), 26 + self.random.below(6));
            let ask = self.any(&[
                "and the expiration date?",
                "when does it expire?",
                "expiry date please?",
                "what is it valid until?",
            ]);
            self.say(0, ask);
            let way = self.random.below(3);
            let answer = self.any(&["{}", "it's {}", "it expires {}", "that's {}"]);
            self.say_with(1, answer, |m| match (m.style, way) {
                (Style::Written, 0) => m.put("CREDIT_DEBIT_EXPIRY", &format!("{month:02}/{year}")),
                (_, 1) => m.put("CREDIT_DEBIT_EXPIRY", &format!("{} twenty {}", MONTHS[month - 1], spoken(year))),
                _ => m.number("CREDIT_DEBIT_EXPIRY", &format!("{month:02}{year}"), &[2, 2], 1),
            });
        }
        if self.chance(80) {
            let count = if card.len() == 15 { 4 } else { 3 };
            let cvv = digits(&mut self.random, count);
            self.numbered(
                "CREDIT_DEBIT_CVV",
                &cvv,
                &[4],
                &[
                    "and the security code?",
                    "the three digits on the back?",
                    "what is the C V V?",
                    "can I get the CVV please?",
                    "and that little number on the signature strip?",
                ],
                &["and the security code is {}", "the CVV is {}", "on the back it says {}"],
            );
        }
    }

    fn phone(&mut self) {
        let (phone, groups) = phone(&mut self.random);
        self.numbered(
            "PHONE",
            &phone,
            groups,
            &[
                "what is the best number to reach you?",
                "can I have a phone number?",
                "what's your mobile number?",
                "and a callback number in case we get disconnected?",
                "which phone should we ring?",
            ],
            &[
                "you can call me back at {}",
                "my phone number is {}",
                "my cell is {}",
                "text me at {} please",
                "please ring {} after lunch",
            ],
        );
    }

    fn ssn(&mut self) {
        let ssn = ssn(&mut self.random);
        self.numbered(
            "SSN",
            &ssn,
            &[3, 2, 4],
            &[
                "can you verify your social security number?",
                "what is your social?",
                "and your SSN please?",
                "the nine digits of your social?",
            ],
            &["my social security number is {}", "my social is {}", "here is my S S N {}"],
        );
        if self.chance(30) {
            let last = ssn.get(5..).unwrap_or("").to_owned();
            let ask = self.any(&[
                "just the last four of your social?",
                "and the last four digits of the social security number?",
                "last four of the SSN?",
            ]);
            self.say(0, ask);
            self.say_with(1, "{}", |m| m.number("SSN", &last, &[4], 1));
        }
    }

    fn account(&mut self) {
        let count = 8 + self.random.below(5);
        let account = digits(&mut self.random, count);
        self.numbered(
            "BANK_ACCOUNT_NUMBER",
            &account,
            &[4, 4, 4],
            &[
                "what is the account number?",
                "which bank account should I use?",
                "can I have your checking account number?",
                "and which account does it go to?",
            ],
            &[
                "my account number is {}",
                "the bank account is {}",
                "it's for my savings account {}",
                "take it from account {}",
            ],
        );
        if self.chance(60) {
            let routing = aba(&mut self.random);
            self.numbered(
                "BANK_ROUTING",
                &routing,
                &[3, 3, 3],
                &[
                    "and the routing number?",
                    "what's the routing number for that bank?",
                    "do you have the ABA number?",
                    "and the routing digits?",
                ],
                &["the routing number is {}", "and routing is {}", "with routing {}"],
            );
        }
    }

    fn pin(&mut self) {
        let count = if self.chance(80) { 4 } else { 6 };
        let pin = digits(&mut self.random, count);
        self.numbered(
            "PIN",
            &pin,
            &[6],
            &[
                "please tell me your PIN",
                "what is your pin code?",
                "and your four digit pin?",
                "may I have the passcode?",
                "and the P I N on the account?",
            ],
            &["my pin is {}", "the pin number is {}", "I changed the pin to {}"],
        );
    }

    fn email(&mut self) {
        let (first, last, host) =
            (self.first.to_lowercase(), self.last.to_lowercase().replace('\'', ""), pick(&mut self.random, HOSTS));
        let top = pick(&mut self.random, &["com", "com", "org", "co.uk", "net"]);
        let n = self.random.below(100);
        let local = [
            format!("{first}.{last}"),
            format!("{first}_{last}"),
            format!("{first}{n}"),
            format!("{}{last}", &first[..1]),
            format!("{first}-{last}"),
        ];
        let local = local[self.random.below(local.len())].clone();
        let written = self.style == Style::Written && self.chance(70);
        let text = if written {
            format!("{local}@{host}.{top}")
        } else {
            let parts = local.replace('.', " dot ").replace('_', " underscore ").replace('-', " dash ");
            let parts = match local.strip_suffix(&n.to_string()).filter(|_| local == format!("{first}{n}")) {
                Some(name) => format!("{name} {}", spoken(n)),
                None if self.chance(30) && !parts.contains(' ') => parts.chars().flat_map(|c| [c, ' ']).collect(),
                None => parts,
            };
            format!("{parts} at {host} dot {}", top.replace('.', " dot "))
        };
        self.told(
            &[
                "what is your email address?",
                "can I get an email for the receipt?",
                "which email do you use?",
                "and where do I send the confirmation?",
            ],
            &["it's {}", "{}", "sure {}", "my email is {}", "that would be {}"],
            &["my email address is {}", "you can email me at {}", "send it to {} please", "please write to {}"],
            |m| m.put("EMAIL", &text),
        );
    }

    fn address(&mut self) {
        let (number, street, town) =
            (1 + self.random.below(1_900), pick(&mut self.random, STREETS), pick(&mut self.random, TOWNS));
        let said = match (self.style, number) {
            (Style::Written, _) => number.to_string(),
            (_, 1..100) => spoken(number),
            (_, 100..1_000) if number % 100 < 10 => format!("{} oh {}", spoken(number / 100), spoken(number % 100)),
            _ if number % 100 < 10 => format!("{} oh {}", spoken(number / 100), spoken(number % 100)),
            _ => format!("{} {}", spoken(number / 100), spoken(number % 100)),
        };
        let flat = match self.random.below(4) {
            0 => format!(" apartment {}", spoken(1 + self.random.below(40))),
            1 => format!(" unit {}", pick(&mut self.random, &["B", "C", "4"])),
            _ => String::new(),
        };
        let town = if self.chance(60) { format!(" {town}") } else { String::new() };
        self.told(
            &[
                "what is your address?",
                "can you confirm your home address?",
                "where should we send it?",
                "and the billing address?",
                "where are you based?",
            ],
            &["{}", "it's {}", "I live at {}", "sure {}", "we're at {}"],
            &["I live at {}", "my address is {}", "please ship it to {}", "I just moved to {}", "the house is {}"],
            |m| m.put("ADDRESS", &format!("{said} {street}{flat}{town}")),
        );
        if self.chance(50) {
            let zip = digits(&mut self.random, 5);
            self.numbered(
                "ADDRESS",
                &zip,
                &[5],
                &["and the zip code?", "what's your zip?", "postal code please?"],
                &["the zip code is {}", "zip is {}", "and the zip {}"],
            );
        }
    }

    fn date(&mut self) -> String {
        let (d, m, y) = (1 + self.random.below(28), 1 + self.random.below(12), 1940 + self.random.below(75));
        let month = MONTHS[m - 1];
        if self.style == Style::Written && self.chance(60) {
            return match self.random.below(3) {
                0 => format!("{month} {d}, {y}"),
                1 => format!("{m:02}/{d:02}/{y}"),
                _ => format!("{d} {month} {y}"),
            };
        }
        match self.random.below(4) {
            0 => format!("{month} {} {}", ordinal(d), year(y)),
            1 => format!("the {} of {month} {}", ordinal(d), year(y)),
            2 => format!("{month} the {} {}", ordinal(d), year(y)),
            _ => format!("{} {month} {}", spoken(d), year(y)),
        }
    }

    fn birth(&mut self) {
        let date = self.date();
        self.told(
            &[
                "what is your date of birth?",
                "can you confirm your birthday?",
                "and when were you born?",
                "your D O B please?",
            ],
            &["{}", "it's {}", "I was born on {}", "sure {}", "yeah {}"],
            &["my date of birth is {}", "I was born on {}", "my birthday is {}"],
            |m| m.put("DATE_TIME", date.trim_start_matches("the ")),
        );
    }

    fn appointment(&mut self) {
        let month = MONTHS[self.random.below(12)];
        let day = ordinal(1 + self.random.below(28));
        let hour = spoken(1 + self.random.below(12));
        let half = pick(&mut self.random, &["a.m.", "p.m."]);
        let line = self.any(&[
            "I can book you in for {}",
            "the appointment is on {}",
            "your next payment is due {}",
            "they come round on {}",
        ]);
        self.say_with(0, line, |m| m.put("DATE_TIME", &format!("{month} {day}")));
        let line = self.any(&["could we say {}?", "I was hoping for {}", "is {} okay?", "make it {}"]);
        self.say_with(1, line, |m| m.put("DATE_TIME", &format!("{hour} {half}")));
        self.say(0, "yes that works");
    }

    fn age(&mut self) {
        let age = 18 + self.random.below(70);
        let said = if self.style == Style::Written { age.to_string() } else { spoken(age) };
        let line = self.any(&[
            "I am {} years old",
            "I'm {} years old you know",
            "my mother is {} years old",
            "he turned {} last week",
        ]);
        self.say_with(1, line, |m| m.put("AGE", &said));
        if self.chance(50) {
            let ask = self.any(&["how old are you?", "can I ask your age?", "and your age?"]);
            self.say(0, ask);
            self.say_with(1, "I'm {}", |m| m.put("AGE", &said));
        }
    }

    fn url(&mut self) {
        let host = pick(&mut self.random, HOSTS);
        let page = pick(&mut self.random, &["account", "help", "login"]);
        let text = if self.style == Style::Written && self.chance(70) {
            [format!("https://{host}.com/{page}"), format!("www.{host}.com"), format!("{host}.org/{page}")]
                [self.random.below(3)]
            .clone()
        } else {
            [
                format!("w w w dot {host} dot com"),
                format!("{host} dot com slash {page}"),
                format!("www dot {host} dot co dot uk"),
            ][self.random.below(3)]
            .clone()
        };
        let line = self.any(&[
            "it is on {}",
            "please go to {}",
            "I found it on {} and clicked it",
            "the site is {}",
            "open {} in your browser",
        ]);
        self.say_with(1, line, |m| m.put("URL", &text));
    }

    fn ip(&mut self) {
        let bytes: Vec<usize> = vec![
            [10, 192, 172][self.random.below(3)],
            self.random.below(256),
            self.random.below(256),
            1 + self.random.below(254),
        ];
        let oh = self.chance(50);
        let one = |n: usize| -> String {
            let digits: Vec<&str> = n
                .to_string()
                .bytes()
                .map(|b| if b == b'0' && oh { "oh" } else { UNITS[usize::from(b - b'0')] })
                .collect();
            digits.join(" ")
        };
        let text = if self.style == Style::Written && self.chance(70) {
            bytes.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
        } else {
            bytes.iter().map(|&n| if n < 100 && !oh { spoken(n) } else { one(n) }).collect::<Vec<_>>().join(" dot ")
        };
        self.told(
            &["what is the IP address?", "which IP do you see?", "and the address of the server?"],
            &["{}", "it's {}", "it says {}"],
            &["my IP address is {}", "the router is at {}", "it blocked {}"],
            |m| m.put("IP_ADDRESS", &text),
        );
    }

    fn mac(&mut self) {
        let mac: String = (0..12).map(|_| char::from(b"0123456789ABCDEF"[self.random.below(16)])).collect();
        let pairs: Vec<&str> = (0..6).map(|i| &mac[2 * i..2 * i + 2]).collect();
        let frames: [&[&str]; 3] = [
            &["what is the MAC address on the label?", "can you read me the MAC address?", "and the hardware address?"],
            &["{}", "it's {}", "okay {}"],
            &["the MAC address is {}", "the label says MAC {}", "its MAC address {}"],
        ];
        if self.style == Style::Written && self.chance(60) {
            self.told(frames[0], frames[1], frames[2], |m| m.put("MAC_ADDRESS", &pairs.join(":")));
        } else {
            self.told(frames[0], frames[1], frames[2], |m| m.number("MAC_ADDRESS", &mac, &[2, 2, 2, 2, 2, 2], 1));
        }
    }

    fn keys(&mut self) {
        let key = access_key(&mut self.random);
        self.numbered(
            "AWS_ACCESS_KEY",
            &key,
            &[4, 4, 4, 4, 4],
            &["what is the access key ID?", "can you read the access key?", "and the key that it starts with A K?"],
            &["the access key is {}", "my access key ID is {}", "it logs {} as the access key"],
        );
        if self.style == Style::Written {
            let secret = secret_key(&mut self.random);
            let line = self.any(&["and the secret access key is {}", "the secret key is {}", "then it wants {}"]);
            self.say_with(1, line, |m| m.put("AWS_SECRET_KEY", &secret));
        }
    }

    fn password(&mut self) {
        let (a, b, n) = (pick(&mut self.random, WORDS), pick(&mut self.random, WORDS), self.random.below(100));
        let text = match (self.style, self.random.below(3)) {
            (Style::Written, 0) => format!("{a}{b}{n}"),
            (Style::Written, 1) => format!("{a}-{b}"),
            (_, 2) => format!("{a} {b}"),
            _ => format!("{a} {b} {}", spoken(n)),
        };
        self.told(
            &[
                "what is your password?",
                "can you tell me the password?",
                "and the security password?",
                "and the secret word on the account?",
            ],
            &["it's {}", "{}", "the password is {}", "um {}"],
            &["my password is {}", "the password is {}", "I set the password to {}", "I always use {} as my password"],
            |m| m.put("PASSWORD", &text),
        );
    }

    fn username(&mut self) {
        let (first, n) = (self.first.to_lowercase(), self.random.below(100));
        let plain = self.chance(50);
        let text = match self.style {
            Style::Written => format!("{first}{n}"),
            Style::Spoken if plain => format!("{first} {}", spoken(n)),
            Style::Spoken => format!("{first} underscore {}", pick(&mut self.random, WORDS)),
        };
        self.told(
            &["what is your username?", "which user name do you log in with?", "and your login?"],
            &["{}", "it's {}", "my username is {}"],
            &["my username is {}", "my user ID is {}", "I log in as {}"],
            |m| m.put("USERNAME", &text),
        );
    }

    fn plate(&mut self) {
        let plate = if self.chance(50) {
            format!("{}{}{}", digits(&mut self.random, 1), letters(&mut self.random, 3), digits(&mut self.random, 3))
        } else {
            format!("{}{}{}", letters(&mut self.random, 2), digits(&mut self.random, 2), letters(&mut self.random, 3))
        };
        self.numbered(
            "LICENSE_PLATE",
            &plate,
            &[4, 3],
            &[
                "what is the license plate?",
                "can I have your registration number?",
                "and the plate?",
                "what does the tag on the car say?",
            ],
            &["my license plate is {}", "the number plate is {}", "the car's registration is {}"],
        );
    }

    fn vin(&mut self) {
        let vin = vin(&mut self.random);
        self.numbered(
            "VEHICLE_IDENTIFICATION_NUMBER",
            &vin,
            &[3, 5, 1, 8],
            &[
                "what is the VIN?",
                "can you read the vehicle identification number?",
                "and the chassis number?",
                "what is on the windscreen of the vehicle?",
            ],
            &["the VIN is {}", "the vehicle identification number is {}", "it's a car with VIN {}"],
        );
    }

    fn passport(&mut self) {
        let passport = if self.chance(50) {
            digits(&mut self.random, 9)
        } else {
            format!("{}{}", letters(&mut self.random, 1), digits(&mut self.random, 8))
        };
        self.numbered(
            "PASSPORT_NUMBER",
            &passport,
            &[3, 3, 3],
            &["what is your passport number?", "can you read me the number on your passport?", "and the passport?"],
            &["my passport number is {}", "the passport is {}", "I hold passport {}"],
        );
    }

    fn driver(&mut self) {
        let id = format!("{}{}", letters(&mut self.random, 1), digits(&mut self.random, 7));
        self.numbered(
            "DRIVER_ID",
            &id,
            &[4, 4],
            &["what is your driver's license number?", "and your driving licence?", "can I get the license number?"],
            &["my driver's license is {}", "my driving licence number is {}", "the licence says {}"],
        );
    }

    fn sin(&mut self) {
        let sin = sin(&mut self.random);
        self.numbered(
            "CA_SOCIAL_INSURANCE_NUMBER",
            &sin,
            &[3, 3, 3],
            &["what is your social insurance number?", "can I have your SIN?", "and your S I N?"],
            &["my social insurance number is {}", "my SIN is {}", "my SIN number {}"],
        );
    }

    fn nino(&mut self) {
        let nino = nino(&mut self.random);
        self.numbered(
            "UK_NATIONAL_INSURANCE_NUMBER",
            &nino,
            &[2, 2, 2, 2, 1],
            &["what is your national insurance number?", "and your NI number?", "can I take the national insurance?"],
            &["my national insurance number is {}", "my NI number is {}", "N I is {}"],
        );
    }

    fn nhs(&mut self) {
        let nhs = nhs(&mut self.random);
        self.numbered(
            "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
            &nhs,
            &[3, 3, 4],
            &["what is your NHS number?", "and the number on your NHS letter?", "can I get the N H S number?"],
            &["my NHS number is {}", "the NHS number is {}", "for the NHS I am {}"],
        );
    }

    fn health(&mut self) {
        let health = format!("{}{}", digits(&mut self.random, 10), letters(&mut self.random, 2));
        self.numbered(
            "CA_HEALTH_NUMBER",
            &health,
            &[4, 3, 3, 2],
            &["what is your health card number?", "and the OHIP number?", "can you read your health card?"],
            &["my health card number is {}", "the health card says {}", "my health number is {}"],
        );
    }

    fn aadhaar(&mut self) {
        let aadhaar = aadhaar(&mut self.random);
        self.numbered(
            "IN_AADHAAR",
            &aadhaar,
            &[4, 4, 4],
            &["what is your Aadhaar number?", "can you confirm the Aadhaar?", "and your Aadhaar card?"],
            &["my Aadhaar number is {}", "my Aadhaar is {}", "on my Aadhaar card it is {}"],
        );
    }

    fn pan(&mut self) {
        let pan = pan(&mut self.random);
        self.numbered(
            "IN_PERMANENT_ACCOUNT_NUMBER",
            &pan,
            &[5, 4, 1],
            &["what is your PAN number?", "and your PAN card?", "the permanent account number?"],
            &["my PAN number is {}", "my PAN card is {}", "PAN is {}"],
        );
    }

    fn nrega(&mut self) {
        let nrega = format!("KA{}", digits(&mut self.random, 14));
        self.numbered(
            "IN_NREGA",
            &nrega,
            &[2, 2, 3, 3, 3, 3],
            &["what is your NREGA job card number?", "and the job card number?", "can you read the job card?"],
            &["my job card number is {}", "the NREGA card is {}", "job card {}"],
        );
    }

    fn voter(&mut self) {
        let voter = format!("{}{}", letters(&mut self.random, 3), digits(&mut self.random, 7));
        self.numbered(
            "IN_VOTER_NUMBER",
            &voter,
            &[3, 4, 3],
            &["what is your voter ID?", "and the voter card number?", "can I have the EPIC number?"],
            &["my voter ID is {}", "my voter card number is {}", "the voter number {}"],
        );
    }

    fn itin(&mut self) {
        let itin = itin(&mut self.random);
        self.numbered(
            "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
            &itin,
            &[3, 2, 4],
            &["what is your individual taxpayer identification number?", "and your ITIN?", "the tax ID please?"],
            &["my ITIN is {}", "my tax ID is {}", "my taxpayer number is {}"],
        );
    }

    fn utr(&mut self) {
        let utr = digits(&mut self.random, 10);
        self.numbered(
            "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
            &utr,
            &[5, 5],
            &["what is your unique taxpayer reference?", "and your UTR?", "the tax reference please?"],
            &["my UTR is {}", "my unique taxpayer reference is {}", "the U T R is {}"],
        );
    }

    fn iban(&mut self) {
        let iban = iban(&mut self.random);
        self.numbered(
            "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
            &iban,
            &[4, 4, 4, 4, 4, 4, 4],
            &["what is the IBAN?", "can I have your IBAN please?", "and the international bank account number?"],
            &["the IBAN is {}", "my IBAN is {}", "send it to IBAN {}"],
        );
    }

    fn bic(&mut self) {
        let bic = bic(&mut self.random);
        self.numbered(
            "SWIFT_CODE",
            &bic,
            &[4, 2, 2],
            &["what is the SWIFT code?", "and the BIC?", "do you know your bank's SWIFT?"],
            &["the SWIFT code is {}", "the BIC is {}", "my bank's BIC {}"],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_up_among_three_hundred_calls_and_in_the_unseen_tenth() {
        for unseen in [false, true] {
            let calls: Vec<Call> = (0..300).filter(|&n| is_unseen(n) == unseen).map(call).collect();
            let mut kinds: Vec<&str> = calls.iter().flat_map(|c| c.items.iter().copied()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            assert!(kinds.len() == 36 || unseen && kinds.len() > 30, "{} {kinds:?}", kinds.len());
            for call in &calls {
                let said = |i: usize| call.lines.iter().flat_map(|l| &l.tokens).any(|t| t.item == Some(i) && !t.filler);
                assert!((0..call.items.len()).all(said));
            }
        }
        assert_eq!(call(5), call(5));
    }
}
