#!/usr/bin/env python3
"""Build the extra training pool: more fetched public repositories -> 16 kHz mono 16-bit FLAC + manifest.csv.

    pool_extra.py --mirror DIR --tools DIR --out POOL [corpus ...]

--tools holds the project's build_pool.py, whose git and audio helpers and manifest columns it uses, and reserved.txt. Short recordings of one person (and one session)
are joined into utterances of 6-12 s; long silence is cut; people with less than 6 s in all are dropped; byte-equal recordings
are used once, also across corpora. reserved.txt is honoured. One process; the manifest is rewritten after every corpus.
"""
import argparse, collections, csv, difflib, hashlib, io, json, os, re, shutil, subprocess, sys
import numpy as np, soundfile as sf, soxr

if '--tools' in sys.argv[:-1]: sys.path.insert(0, sys.argv[sys.argv.index('--tools') + 1])
from build_pool import git_dir, listing, decode

RATE, MIN_PERSON, LOW, HIGH, ALONE = 16000, 6.0, 6.0, 12.0, 4.0
HEAD = 'corpus speaker session path seconds original_rate licence language repository source_path'.split()
clean = lambda s: re.sub(r'[^A-Za-z0-9_.-]+', '_', s)
AUDIO = ('wav', 'flac', 'mp3', 'ogg', 'm4a', 'ulaw', 'sph')

