#!/usr/bin/env python3
"""Train the speech detector: speech of the pool against noise, music, telephone tones, machines, idle channels and silence.

    vad.py --pool POOL [--pool MORE] --music MUSIC --out RUN [--steps N]

MUSIC is a folder of audio without voices (`music.py` renders one with General-MIDI sound fonts). The labels are webrtcvad's on the clean side.
Everything passes rooms, devices and codecs at -68 to -12 dBFS before the detector hears it; the people that `train.py` holds out are left out here
too. Files whose name hashes to a tenth, and other seeds of what is synthesised, are kept for the test printed at the end.
"""
import argparse, glob, hashlib, os, subprocess, tempfile, time
import numpy as np, soundfile as sf, soxr, torch, torch.nn.functional as F
from scipy.signal import lfilter, sosfilt
import features, net, prepare
from train import held_out

SR = 16000
DTMF = [(a, b) for a in (697, 770, 852, 941) for b in (1209, 1336, 1477, 1633)]
PROGRESS = [((350, 440), 0, 0), ((425,), 0, 0), ((440, 480), 2, 4), ((425,), 1, 4), ((400, 450), .4, .2), ((480, 620), .5, .5), ((425,), .5, .5), ((480, 620), .25, .25), ((950,), .33, .1), ((1400,), .33, .1), ((1800,), .33, .1), ((1004,), 0, 0), ((2100,), 0, 0), ((1100,), .5, 3)]

def db(x): return 10 ** (x / 20)
def level(x, dbfs): return (x * (db(dbfs) / prepare.rms(x))).astype(np.float32) if x.any() else x.astype(np.float32)
def ramp(gate, ms):
    """A gate of 0 and 1 with edges that take `ms`."""
    k = max(1, int(ms * SR / 1000)); return np.convolve(gate, np.ones(k) / k, 'same')

