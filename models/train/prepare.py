#!/usr/bin/env python3
"""Make augmented feature copies of a speech pool, the form that `train.py` reads.

    prepare.py --pool POOL [--pool MORE] --out DIR --copies N

POOL holds `manifest.csv` (columns corpus, speaker, path; noises and rooms are corpora named noise/... and rir/...) or a plain
`speaker/utterance` tree of audio files. Each copy passes every utterance once through: speed (a new person for each factor), a room,
noise or babble or music, a device, and one or two telephone codecs; then the engine's fbank at 8 kHz. Written per copy:
`feat.npy` (frames, 48) float16, `mask.npy` (frames,) speech or not, judged on the clean side, `index.npy` (unit, speed, first frame, frames).
`units.json` and `teacher.npy` (units, speeds, 256) hold the people and the GE2E teacher's embeddings of the clean side.
Copies already complete are kept, so the command can be stopped and repeated, or run beside a training run that picks new copies up.
"""
import argparse, csv, hashlib, json, os, subprocess, sys
from multiprocessing import Pool
import numpy as np, soundfile as sf, soxr
from scipy.signal import fftconvolve, butter, sosfilt
import features as F

SPEEDS = (1.0, 0.91, 1.10, 0.83, 1.21)
UNIT_SECONDS, CHUNK_SECONDS = 5.0, 240.0
AUDIO = ('.flac', '.wav', '.ogg', '.mp3')

def load(path):
    x, sr = sf.read(path, dtype='float32', always_2d=True)
    x = x.mean(1)
    return x if sr == 16000 else soxr.resample(x, sr, 16000)

def scan(pools):
    """-> units [{speaker, corpus, files}], noise files, room files. Short utterances of one person are joined."""
    rows, noise, rooms = [], [], []
    for pool in pools:
        manifest = os.path.join(pool, 'manifest.csv')
        if os.path.exists(manifest):
            for r in csv.DictReader(open(manifest)):
                path = os.path.join(pool, r['path'])
                if r['corpus'].startswith('noise/'): noise.append(path)
                elif r['corpus'].startswith('rir/'): rooms.append(path)
                else: rows.append((r['corpus'], r['speaker'], r['session'], path, float(r['seconds'])))
        else:
            for folder, _, names in sorted(os.walk(pool)):
                for name in sorted(names):
                    if name.lower().endswith(AUDIO):
                        path = os.path.join(folder, name)
                        rows.append(('tree', os.path.relpath(path, pool).split(os.sep)[0], '', path, sf.info(path).duration))
    rows.sort()
    units, open_unit = [], {}
    for corpus, speaker, session, path, seconds in rows:
        key = (speaker, session)
        if seconds >= UNIT_SECONDS * 0.6:
            units.append(dict(speaker=speaker, corpus=corpus, files=[path], seconds=seconds)); continue
        u = open_unit.get(key)
        if u is None: u = open_unit[key] = dict(speaker=speaker, corpus=corpus, files=[], seconds=0.0)
        u['files'].append(path); u['seconds'] += seconds
        if u['seconds'] >= UNIT_SECONDS: units.append(open_unit.pop(key))
    units += [u for u in open_unit.values() if u['seconds'] >= 2.0]
    return units, noise, rooms

def clean(unit, speed):
    """The unit at 16 kHz, played `speed` times faster (pitch and formants move with it: another person)."""
    x = np.concatenate([load(f) for f in unit['files']])
    x = x - x.mean()
    if speed != 1.0: x = soxr.resample(x, 16000 * speed, 16000).astype(np.float32)
    return x * (0.1 / max(1e-5, np.sqrt(np.mean(x * x))))

def speech_mask(x16):
    """Speech or not for each 10 ms frame of a clean recording: webrtcvad and within 35 dB of its loud frames, smoothed."""
    import webrtcvad
    x = soxr.resample(x16, 16000, 8000).astype(np.float32)
    n = F.num_frames(len(x))
    pcm = (np.clip(x, -1, 1) * 32767).astype(np.int16)
    v = webrtcvad.Vad(2)
    web = np.array([v.is_speech(pcm[i * 80:i * 80 + 80].tobytes(), 8000) for i in range(n)], np.float32)
    e = 10 * np.log10(1e-9 + np.lib.stride_tricks.sliding_window_view(x * x, 200)[::80][:n].mean(1))
    hit = web * (e > np.percentile(e, 95) - 35)
    return np.convolve(hit, np.ones(9) / 9, 'same') > 0.4

