#!/usr/bin/env python3
# /// script
# dependencies = ["numpy", "kaldi-native-fbank==1.23.0"]
# ///
"""Golden log-mel energies by kaldi-native-fbank: testdata/golden/fbank/signals.json.

    fbank.py                       writes the golden file from seeded synthetic signals, 16-bit so that both sides see the same numbers
    fbank.py --compare X.f32 Y.f32 prints the largest difference between Kaldi's frames of X (raw float32 samples at 8 kHz) and the frames in Y
"""
import json, os, sys
import numpy as np, kaldi_native_fbank as knf

def kaldi(x):
    o = knf.FbankOptions()
    o.frame_opts.samp_freq, o.frame_opts.dither, o.frame_opts.snip_edges = 8000, 0, True
    o.mel_opts.num_bins, o.mel_opts.low_freq, o.mel_opts.high_freq = 48, 64, 3800
    o.energy_floor = 0
    f = knf.OnlineFbank(o)
    f.accept_waveform(8000, (np.asarray(x, np.float32) * 32768).tolist()); f.input_finished()
    return np.array([f.get_frame(i) for i in range(f.num_frames_ready)])

def main():
    if sys.argv[1:2] == ['--compare']:
        x, y = (np.fromfile(p, '<f4') for p in sys.argv[2:4])
        k = kaldi(x); y = y.reshape(-1, 48)
        assert k.shape == y.shape, (k.shape, y.shape)
        print(f'{len(k)} frames, largest difference {np.abs(k - y).max():.2e}'); return
    r = np.random.default_rng(1); n = 2200; t = np.arange(n) / 8000
    signals = dict(chirp=0.5 * np.sin(2 * np.pi * (100 * t + 6500 * t * t)), noise=0.1 * r.standard_normal(n), pulses=np.where(np.arange(n) % 67 == 0, 0.9, 0.0),
                   loud=np.sign(np.sin(2 * np.pi * 150 * t)) * 0.999, quiet=r.integers(-2, 3, n) / 32768.0, silence=np.zeros(n),
                   voice=sum(np.sin(2 * np.pi * 121 * h * t) / h for h in range(1, 30)) * 0.15 + 0.002 * r.standard_normal(n) + 0.05)
    out = {}
    for name, x in signals.items():
        s = np.clip(np.round(x * 32768), -32768, 32767).astype(int)
        out[name] = dict(samples=s.tolist(), frames=[[float(f'{v:.7g}') for v in row] for row in kaldi(s / 32768.0)[::3]])
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'golden', 'fbank', 'signals.json')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    json.dump(out, open(path, 'w'), separators=(',', ':'))

main()