def tones(rng, seconds):
    n = int(seconds * SR); t = np.arange(n) / SR; kind = rng.random()
    if kind < .4:
        x, at = np.zeros(n), 0
        while at < n:
            on, off = int(rng.uniform(.05, .4) * SR), int(rng.uniform(.04, .6) * SR)
            a, b = DTMF[rng.integers(16)]; k = np.arange(min(on, n - at)) / SR
            x[at:at + len(k)] = np.sin(2 * np.pi * a * k) + db(rng.uniform(-6, 6)) * np.sin(2 * np.pi * b * k); at += on + off
    elif kind < .75:
        fs, on, off = PROGRESS[rng.integers(len(PROGRESS))]
        x = sum(np.sin(2 * np.pi * f * rng.uniform(.99, 1.01) * t + rng.uniform(0, 6)) for f in fs)
        if on: x = x * ((t % (on + off)) < on)
        if rng.random() < .25: x = x * (1 + rng.uniform(.2, 1) * np.sin(2 * np.pi * rng.uniform(3, 30) * t))        # Japanese and other ringback is modulated
    elif kind < .88:                                                # prompts: beeps, chirps and jingles of one line, with and without overtones
        x, at = np.zeros(n), 0
        over = rng.uniform(0, .6, 4)
        while at < n:
            on, off, f = int(rng.uniform(.04, .9) * SR), int(rng.uniform(0, 1.2) * SR), np.exp(rng.uniform(np.log(200), np.log(3000)))
            k = np.arange(min(on, n - at)) / SR; w = 2 * np.pi * f * k * (1 + rng.choice([0, 0, rng.uniform(-.5, .8)]) * k)
            y = np.sin(w) + sum(o * np.sin((i + 2) * w) for i, o in enumerate(over) if f * (i + 2) < 7000)
            x[at:at + len(k)] = y * np.exp(-rng.choice([0, 2, 8]) * k); at += on + off
    else:                                                           # modems and fax: keyed phases and frequencies
        baud, f = rng.choice([300, 600, 1200, 2400]), rng.uniform(1000, 2200)
        bits = np.repeat(rng.integers(0, 4, int(seconds * baud) + 1), SR // baud + 1)[:n]
        shift = rng.choice([0, 200, 800])
        x = np.sin(2 * np.pi * np.cumsum(f + shift * (bits % 2)) / SR + (bits * np.pi / 2 if shift == 0 else 0))
    return x.astype(np.float32)

def idle(rng, seconds):
    n, k = int(seconds * SR), rng.integers(7)
    if k == 0: return np.zeros(n, np.float32)
    lsb = 8 / 32768
    if k == 1: return np.repeat(rng.choice([-1, 1, 0, 3] if rng.random() < .5 else [-1, 0, 1], size=n // 2 + 1), 2)[:n].astype(np.float32) * lsb
    if k == 2: return np.repeat(rng.integers(-2, 3, n // 2 + 1), 2)[:n].astype(np.float32) * lsb
    if k == 3:                                                      # a faint hum that a coder turns into steps
        x = np.sin(2 * np.pi * rng.choice([50, 60, 100, 120, 150, 180]) * np.arange(n) / SR) * rng.uniform(.3, 3) + rng.standard_normal(n) * rng.uniform(.1, .8)
        return (np.round(x) * lsb).astype(np.float32)
    x = rng.standard_normal(n); b = rng.uniform(0, .98)
    x = sosfilt([[1 - b, 0, 0, 1, -b, 0]], x)
    if k == 4: x = x * (1 + .9 * np.sin(2 * np.pi * rng.uniform(.1, 8) * np.arange(n) / SR))                # wind, engines
    if k == 5:                                                      # comfort noise: coloured, its level and colour renewed now and then
        hold = int(rng.uniform(.02, .6) * SR); steps = n // hold + 1
        x = x * np.repeat(db(rng.uniform(-6, 6) * rng.standard_normal(steps) / 2), hold)[:n]
        if rng.random() < .5: x = resonant(x, rng, 2)
    if k == 6: x = x * ((np.arange(n) / SR % rng.uniform(.3, 3)) < rng.uniform(.1, 1.5))                    # noise that comes and goes
    return level(x, rng.uniform(-75, -15))

def hit_noise(rng, seconds):
    """Clicks, knocks and crackle."""
    n = int(seconds * SR); x = np.zeros(n)
    for at in rng.integers(0, n, int(rng.uniform(1, 12) * seconds)):
        k = min(int(rng.uniform(.0005, .06) * SR), n - at)
        x[at:at + k] += rng.standard_normal(k) * np.exp(-6 * np.arange(k) / max(k, 1)) * rng.uniform(.05, .9)
    return np.clip(x, -1, 1).astype(np.float32)

def resonant(x, rng, most):
    """Up to `most` fixed resonances: a casing, a loudspeaker."""
    for _ in range(rng.integers(0, most + 1)):
        f, q = np.exp(rng.uniform(np.log(150), np.log(3500))), rng.uniform(1, 12)
        w = 2 * np.pi * f / SR; al = np.sin(w) / (2 * q); g = rng.uniform(0, 1)
        x = g * x + lfilter([al, 0, -al], [1 + al, -2 * np.cos(w), 1 - al], x)
    return x

def machine(rng, seconds):
    """Hum, buzz, motors, alarms: harmonics of a pitch that stands still or drifts slowly, swelling or keyed, through fixed resonances."""
    n = int(seconds * SR); t = np.arange(n) / SR
    f = rng.choice([50, 60, 100, 120, 180, 400]) if rng.random() < .35 else np.exp(rng.uniform(np.log(30), np.log(900)))
    if rng.random() < .35:                                          # drifts, hunts, sweeps
        swing = rng.choice([.002, .01, .03, .3]); rate = rng.uniform(.02, .5) if swing > .02 else rng.uniform(.02, 6)
        f = f * (1 + swing * np.sin(2 * np.pi * rate * t + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f, n)) / SR
    slope, odd, top = rng.uniform(0, 2.5), rng.random() < .3, rng.uniform(400, 7500)
    x = np.zeros(n)
    for h in range(1, int(top / np.min(f)) + 2):
        if odd and h % 2 == 0 or h > 60: continue
        x += h ** -slope * db(rng.normal(0, rng.choice([.1, 4]))) * np.sin(h * phase + rng.uniform(0, 6))
    if rng.random() < .5: x = resonant(x, rng, 3)
    kind = rng.random()
    if kind < .5:
        depth, rate = rng.uniform(.05, 1), np.exp(rng.uniform(np.log(.3), np.log(25)))
        x = x * (1 - depth * (.5 + .5 * np.sin(2 * np.pi * rate * t + rng.uniform(0, 6))) ** rng.choice([1, 2, .5]))
    elif kind < .75:
        on = rng.uniform(.05, 2.5); off = rng.uniform(.05, 2.5)
        x = x * ramp((t % (on + off)) < on, rng.choice([1, 8, 40]))
    elif kind < .82:
        steps = np.repeat(rng.random(n // 800 + 1) < .6, 800)[:n]; x = x * ramp(steps, 5)
    if rng.random() < .3:                                           # a beat with another machine
        x = x + db(rng.uniform(-15, 0)) * prepare.rms(x) * np.sin(2 * np.pi * np.exp(rng.uniform(np.log(40), np.log(1500))) * t)
    if rng.random() < .5: x = x + rng.standard_normal(n) * prepare.rms(x) * db(rng.uniform(-45, -5))
    return x.astype(np.float32)

def chords(rng, seconds):
    """Music of sums of sines: held chords, arpeggios, organs, plucked tunes."""
    n = int(seconds * SR); x = np.zeros(n); root = np.exp(rng.uniform(np.log(80), np.log(400)))
    beat = rng.uniform(.15, 1.2); scale = np.array(rng.choice([0, 1]) and [0, 2, 4, 5, 7, 9, 11] or [0, 2, 3, 5, 7, 8, 10])
    overs = rng.integers(1, 9); slope = rng.uniform(.5, 2.5); decay = rng.choice([0, 0, 1, 2, 4, 8]); odd = rng.choice([1, 1, 1, 2])
    vibrato, vrate = rng.choice([0, 0, .003, .008]), rng.uniform(4, 7); tremolo, trate = rng.choice([0, 0, .3, .8]), rng.uniform(2, 9)
    note = lambda d: root * 2 ** ((scale[d % 7] + 12 * (d // 7)) / 12)
    def put(at, length, f, gain, decay):
        k = np.arange(max(0, min(int(length * SR), n - at))) / SR
        if not len(k): return
        w = 2 * np.pi * f * (k + vibrato / (2 * np.pi * vrate) * np.sin(2 * np.pi * vrate * k)) + rng.uniform(0, 6)
        y = sum(h ** -slope * np.sin(h * w) for h in range(1, 1 + odd * overs, odd) if h * f < 7000)
        edge = np.minimum(1, np.minimum(k, k[-1] - k) / rng.choice([.002, .01, .05]))
        x[at:at + len(k)] += gain * edge * np.exp(-decay * k) * (1 - tremolo * (.5 + .5 * np.sin(2 * np.pi * trate * k))) * y
    chord = rng.integers(0, 7); hold = rng.choice([1, 2, 4, 16]); pad, tune = rng.random() < .75, rng.random() < .6
    for b in range(int(seconds / beat) + 1):
        at = int(b * beat * SR)
        if b % hold == 0:
            chord = int(rng.choice([0, 3, 4, 5, 1]))
            for d in (0, 2, 4, 7)[:rng.integers(2, 5)]:
                if pad: put(at, hold * beat, note(chord + d), .5, decay)
        if tune:
            for _ in range(rng.integers(0, 3)): put(at + int(rng.choice([0, .25, .5, .75]) * beat * SR), beat * rng.uniform(.25, 1), note(chord + int(rng.integers(3, 14))), .6, decay + rng.choice([0, 3, 6]))
    return x.astype(np.float32)

def test_file(path): return int(hashlib.sha256(os.path.basename(path).encode()).hexdigest(), 16) % 10 == 0

KINDS = dict(noise=.15, music=.20, chords=.19, tones=.13, machine=.14, idle=.09, hits=.04, babble=.06)

def negatives(rng, noises, music, babble, seconds, count):
    out, kinds = [], []
    for _ in range(count):
        kind = rng.choice(list(KINDS), p=np.array(list(KINDS.values())) / sum(KINDS.values())); n = int(seconds * SR)
        if kind == 'noise': x = prepare.looped(noises[rng.integers(len(noises))], n, rng)
        elif kind == 'music': x = prepare.looped(music[rng.integers(len(music))], n, rng)
        elif kind == 'babble':                                      # far off: many, in a room
            x = sum(prepare.looped(babble[rng.integers(len(babble))], n, rng) for _ in range(rng.integers(5, 12)))
            x = prepare.room(prepare.room(x, rng, []), rng, [])
        else: x = dict(chords=chords, tones=tones, machine=machine, idle=idle, hits=hit_noise)[kind](rng, seconds)
        x = np.asarray(x, np.float32)
        if kind != 'idle' and x.any():
            if rng.random() < .25: x = prepare.room(x, rng, prepare.G['rooms'])
            if rng.random() < .6: x = prepare.device(x, rng)
            else: x = np.clip(level(x, rng.uniform(-40, -12)), -1, 1)
            if rng.random() < .3: x = x * db(rng.uniform(-30, 0))
            if rng.random() < .25: x = x + level(idle(rng, seconds), rng.uniform(-75, -35))
        out.append(x.astype(np.float32)); kinds.append(list(KINDS).index(kind))
    return out, kinds

def through(waves, rng):
    """Waves at 16 kHz through one codec together, as frames each."""
    y = np.concatenate(waves); names = list(prepare.CODECS); w = np.array([prepare.CODECS[n] for n in names])
    name = rng.choice(names, p=w / w.sum())
    if name == 'mulaw':                                             # with the coder's own steps near zero
        y = soxr.resample(prepare.ffmpeg(soxr.resample(y, SR, 8000).astype(np.float32), 8000, ['-c:a', 'pcm_mulaw'], 'mulaw', ['-ar', '8000', '-ac', '1']), 8000, SR)
    elif name == 'none': y = np.rint(y * 32768) / 32768
    else: y = prepare.codec(y, name, rng)
    if rng.random() < .1: y = prepare.lose_packets(y, rng)
    y = soxr.resample(y, SR, 8000); out, at = [], 0
    for x in waves: out.append(features.fbank(y[at // 2:(at + len(x)) // 2]).astype(np.float16)); at += len(x)
    return out

def synthetic_voice(rng, seconds):
    """Harmonics whose pitch and resonances move as a voice's do, in syllables and phrases; its label is where it sounds."""
    n = int(seconds * SR); t = np.arange(n) / SR
    wander = lambda rate, points: np.interp(t, np.linspace(0, seconds, k := max(2, int(seconds * rate))), points(k))
    f = np.exp(rng.uniform(np.log(80), np.log(300))) * wander(rng.uniform(2, 5), lambda k: np.exp(rng.normal(0, .1, k)))
    phase = 2 * np.pi * np.cumsum(f) / SR
    formants = [wander(rng.uniform(3, 8), lambda k, a=a, b=b: rng.uniform(a, b, k)) for a, b in ((250, 900), (800, 2400), (2200, 3200))]
    width = rng.uniform(80, 250); x = np.zeros(n)
    for h in range(1, int(3800 / f.min()) + 1):
        x += h ** -rng.uniform(.3, 1.2) * sum(np.exp(-((h * f - c) / width) ** 2) + .03 for c in formants) * np.sin(h * phase)
    rate = rng.uniform(2.5, 5.5); syllable = .55 + .45 * np.sin(2 * np.pi * rate * t + rng.uniform(0, 6))
    phrase = ramp(wander(1.2, lambda k: (rng.random(k) < .75).astype(float)) > .5, 30)
    return (x * syllable * phrase).astype(np.float32)

def espeak(rng, words):
    voices = [v.split()[4] for v in subprocess.run(['espeak-ng', '--voices'], capture_output=True, text=True, check=True).stdout.splitlines()[1:]]
    text = ' '.join(rng.choice(words, 24))
    with tempfile.NamedTemporaryFile(suffix='.wav') as f:
        voice = str(rng.choice(voices)).split('/')[-1] + str(rng.choice(['', '+f2', '+f3', '+m3', '+m7', '+whisper' if rng.random() < .1 else '+f4']))
        subprocess.run(['espeak-ng', '-v', voice, '-s', str(rng.integers(110, 210)), '-p', str(rng.integers(20, 80)), '-w', f.name, text], capture_output=True)
        try: return prepare.load(f.name)
        except Exception: return np.zeros(0, np.float32)

WORDS = 'good morning my account number last week the money seven eight nine garden window river please explain yesterday thank you very much behind house station when never over little people station water again ask bring summer early office letter question'.split()

def speeches(rng, units, noises, babble, count):
    """-> waves at 16 kHz as a telephone brings them, and masks of the clean side."""
    corpora = sorted({u['corpus'] for u in units}); by = {c: [u for u in units if u['corpus'] == c] for c in corpora}
    w = np.array([sum(u['seconds'] for u in by[c]) for c in corpora]) ** .5; waves, masks = [], []
    while len(waves) < count:
        kind = rng.random()
        if kind < .06: x = synthetic_voice(rng, 8.0)
        elif kind < .12: x = espeak(rng, WORDS)
        else:
            own = by[rng.choice(corpora, p=w / w.sum())]; x = prepare.clean(own[rng.integers(len(own))], prepare.SPEEDS[rng.integers(5)])
        if len(x) < SR: continue
        x = level(x[:SR * 12], -20)
        mask = prepare.speech_mask(x)
        if rng.random() < .4: x = prepare.room(x, rng, prepare.G['rooms'])
        if rng.random() < .55: x = prepare.noisy(x, rng, noises, babble)
        if rng.random() < .25: x = x + level(machine(rng, len(x) / SR + .01)[:len(x)], -20 + rng.uniform(-35, -10))
        if rng.random() < .25:                                      # mains hum, after whatever band the room has
            f = rng.choice([50, 60]); t = np.arange(len(x)) / SR
            hum = sum(rng.uniform(0, 1) / h * np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6)) for h in range(1, 8))
            y = prepare.device(x, rng); x = np.clip(y + level(hum, 20 * np.log10(prepare.rms(y)) + rng.uniform(-30, -5)), -1, 1)
        else: x = prepare.device(x, rng)
        if rng.random() < .45: x = x * db(rng.uniform(-30, 0))
        waves.append(x.astype(np.float32)); masks.append(mask)
    return waves, masks

def build(a):
    """Frames of speech with masks, and of all else with kinds, for training and for the test."""
    rng = np.random.default_rng(a.seed); cache = os.path.join(a.out, f'frames{a.seed}.npz')
    if not os.path.exists(cache):
        units, noise, rooms = prepare.scan(a.pool); units = [u for u in units if not held_out(u['speaker'], u['corpus'])]
        prepare.start(units, noise, rooms); songs = sorted(glob.glob(os.path.join(a.music, '*.wav'))); babble = prepare.G['babble']; out = {}
        for part in ('test', 'train'):
            pick = lambda files: [prepare.load(f) for f in files if test_file(f) == (part == 'test')]
            N, M = pick(noise), pick(songs); own = [u for u in units if test_file(u['files'][0]) == (part == 'test')]
            speech, masks, neg, kinds, start = [], [], [], [], time.time()
            for g in range(a.groups if part == 'train' else 8):
                w, k = negatives(rng, N, M, babble, 10.0, 12); neg += [f[:990] for f in through(w, rng)]; kinds += k
                w, m = speeches(rng, own, N, babble, 12); f = through(w, rng)
                for x, y in zip(f, m): n = min(len(x), len(y)); speech.append(x[:n]); masks.append(y[:n])
                if g % 10 == 0: print('frames', part, g, f'{time.time() - start:.0f} s', flush=True)
            ok = [i for i, f in enumerate(neg) if len(f) == 990]
            out.update({part + '_neg': np.stack([neg[i] for i in ok]), part + '_kind': np.array([kinds[i] for i in ok], np.int8), part + '_speech': np.concatenate(speech), part + '_mask': np.concatenate(masks)})
        np.savez(cache, **out)
    return {k: v for k, v in np.load(cache).items()}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--pool', action='append', required=True)
    for n in ('music', 'out'): a.add_argument('--' + n, required=True)
    a.add_argument('--steps', type=int, default=2600); a.add_argument('--seed', type=int, default=3); a.add_argument('--groups', type=int, default=90)
    a.add_argument('--frames', action='append', default=[], help='more frames, made with other seeds'); a.add_argument('--only-frames', action='store_true')
    a.add_argument('--init', help='a checkpoint to go on from, with half the rate')
    a = a.parse_args(); torch.manual_seed(a.seed); torch.set_num_threads(1); os.makedirs(a.out, exist_ok=True)
    data = build(a)
    if a.only_frames: return
    for path in a.frames:
        more = np.load(path)
        for k in data: data[k] = np.concatenate([data[k], more[k]])
    rng = np.random.default_rng(a.seed + 1)
    S, Y, N = data['train_speech'], data['train_mask'], data['train_neg']
    hard = np.isin(data['train_kind'], [list(KINDS).index(k) for k in ('music', 'chords', 'tones', 'machine')])
    model = net.VadNet()
    opt = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-3)
    T, B = 420, 48
    def batch():
        """-> what the layers hear, labels, weights: one to three stretches each of speech and of something else."""
        x = np.zeros((B, T, 48), np.float32); y = np.zeros((B, T), np.float32); w = np.ones((B, T), np.float32)
        def speech(n): o = int(rng.integers(len(S) - n)); return S[o:o + n].astype(np.float32), Y[o:o + n].astype(np.float32), 1.1
        def other(n): k = rng.integers(len(N)); o = int(rng.integers(N.shape[1] - n + 1)); return N[k, o:o + n].astype(np.float32), np.zeros(n, np.float32), 2.6 if hard[k] else 1.7
        for i in range(B):
            k, at = i % 4, 0
            cuts = [T] if k < 2 else sorted(rng.integers(60, T - 60, rng.integers(1, 3)).tolist()) + [T]
            turn = [speech, other][k % 2]
            for c in cuts:
                if c <= at: continue
                f, m, weight = turn(c - at); move = rng.uniform(-7, 2) if len(cuts) > 1 else 0      # 40 dB apart: what was loud before says little
                x[i, at:c], y[i, at:c], w[i, at:c] = f + move, m, np.where(m > .5, 1, weight); at, turn = c, other if turn is speech else speech
            if rng.random() < .25: x[i] = np.logaddexp(x[i], rng.uniform(-2, 9) + rng.standard_normal((T, 48)) * .7 + np.interp(np.arange(48), np.arange(0, 48, 8), rng.standard_normal(6)))
            if rng.random() < .3: x[i] += rng.uniform(-1.5, 1.5) * np.linspace(-1, 1, 48)           # a tilt
        # In the middle of a call, something up to 40 dB louder was heard before.
        before = np.where(rng.random(B) < .5, 0, np.exp(rng.uniform(net.VadNet.LOUDNESS['floor'], 26, B)))
        return model.levelled(torch.from_numpy(x), before), torch.from_numpy(y), torch.from_numpy(w)
    sample = torch.cat([batch()[0] for _ in range(4)]).reshape(-1, len(model.prior))
    model.prior.copy_(sample.mean(0)); model.scale.fill_(float(1 / sample[:, :48].std()))
    if a.init: model.load_state_dict(torch.load(a.init, weights_only=False)['ema'])
    kept = []                                                       # a batch costs more than a step, and is used some times over
    for step in range(a.steps):
        if len(kept) < 20 or step % 4 == 0: kept = kept[-400:] + [batch()]
        parts = [kept[i] for i in rng.integers(len(kept), size=4)]; own = slice(8 * (k := int(rng.integers(6))), 8 * k + 8)
        x, t, w = (torch.cat([p[n][own] for p in parts]) for n in range(3))
        lr = (2e-3 if a.init else 4e-3) * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / a.steps)) + 1e-5
        for p in opt.param_groups: p['lr'] = lr
        logit = model.judge(x)
        loss = (F.binary_cross_entropy_with_logits(logit, t * .97 + .015, reduction='none') * w).mean()
        opt.zero_grad(); loss.backward(); opt.step()
        if step % 100 == 0: print(f'step {step} loss {loss.item():.4f} wrong {((logit > 0) != (t > .5)).float().mean().item():.4f}', flush=True)
    model.eval()
    torch.save(dict(model=model.state_dict(), ema=model.state_dict(), family='VadNet', config=model.config, step=a.steps), os.path.join(a.out, 'checkpoint.pt'))
    report(model, data)

def report(model, data):
    """What the gate behind the detector (`engine/src/vad.rs`) would let through."""
    with torch.no_grad():
        z = model(torch.from_numpy(data['test_neg'].astype(np.float32))).numpy(); run = gate(z)
        for i, name in enumerate(KINDS):
            k = data['test_kind'] == i
            if k.any(): print(f'{name:8s} {k.sum():3d} x 10 s: {60 * run[k].mean():5.2f} s a minute called speech, in {100 * (run[k].any(1)).mean():3.0f} % of them')
        n = len(data['test_speech']) // 1000; x = data['test_speech'][:n * 1000].reshape(n, 1000, 48); m = data['test_mask'][:n * 1000].reshape(n, 1000)
        run = gate(model(torch.from_numpy(x.astype(np.float32))).numpy())
        print(f'speech kept {run[m].mean():.4f}, pauses called speech {run[~m].mean():.4f}, net speech {run.sum() / m.sum():.4f}')

def gate(z, enter=.75, leave=.25, least=8):
    """The rules of `engine/src/vad.rs` on (B, T) log-odds."""
    z = np.clip(z, -4, 4); p = np.pad(z, ((0, 0), (4, 4)), constant_values=-4)
    mean = np.lib.stride_tricks.sliding_window_view(p, 9, 1).mean(-1); on = np.zeros(mean.shape, bool); now = np.zeros(len(z), bool)
    for t in range(mean.shape[1]): now = mean[:, t] > np.where(now, leave, enter); on[:, t] = now
    for row in on:
        edge = np.flatnonzero(np.diff(np.concatenate([[0], row.view(np.int8), [0]])))
        for s, e in zip(edge[::2], edge[1::2]):
            if e - s < least: row[s:e] = False
    return on

if __name__ == '__main__':
    main()
