#!/usr/bin/env python3
"""EER and minDCF of a checkpoint on VoxCeleb-format trial lists, in PyTorch: a look during training. `vouch eval` is the measure that counts.

    measure.py RUN/checkpoint.pt DIR [list ...]      DIR holds the audio and wide.trials, tel.trials, cross.trials
"""
import os, sys
import numpy as np, soundfile as sf, soxr, torch
import features, net, prepare

def metrics(scores, labels, p=0.01):
    y = np.asarray(labels)[np.argsort(scores)]
    fnmr = np.concatenate([[0], np.cumsum(y) / y.sum()]); fmr = np.concatenate([[1], 1 - np.cumsum(1 - y) / (1 - y).sum()])
    i = np.argmin(np.abs(fnmr - fmr))
    return 100 * (fnmr[i] + fmr[i]) / 2, (p * fnmr + (1 - p) * fmr).min() / p

def load(path):
    c = torch.load(path, weights_only=False, map_location='cpu')
    m = getattr(net, c['family'])(**c['config']); m.load_state_dict(c['ema']); return m.eval(), c

def main():
    torch.set_num_threads(1)
    model, c = load(sys.argv[1]); folder = sys.argv[2]; cache = {}
    def embed(path):
        if path not in cache:
            x, sr = sf.read(os.path.join(folder, path), dtype='float32')
            x16 = x if sr == 16000 else soxr.resample(x, sr, 16000)
            x8 = x if sr == 8000 else soxr.resample(x, sr, 8000)
            f = features.fbank(x8); m = prepare.speech_mask(x16 * (0.1 / prepare.rms(x16)))[:len(f)]; f = f[:len(m)]
            with torch.no_grad(): e = model(torch.from_numpy(f)[None], torch.from_numpy(m.astype(np.float32))[None])[0].numpy()
            cache[path] = e / np.linalg.norm(e)
        return cache[path]
    for name in sys.argv[3:] or ('wide', 'tel', 'cross'):
        t = [l.split() for l in open(os.path.join(folder, name + '.trials'))]
        eer, dcf = metrics([float(embed(e) @ embed(p)) for _, e, p in t], [int(l) for l, _, _ in t])
        print(f'{name:6s} EER {eer:5.2f} %  minDCF(0.01) {dcf:.3f}  step {c["step"]}')

if __name__ == '__main__':
    main()