def rms(x): return float(np.sqrt(np.mean(x * x)) + 1e-9)

def ffmpeg(x, sr, encode, fmt, decode=()):
    pcm = (np.clip(x, -1, 1) * 32767).astype('<i2').tobytes()
    base = ['ffmpeg', '-v', 'error', '-nostdin', '-threads', '1']
    coded = subprocess.run(base + ['-f', 's16le', '-ar', str(sr), '-ac', '1', '-i', '-', *encode, '-f', fmt, '-'], input=pcm, capture_output=True, check=True).stdout
    out = subprocess.run(base + [*decode, '-f', fmt, '-i', '-', '-f', 's16le', '-ar', str(sr), '-ac', '1', '-'], input=coded, capture_output=True, check=True).stdout
    y = np.frombuffer(out, '<i2').astype(np.float32) / 32768
    return np.pad(y, (0, max(0, len(x) - len(y))))[:len(x)]

def mulaw(x):
    y = np.sign(x) * np.log1p(255 * np.abs(np.clip(x, -1, 1))) / np.log(256)
    y = np.round(y * 127.5 - .5) + .5
    y /= 127.5
    return (np.sign(y) * (256 ** np.abs(y) - 1) / 255).astype(np.float32)

def codec(x16, name, rng):
    """One telephone codec over 16 kHz audio; narrow-band ones see 8 kHz and return it at 16 kHz."""
    if name == 'none': return x16
    if name == 'g722': return ffmpeg(x16, 16000, ['-c:a', 'g722'], 'g722')
    if name == 'opus':
        rate = int(rng.choice([8, 10, 12, 16, 24]))
        return ffmpeg(x16, 16000, ['-c:a', 'libopus', '-b:a', f'{rate}k', '-application', 'voip'], 'ogg')
    if name == 'g726wb': name = 'g726'
    x = soxr.resample(x16, 16000, 8000).astype(np.float32)
    if name == 'mulaw': y = mulaw(x)
    elif name == 'alaw': y = ffmpeg(x, 8000, ['-c:a', 'pcm_alaw'], 'alaw', ['-ar', '8000', '-ac', '1'])
    elif name == 'gsm': y = ffmpeg(x, 8000, ['-c:a', 'libgsm'], 'gsm')
    elif name == 'g726': y = ffmpeg(x, 8000, ['-c:a', 'g726', '-b:a', rng.choice(['24k', '32k', '40k'])], 'wav')
    elif name == 'speex': y = ffmpeg(x, 8000, ['-c:a', 'libspeex', '-b:a', rng.choice(['8k', '11k', '15k'])], 'ogg')
    elif name == 'codec2': y = ffmpeg(x, 8000, ['-c:a', 'libcodec2', '-mode', rng.choice(['3200', '2400'])], 'codec2')
    elif name == 'g723': y = ffmpeg(x, 8000, ['-c:a', 'g723_1', '-b:a', '6300'], 'wav')
    elif name == 'opusnb': y = ffmpeg(x, 8000, ['-c:a', 'libopus', '-b:a', rng.choice(['6k', '8k', '12k']), '-application', 'voip'], 'ogg')
    else: raise ValueError(name)
    return soxr.resample(y, 8000, 16000).astype(np.float32)

CODECS = dict(none=.16, mulaw=.11, alaw=.10, gsm=.13, g726=.11, g722=.04, opus=.09, opusnb=.08, speex=.11, codec2=.03, g723=.04)