class Repo:
    """Blobs of one repository through one `git cat-file --batch`."""
    def __init__(self, mirror, repo, rev='HEAD'):
        self.name, self.gd = repo, git_dir(mirror, repo)
        self.files = dict(listing(self.gd, rev))
        self.commit = subprocess.run(['git', '--git-dir=' + self.gd, 'rev-parse', rev], capture_output=True, check=True, text=True).stdout.strip()
        self.p = subprocess.Popen(['git', '--git-dir=' + self.gd, 'cat-file', '--batch'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    def blob(self, path):
        self.p.stdin.write(self.files[path].encode() + b'\n'); self.p.stdin.flush()
        size = int(self.p.stdout.readline().split()[2])
        data = self.p.stdout.read(size); self.p.stdout.read(1)
        return data
    def text(self, path): return self.blob(path).decode('utf8', 'replace')

def read(repo, path):
    data = repo.blob(path)
    ext = path.rsplit('.', 1)[-1].lower()
    if ext == 'ulaw':
        x, sr = sf.read(io.BytesIO(data), dtype='float32', channels=1, samplerate=8000, format='RAW', subtype='ULAW')
        return soxr.resample(x, sr, RATE, quality='HQ'), sr
    return decode(data, ext)

def trim(x, keep=0.12, longest=0.35):
    """Cut silence at both ends and shorten long silence inside."""
    hop = 160
    n = len(x) // hop
    if n < 10: return x[:0]
    e = 10 * np.log10((x[:n * hop].reshape(n, hop) ** 2).mean(1) + 1e-10)
    e = np.convolve(e, np.ones(5) / 5, 'same')
    floor, peak = np.percentile(e, 10), np.percentile(e, 97)
    if peak - floor < 6: return x if n > 100 else x[:0]    # no pause to be seen
    on = e > max(peak - 35, floor + 0.25 * (peak - floor))
    if on.sum() < 12: return x[:0]                          # less than 0.12 s of voice
    pad = int(keep * 100)
    wide = np.convolve(on, np.ones(2 * pad + 1), 'same') > 0
    out, i, limit = [], 0, int(longest * 100)
    idx = np.flatnonzero(wide); a, b = idx[0], idx[-1] + 1
    mask = wide.copy()
    while a < b:                                            # silence between wide parts: keep at most `limit` frames
        if wide[a]: a += 1; continue
        c = a
        while not wide[c]: c += 1
        mask[a:min(c, a + max(0, limit - 2 * pad))] = True
        a = c
    return x[:n * hop].reshape(n, hop)[mask].reshape(-1)

def level(x):
    """Words of one person at one level, so that a joined utterance has no jumps; never clips."""
    r = np.sqrt((x ** 2).mean()) + 1e-9
    return x * min(0.05 / r, 0.97 / (np.abs(x).max() + 1e-9), 20)

def fade(x, n=80):
    x = x.copy(); w = np.linspace(0, 1, n, dtype=np.float32); x[:n] *= w; x[-n:] *= w[::-1]
    return x

# ---- corpora: each yields (speaker, session, order key, path) for a Repo -------------------------------------------------
CV_REPOS = ['omnilingo/rsample-100-cv-corpus-6.1-2020-12-11', 'korliu/whisper', 'yasaman999/SR', 'shubhra-cv/17', 'shubhra-cv/18', 'shubhra-cv/19', 'pryyyynz/audio-for-Twi-TTS',
            'jamshid-ds/transcription_training', 'puri-gagan/speechdataset', 'fsta-fo/voice-age-prediction', 'InderjeetSingh777/CommonVoice', 'tqhb2502/SPEECH-MFA-forced_alignment', 'asnarana/ASRModels', 'khabarovvanja/deep_voice',
            '7amashh/Common-voice-spanish', 'frummer/CommonVoice_RIR']
def common_voice(repos):
    """Clips of Mozilla Common Voice whose client id is known from a table in any of the repositories; the person is the client id
    (hashed again), the session the recording language. Only .mp3, the form the corpus has."""
    client = {}
    for r in repos:
        for t in sorted(p for p in r.files if p.endswith('.tsv')):
            try: rows = csv.DictReader(io.StringIO(r.text(t)), delimiter='\t', quoting=csv.QUOTE_NONE)
            except (IndexError, ValueError): continue
            if 'client_id' not in (rows.fieldnames or []) or 'path' not in rows.fieldnames: continue
            for row in rows:
                name = (row['path'] or '').rsplit('/', 1)[-1].rsplit('.', 1)[0]
                if name.startswith('common_voice_') and len(row['client_id'] or '') >= 64: client.setdefault(name, row['client_id'])
    done = set()
    for r in repos:
        for p in sorted(r.files):
            m = re.match(r'(common_voice_([A-Za-z-]+)_\d+)\.mp3$', p.rsplit('/', 1)[-1])
            if m and m[1] in client and m[1] not in done:
                done.add(m[1])
                yield hashlib.sha256(client[m[1]].encode()).hexdigest()[:16], m[2], m[1], p, r

def wuw(r):
    """Telephone calls of the WUW Corpus II. A person may call more than once (home, office, mobile); calls are put together by
    the name said in utterance 000 and its written gender is not trusted. Calls with no name are left out. Names are not kept."""
    calls = {}
    for e in json.loads(r.text('data.json'))['entries']:
        if e['utteranceNumber'] == '000':
            t = re.sub(r'\{[^}]*\}|\[[^\]]*\]|<[^>]*>|\(\(.*?\)\)|[^A-Za-z\' -]', ' ', e['transcription']).lower().split()
            t = [w for i, w in enumerate(t) if i == 0 or w != t[i - 1]]
            calls[e['sessionNumber']] = (' '.join(t), e['phonetype'])
    # put right by listening to the calls with an encoder (one similarity per pair of calls): cut-off or misheard names of one
    # person, a second name given by one voice within three minutes, and one call that is not like the person's ten others
    for wrong, right in {'00302': '00301', '00137': '00232', '00313': '00304', '00201': '00034'}.items(): calls[wrong] = (calls[right][0], calls[wrong][1])
    for c in ('00262', '00210'): calls.pop(c, None)
    people, who = [], {}
    same = lambda a, b: a == b or (difflib.SequenceMatcher(None, a, b).ratio() > 0.84) or (a.split()[-1] == b.split()[-1] and (a[0] == b[0]) and a.split()[0][:3] == b.split()[0][:3])
    for c, (name, _) in sorted(calls.items()):
        if len(name.split()) < 2 or len(name) < 6: continue
        for i, names in enumerate(people):
            if any(same(name, n) for n in names): names.append(name); who[c] = i; break
        else:
            people.append([name]); who[c] = len(people) - 1
    for p in sorted(r.files):
        m = re.match(r'calls/(\d{5})/WUWII\d{5}_(\w+)\.ulaw$', p)
        if m and m[1] in who: yield f'{who[m[1]]:04d}', f'{m[1]}-{calls[m[1]][1]}', m[2], p

def dsp(r):
    for p in sorted(r.files):
        m = re.match(r'speech_data/(\d+)/\d+-(\d\d)-(\d\d)\.wav$', p)
        if m: yield hashlib.sha256(m[1].encode()).hexdigest()[:8], '', m[3] + m[2], p     # their names are student numbers

def an4(r):
    for p in sorted(r.files):
        m = re.match(r'wav/an4(?:test)?_clstk/(\w+)/([\w-]+)\.wav$', p)
        if m: yield m[1], '', m[2], p

GSC_REPOS = ['Feevicun/audio-classifier-project', 'thegtagamer/PICO-tinyML-benchmark', 'vinsis/speech-commands-recognition']
def gsc(repos):
    """Google Speech Commands words, any copy: the eight hex digits are the person."""
    done = set()
    for r in repos:
        for p in sorted(r.files):
            m = re.search(r'(?:^|/)([a-z]+)[/_]([0-9a-f]{8})_nohash_(\d+)(?:\.wav)+$', p)
            if m and (m[1], m[2], m[3]) not in done:
                done.add((m[1], m[2], m[3])); yield m[2], '', m[3] + '_' + m[1], p, r

def single_clips(repos):
    """Common Voice clips that `common_voice` leaves out: a person with a single clip is a person, and where no table names one, the clip is."""
    known, done = {c[2]: c[0] for c in common_voice(repos)}, set()
    for r in repos:
        for p in sorted(r.files):
            m = re.match(r'(common_voice_([A-Za-z-]+)_\d+)\.mp3$', p.rsplit('/', 1)[-1])
            if m and m[1] not in done: done.add(m[1]); yield known.get(m[1], m[1]), m[2], m[1], p, r

def orders(r):
    for p in sorted(r.files):
        m = re.match(r'data/speech/clean/([0-9a-f-]{36})\.wav$', p)
        if m: yield m[1], '', m[1], p

def students(r):
    for p in sorted(r.files):
        m = re.match(r'Dataset/([^/]+)/recording(\d+)\.wav$', p)
        if m: yield hashlib.sha256(m[1].encode()).hexdigest()[:8], '', m[2].zfill(3), p      # their names are people's names

CORPORA = {   # name: (repository, revision, licence, where it is stated, language, iterator)
    'wuw2': ('wake-up-word/wuw-corpus-ii', 'HEAD', 'CC BY-SA 4.0', 'Readme.md and LICENSE.md', 'en (US, telephone)', wuw),
    'dspspeech20': ('zhongyuchen/DSPSpeech-20', 'HEAD', 'MIT', 'README.md and LICENSE', 'zh, en', dsp),
    'an4': ('cmusphinx/an4', 'HEAD', 'BSD-like (CMU)', 'LICENSE: free for use for any purpose, commercial or otherwise, keep the notice', 'en (US)', an4),
    'speechcommands': (GSC_REPOS, 'HEAD', 'CC BY 4.0', 'README.md of the dataset, in the repositories', 'en', gsc),
    'speechcommands_short': (GSC_REPOS, 'HEAD', 'CC BY 4.0', 'README.md of the dataset, in the repositories; people with 3.5-6 s only', 'en', gsc),
    'commonvoice': (CV_REPOS, 'HEAD', 'CC0', 'commonvoice.mozilla.org/datasets: the corpus is CC0', 'en and 60 others', common_voice),
    # a teacher's target needs no label: single clips
    'commonvoice_single': (CV_REPOS, 'HEAD', 'CC0', 'commonvoice.mozilla.org/datasets: the corpus is CC0; clips of people with less than 6 s, or of nobody knows whom', 'en and 60 others', single_clips),
    'orders': ('Picovoice/speech-to-intent-benchmark', 'HEAD', 'Apache-2.0', 'LICENSE', 'en', orders),
    'students': ('DaDoctorProctor/Audio-dataset', 'HEAD', 'MIT', 'LICENSE', 'es', students),
}
BOUNDS = {'speechcommands_short': (3.5, 6.0), 'commonvoice_single': (2.0, 6.0), 'orders': (2.0, 60.0)}     # seconds of one person; otherwise MIN_PERSON and more
CAP = 400.0      # seconds kept of one person and corpus: nobody needs more

def build(name, a, reserved, seen, rows):
    repo, rev, licence, where, lang, it = CORPORA[name]
    names = repo if isinstance(repo, list) else [repo]
    for n in names:
        if not os.path.isdir(git_dir(a.mirror, n)): print(f'{name}: {n} is not in the mirror, left out')
    repos = [Repo(a.mirror, n, rev) for n in names if os.path.isdir(git_dir(a.mirror, n))]
    if not repos: return None
    groups = collections.defaultdict(list)
    blocked = {s.split('/', 1)[1] for s in reserved}
    for spk, ses, key, path, *r in it(repos if isinstance(repo, list) else repos[0]):
        spk, r = clean(spk), r[0] if r else repos[0]
        if (r.files[path] in seen and name not in BOUNDS) or f'{name}/{spk}' in reserved or spk in blocked: continue
        seen.add(r.files[path]); groups[spk].append((ses, key, path, r))
    shutil.rmtree(os.path.join(a.out, name), ignore_errors=True)
    family, people, utts, total, used = name.split('_')[0], 0, 0, 0.0, set()
    for spk in sorted(groups):
        made, pieces, total_in = [], [], 0.0
        for ses, key, path, r in sorted(groups[spk], key=lambda g: g[:3]):
            if total_in > CAP: break
            try: x, sr = read(r, path)
            except Exception as e: print('skipped', path, repr(e)[:80]); continue
            if len(x) < 1600 or not np.isfinite(x).all() or np.abs(x).max() < 1e-3: continue
            x = trim((x - x.mean()).astype(np.float32))
            if len(x) < 2400: continue
            x = fade(level(x)); total_in += len(x) / RATE
            pieces.append(dict(ses=ses, key=key, parts=[x], path=path, sr=sr, r=r))
        low, high = BOUNDS.get(name, (MIN_PERSON, 1e9))
        if not low <= total_in < high: continue
        length = lambda m: sum(map(len, m['parts'])) / RATE
        for ses in sorted({m['ses'] for m in pieces}):
            mine = [m for m in pieces if m['ses'] == ses]
            made += [m for m in mine if length(m) >= ALONE]
            small = [m for m in mine if length(m) < ALONE]
            target = min(LOW + 1.5, max(1.8, sum(map(length, small)) / 2 * 0.95))    # at least two utterances where it can be
            buf = None
            for m in small:
                if buf and length(buf) + length(m) > HIGH: made.append(buf); buf = None
                if buf: buf['parts'] += m['parts']
                else: buf = m
                if length(buf) >= target: made.append(buf); buf = None
            if buf: made.append(buf)
        # a short rest joins the utterance before it where the session is the same
        for i in range(len(made) - 1, 0, -1):
            s = sum(map(len, made[i]['parts'])) / RATE
            for j in range(i - 1, -1, -1):
                if s < (1.5 if name in BOUNDS else 2.5) and made[j]['ses'] == made[i]['ses'] and sum(map(len, made[j]['parts'])) / RATE + s <= HIGH + 3:
                    made[j]['parts'] += made[i]['parts']; made[i]['parts'] = []; break
        new = []
        for m in made:
            if not m['parts']: continue
            y = np.concatenate(m['parts'])
            if len(y) < 1.5 * RATE: continue
            y = np.clip(np.rint(y * 32768), -32768, 32767).astype(np.int16)
            rel = os.path.join(name, spk, clean((m['ses'] + '_' if m['ses'] else '') + m['key']) + '.flac')
            new.append((rel, y, m))
        if sum(len(y) for _, y, _ in new) < low * RATE * 0.95: continue
        os.makedirs(os.path.join(a.out, name, spk), exist_ok=True)
        for rel, y, m in new:
            sf.write(os.path.join(a.out, rel), y, RATE, format='FLAC', subtype='PCM_16')
            rows.append([name, f'{family}:{spk}', '' if name.startswith('commonvoice') else m['ses'], rel, round(len(y) / RATE, 3), m['sr'], licence, m['ses'] if name.startswith('commonvoice') else lang, m['r'].name, m['path']]); used.add(m['r'])
            utts += 1; total += len(y) / RATE
        people += 1
    for r in repos: r.p.stdin.close(); r.p.wait()
    print(f'{name}: {people} people, {utts} utterances, {total / 3600:.2f} h (of {len(groups)} people found)', flush=True)
    return [name, ', '.join(r.name for r in repos if r in used), ', '.join(r.commit[:10] for r in repos if r in used), f'{licence} ({where})', lang, people, utts, f'{total / 3600:.2f}']

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--mirror', required=True); a.add_argument('--tools', required=True); a.add_argument('--out', required=True); a.add_argument('corpus', nargs='*')
    a = a.parse_args()
    reserved = set(open(os.path.join(a.tools, 'reserved.txt')).read().split())
    os.makedirs(a.out, exist_ok=True)
    man = os.path.join(a.out, 'manifest.csv')
    rows, table, seen = [], {}, set()
    if a.corpus and os.path.exists(man):
        rows = [x for x in list(csv.reader(open(man, newline='')))[1:] if x[0] not in a.corpus]
        try: table = {t[0]: t for t in json.load(open(os.path.join(a.out, 'table.json'))) if t[0] not in a.corpus}
        except FileNotFoundError: pass
    for name in a.corpus or CORPORA:
        t = build(name, a, reserved, seen, rows)
        if t: table[name] = t
        with open(man + '.new', 'w', newline='') as f:
            w = csv.writer(f); w.writerow(HEAD); w.writerows(rows)
        os.replace(man + '.new', man)
        json.dump(list(table.values()), open(os.path.join(a.out, 'table.json'), 'w'), indent=1)

if __name__ == '__main__': main()
