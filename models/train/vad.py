#!/usr/bin/env python3
"""Train the speech detector: speech of the pool against noise, music, telephone tones, idle channels and silence.

    vad.py --pool POOL --data DIR --music MUSIC --out RUN [--steps N]

DIR is a folder of feature copies (`prepare.py`) whose masks are the labels; MUSIC is a folder of audio without voices
(`music.py` renders one with a General-MIDI sound font). Files whose name hashes to a tenth are kept for the test printed at the end.
"""
import argparse, glob, hashlib, os
import numpy as np, soxr, torch, torch.nn.functional as F
import features, net, prepare

DTMF = [(a, b) for a in (697, 770, 852, 941) for b in (1209, 1336, 1477, 1633)]
PROGRESS = [((350, 440), 0, 0), ((425,), 0, 0), ((440, 480), 2, 4), ((425,), 1, 4), ((400, 450), .4, .2), ((480, 620), .5, .5), ((425,), .5, .5), ((480, 620), .25, .25), ((950,), .33, .1), ((1400,), .33, .1), ((1800,), .33, .1), ((1004,), 0, 0), ((2100,), 0, 0), ((1100,), .5, 3)]

def tones(rng, seconds):
    n, sr = int(seconds * 16000), 16000
    t = np.arange(n) / sr
    if rng.random() < .5:
        x, at = np.zeros(n), 0
        while at < n:
            on, off = int(rng.uniform(.05, .4) * sr), int(rng.uniform(.04, .6) * sr)
            a, b = DTMF[rng.integers(16)]; k = np.arange(min(on, n - at)) / sr
            x[at:at + len(k)] = np.sin(2 * np.pi * a * k) + 10 ** (rng.uniform(-6, 6) / 20) * np.sin(2 * np.pi * b * k); at += on + off
    else:
        fs, on, off = PROGRESS[rng.integers(len(PROGRESS))]
        x = sum(np.sin(2 * np.pi * f * rng.uniform(.99, 1.01) * t + rng.uniform(0, 6)) for f in fs)
        if on: x = x * ((t % (on + off)) < on)
    return x.astype(np.float32) * rng.uniform(.02, .3)