def room(x, rng, rooms):
    if rooms and rng.random() < .5:
        h = rooms[rng.integers(len(rooms))]
    else:
        rt = rng.uniform(.1, .8); n = int(16000 * rt)
        h = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n) * 10 ** rng.uniform(-2.2, -.8); h[0] += 1
    h = h[np.argmax(np.abs(h)):]
    y = fftconvolve(x, h.astype(np.float32))[:len(x)]
    return (y * (rms(x) / rms(y))).astype(np.float32)

def looped(src, n, rng):
    if len(src) < n: src = np.tile(src, n // len(src) + 1)
    o = rng.integers(len(src) - n + 1)
    return src[o:o + n]

def noisy(x, rng, noises, babble):
    kind = rng.random()
    if kind < .5 and noises: n = looped(noises[rng.integers(len(noises))], len(x), rng)
    elif kind < .75: n = sum(looped(babble[rng.integers(len(babble))], len(x), rng) for _ in range(rng.integers(3, 8)))
    else:
        n = rng.standard_normal(len(x)); b = rng.uniform(0, 1)
        n = np.convolve(n, b ** np.arange(16), 'same')
    return (x + n * (rms(x) / rms(n) * 10 ** (-rng.uniform(3, 28) / 20))).astype(np.float32)

def device(x, rng):
    lo, hi = rng.uniform(40, 320), rng.uniform(2900, 3900) if rng.random() < .5 else 7600
    y = sosfilt(butter(rng.integers(1, 4), [lo, hi], 'band', fs=16000, output='sos'), x)
    for _ in range(rng.integers(0, 4)):                       # broad peaks and dips of a handset
        f, q, g = np.exp(rng.uniform(np.log(200), np.log(3500))), rng.uniform(.5, 2), 10 ** (rng.uniform(-8, 8) / 40)
        w = 2 * np.pi * f / 16000; al = np.sin(w) / (2 * q)
        y = sosfilt([[(1 + al * g) / (1 + al / g), -2 * np.cos(w) / (1 + al / g), (1 - al * g) / (1 + al / g), 1, -2 * np.cos(w) / (1 + al / g), (1 - al / g) / (1 + al / g)]], y)
    y = y * (10 ** (rng.uniform(-38, -12) / 20) / rms(y))
    if rng.random() < .08: y = np.clip(y, -(c := rng.uniform(1, 3) * rms(y)), c)
    return np.clip(y, -1, 1).astype(np.float32)

def lose_packets(x, rng):
    p, y = rng.uniform(.01, .1), x.copy()
    for i in np.flatnonzero(rng.random(len(x) // 320) < p): y[i * 320:(i + 1) * 320] *= rng.choice([0, 0.3])
    return y

G = {}
def start(units, noise, rooms, teacher_speeds=len(SPEEDS)):
    G.update(teacher_speeds=teacher_speeds, units=units, noise=[load(p) for p in noise], rooms=[load(p) for p in rooms])
    r = np.random.default_rng(1)
    G['babble'] = [clean(units[i], 1.0) for i in r.integers(len(units), size=40)]

def make_chunk(job):
    ids, speeds, seed = job
    rng = np.random.default_rng(seed)
    waves, masks = [], []
    for u, s in zip(ids, speeds):
        x = clean(G['units'][u], SPEEDS[s])
        masks.append(speech_mask(x))
        if rng.random() < .5: x = room(x, rng, G['rooms'])
        if rng.random() < .65: x = noisy(x, rng, G['noise'], G['babble'])
        waves.append(device(x, rng))
    y = np.concatenate(waves)
    names, weights = list(CODECS), np.array(list(CODECS.values())); weights = weights / weights.sum()
    for k in range(2 if rng.random() < .25 else 1):
        y = codec(y, rng.choice(names, p=weights), rng)
        if rng.random() < .15: y = lose_packets(y, rng)
    y8 = soxr.resample(y, 16000, 8000).astype(np.float32)
    feats, out, at = [], [], 0
    for w, m in zip(waves, masks):
        f = F.fbank(y8[at // 2:(at + len(w)) // 2]); at += len(w)
        n = min(len(f), len(m))
        feats.append(f[:n].astype(np.float16)); out.append(m[:n])
    return ids, speeds, feats, out

def teach(job):
    from resemblyzer import VoiceEncoder
    import torch; torch.set_num_threads(1)
    if 'enc' not in G: G['enc'] = VoiceEncoder('cpu', verbose=False)
    u, = job
    out = np.zeros((len(SPEEDS), 256), np.float32)
    for s, v in enumerate(SPEEDS[:G.get('teacher_speeds', len(SPEEDS))]):
        x = clean(G['units'][u], v); m = np.repeat(speech_mask(x), 160); x = x[:len(m)][m[:len(x)]]
        if len(x) > 8000: out[s] = G['enc'].embed_utterance(x[:16000 * 20] * (0.0316 / rms(x)))
    return u, out

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--pool', action='append', required=True); a.add_argument('--background', action='append', help='pools of which only noises and rooms are taken'); a.add_argument('--out', required=True)
    a.add_argument('--copies', type=int, default=8); a.add_argument('--first', type=int, default=0)
    a.add_argument('--jobs', type=int, default=os.cpu_count()); a.add_argument('--teacher', action='store_true')
    a.add_argument('--teacher-speeds', type=int, default=len(SPEEDS), help='leave the teacher out for the speeds beyond these, to save time')
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    units, noise, rooms = scan(a.pool)
    if a.background:
        _, more_noise, more_rooms = scan(a.background); noise += more_noise; rooms += more_rooms
    meta = dict(units=units, speeds=SPEEDS, speakers=sorted({u['speaker'] for u in units}))
    json.dump(meta, open(os.path.join(a.out, 'units.json.tmp'), 'w')); os.replace(os.path.join(a.out, 'units.json.tmp'), os.path.join(a.out, 'units.json'))
    hours = sum(u['seconds'] for u in units) / 3600
    print(f'{len(units)} units, {len(meta["speakers"])} people, {hours:.2f} h; {len(noise)} noises, {len(rooms)} rooms', flush=True)
    with Pool(a.jobs, start, (units, noise, rooms, a.teacher_speeds)) as pool:
        if a.teacher:
            t = np.zeros((len(units), len(SPEEDS), 256), np.float32)
            for i, (u, e) in enumerate(pool.imap_unordered(teach, [(u,) for u in range(len(units))], chunksize=8)):
                t[u] = e
                if i % 500 == 0: print(f'teacher {i}/{len(units)}', flush=True)
            np.save(os.path.join(a.out, 'teacher.npy'), t)
        for c in range(a.first, a.first + a.copies):
            folder = os.path.join(a.out, f'copy{c:03d}')
            if os.path.exists(os.path.join(folder, 'index.npy')): continue
            rng = np.random.default_rng([7, c])
            order, jobs, ids, speeds, total = rng.permutation(len(units)), [], [], [], 0.0
            for u in order:
                s = int(rng.integers(len(SPEEDS))) if c % 2 else int(rng.choice([0, 0, 1, 2, 3, 4]))
                ids.append(int(u)); speeds.append(s); total += units[u]['seconds']
                if total >= CHUNK_SECONDS: jobs.append((ids, speeds, [11, c, len(jobs)])); ids, speeds, total = [], [], 0.0
            if ids: jobs.append((ids, speeds, [11, c, len(jobs)]))
            feats, masks, index, at = [], [], [], 0
            for k, (i, s, f, m) in enumerate(pool.imap_unordered(make_chunk, jobs)):
                for u, sp, x, y in zip(i, s, f, m):
                    feats.append(x); masks.append(y); index.append((u, sp, at, len(x))); at += len(x)
                if k % 20 == 0: print(f'copy {c}: {k}/{len(jobs)}', flush=True)
            os.makedirs(folder, exist_ok=True)
            np.save(os.path.join(folder, 'feat.npy'), np.concatenate(feats)); np.save(os.path.join(folder, 'mask.npy'), np.concatenate(masks))
            np.save(os.path.join(folder, 'index.tmp.npy'), np.array(index, np.int64)); os.replace(os.path.join(folder, 'index.tmp.npy'), os.path.join(folder, 'index.npy'))
            print(f'copy {c} done: {at / 360000:.2f} h', flush=True)

if __name__ == '__main__':
    main()