def idle(rng, seconds):
    n, k = int(seconds * 16000), rng.integers(5)
    if k == 0: return np.zeros(n, np.float32)
    if k == 1: return rng.choice([-8, 8, 0, 24], size=n).astype(np.float32) / 32768
    if k == 2: return np.repeat(rng.integers(-2, 3, n // 2 + 1), 2)[:n].astype(np.float32) * 8 / 32768
    x = rng.standard_normal(n); b = rng.uniform(0, .98)
    x = prepare.sosfilt([[1 - b, 0, 0, 1, -b, 0]], x)
    if k == 4: x = x * (1 + .9 * np.sin(2 * np.pi * rng.uniform(.1, 8) * np.arange(n) / 16000))       # wind, engines
    return (x * 10 ** (rng.uniform(-65, -15) / 20) / prepare.rms(x)).astype(np.float32)

def hit_noise(rng, seconds):
    """Clicks, knocks and crackle."""
    n = int(seconds * 16000); x = np.zeros(n)
    for at in rng.integers(0, n, int(rng.uniform(1, 12) * seconds)):
        k = min(int(rng.uniform(.0005, .06) * 16000), n - at)
        x[at:at + k] += rng.standard_normal(k) * np.exp(-6 * np.arange(k) / max(k, 1)) * rng.uniform(.05, .9)
    return np.clip(x, -1, 1).astype(np.float32)

def test_file(path): return int(hashlib.sha256(os.path.basename(path).encode()).hexdigest(), 16) % 10 == 0

def negatives(rng, noises, music, seconds, count):
    out = []
    for _ in range(count):
        kind = rng.random()
        if kind < .25: x = prepare.looped(noises[rng.integers(len(noises))], int(seconds * 16000), rng)
        elif kind < .65: x = prepare.looped(music[rng.integers(len(music))], int(seconds * 16000), rng)
        elif kind < .8: x = tones(rng, seconds)
        elif kind < .93: x = idle(rng, seconds)
        else: x = hit_noise(rng, seconds)
        if kind < .8 or rng.random() < .5:
            if rng.random() < .2: x = prepare.room(x, rng, [])
            x = prepare.device(x, rng) if x.any() else x
        out.append(x)
    return out

def features_of(waves, rng):
    y = np.concatenate(waves); w = np.array(list(prepare.CODECS.values())); w = w / w.sum()
    y = prepare.codec(y, rng.choice(list(prepare.CODECS), p=w), rng)
    y = soxr.resample(y, 16000, 8000); out, at = [], 0
    for x in waves: out.append(features.fbank(y[at // 2:(at + len(x)) // 2]).astype(np.float16)); at += len(x)
    return out

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ('pool', 'data', 'music', 'out'): a.add_argument('--' + n, required=True)
    a.add_argument('--steps', type=int, default=2500); a.add_argument('--seed', type=int, default=3); a.add_argument('--groups', type=int, default=120)
    a = a.parse_args(); torch.manual_seed(a.seed); torch.set_num_threads(1); os.makedirs(a.out, exist_ok=True)
    rng = np.random.default_rng(a.seed); cache = os.path.join(a.out, 'negatives.npz')
    if not os.path.exists(cache):
        _, noise, _ = prepare.scan([a.pool]); songs = sorted(glob.glob(os.path.join(a.music, '*.wav')))
        sets = {}
        for part in ('train', 'test'):
            pick = lambda files: [prepare.load(f) for f in files if test_file(f) == (part == 'test')]
            N, M = pick(noise), pick(songs); parts = []
            for g in range(a.groups if part == 'train' else 8):
                parts += features_of(negatives(rng, N, M, 10.0, 12), rng)
                if g % 20 == 0: print('negatives', part, g, flush=True)
            sets[part] = np.stack([p[:990] for p in parts if len(p) >= 990])
        np.savez(cache, **sets)
    neg = np.load(cache); train_neg, test_neg = neg['train'], neg['test']
    copies = [(np.load(os.path.join(d, 'feat.npy'), mmap_mode='r'), np.load(os.path.join(d, 'mask.npy'), mmap_mode='r')) for d in sorted(glob.glob(os.path.join(a.data, 'copy*'))) if os.path.exists(os.path.join(d, 'index.npy'))]
    model = net.VadNet()
    sample = np.concatenate([np.asarray(f[::997], np.float32) for f, _ in copies] + [train_neg[:, ::97].reshape(-1, 48).astype(np.float32)])
    model.prior.copy_(torch.from_numpy(sample.mean(0))); model.scale.fill_(float(1 / sample.std()))
    opt = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-3)
    T = 400
    for step in range(a.steps):
        x = np.zeros((48, T, 48), np.float32); y = np.zeros((48, T), np.float32)
        for i in range(48):
            def speech(n):
                f, m = copies[rng.integers(len(copies))]; o = int(rng.integers(len(f) - n)); return np.asarray(f[o:o + n], np.float32), np.asarray(m[o:o + n], np.float32)
            def other(n):
                f = train_neg[rng.integers(len(train_neg))]; o = int(rng.integers(len(f) - n + 1)); return np.asarray(f[o:o + n], np.float32), np.zeros(n, np.float32)
            k = i % 4
            if k == 0: x[i], y[i] = speech(T)
            elif k == 1: x[i], y[i] = other(T)
            else:
                c = int(rng.integers(60, T - 60)); p, q = (speech(c), other(T - c)) if k == 2 else (other(c), speech(T - c))
                x[i] = np.concatenate([p[0], q[0]]); y[i] = np.concatenate([p[1], q[1]])
            x[i] += rng.uniform(-4, 4)
            if rng.random() < .4:                                   # a noise floor, so that level alone decides nothing
                x[i] = np.logaddexp(x[i], rng.uniform(-2, 9) + rng.standard_normal((T, 48)) * .7 + np.interp(np.arange(48), np.arange(0, 48, 8), rng.standard_normal(6)))
        lr = 4e-3 * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / a.steps)) + 1e-5
        for p in opt.param_groups: p['lr'] = lr
        logit = model(torch.from_numpy(x)); t = torch.from_numpy(y)
        loss = F.binary_cross_entropy_with_logits(logit, t * .96 + .02, weight=1 + 1.5 * (1 - t))
        opt.zero_grad(); loss.backward(); opt.step()
        if step % 100 == 0: print(f'step {step} loss {loss.item():.4f} wrong {((logit > 0) != (t > .5)).float().mean().item():.4f}', flush=True)
    model.eval()
    torch.save(dict(model=model.state_dict(), ema=model.state_dict(), family='VadNet', config=model.config, step=a.steps), os.path.join(a.out, 'checkpoint.pt'))
    with torch.no_grad():
        z = model(torch.from_numpy(test_neg.astype(np.float32)))
        for th in (0, 1, 2): print(f'threshold {th}: non-speech called speech {(z > th).float().mean().item():.4f}')
        f, m = copies[0]; z = model(torch.from_numpy(np.asarray(f[:120000], np.float32))[None])[0]; m = torch.from_numpy(np.asarray(m[:120000]))
        for th in (0, 1, 2): print(f'threshold {th}: speech frames kept {(z[m] > th).float().mean().item():.4f}, pauses called speech {(z[~m] > th).float().mean().item():.4f}')

if __name__ == '__main__':
    main()
