#!/usr/bin/env python3
# /// script
# dependencies = ["numpy", "kaldi-native-fbank==1.23.0"]
# ///
"""Golden log-mel energies by kaldi-native-fbank: testdata/golden/fbank/signals.json, and of the front ends of imported networks,
testdata/golden/fbank/other.json: Kaldi's at 16 kHz with 80 bins, SpeechBrain's `Fbank` by its formulas in double precision.

    fbank.py              writes the golden file from seeded synthetic signals, 16-bit so that both sides see the same numbers
    fbank.py --check DIR  compares what the engine made of real speech with Kaldi's frames. DIR is filled by
                          VOUCH_SPEECH=... VOUCH_FBANK_DUMP=DIR cargo test -p engine --test golden
                          with NAME.samples.f32 (8 kHz, +-1.0) and NAME.fbank.f32, raw float32

Kaldi transforms in single precision, which carries about 4e-7 of the loudest amplitude: 1e-3 of the energy of a bin 14 nats (61 dB)
below the frame's loudest. Fainter bins are rounding on Kaldi's side and are reported apart.
"""
import json, os, sys
import numpy as np, kaldi_native_fbank as knf

PRECISION_NATS, TOLERANCE = 14.0, 1e-3

def kaldi(x):
    o = knf.FbankOptions()
    o.frame_opts.samp_freq, o.frame_opts.dither, o.frame_opts.snip_edges = 8000, 0, True
    o.mel_opts.num_bins, o.mel_opts.low_freq, o.mel_opts.high_freq = 48, 64, 3800
    o.energy_floor = 0
    f = knf.OnlineFbank(o)
    f.accept_waveform(8000, (np.asarray(x, np.float32) * 32768).tolist()); f.input_finished()
    return np.array([f.get_frame(i) for i in range(f.num_frames_ready)])

def kaldi_16k(s, window):
    o = knf.FbankOptions()
    o.frame_opts.samp_freq, o.frame_opts.dither, o.frame_opts.snip_edges, o.frame_opts.window_type = 16000, 0, True, window
    o.mel_opts.num_bins, o.mel_opts.low_freq, o.mel_opts.high_freq = 80, 20, 0
    f = knf.OnlineFbank(o)
    f.accept_waveform(16000, s.astype(np.float32).tolist()); f.input_finished()
    return np.array([f.get_frame(i) for i in range(f.num_frames_ready)])

def speechbrain(s):
    """400-point frames centred every 160 samples, zeros around, periodic Hamming window, power; triangles that fall over the width of the
    band below their centre, in Hz; 10 log10, floor 1e-10."""
    x = np.pad(s / 32768.0, 200); w = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.array([np.abs(np.fft.rfft(x[i:i + 400] * w)) ** 2 for i in range(0, len(x) - 399, 160)])
    hz = lambda m: 700 * (10 ** (m / 2595) - 1)
    p = hz(np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 82))
    slope = (np.linspace(0, 8000, 201)[None] - p[1:-1, None]) / (p[1:-1] - p[:-2])[:, None]
    return 10 * np.log10(np.maximum(power @ np.maximum(0, np.minimum(slope + 1, 1 - slope)).T, 1e-10))

def other():
    r = np.random.default_rng(3); t = np.arange(3200) / 16000
    x = sum(np.sin(2 * np.pi * 121 * h * t) / h for h in range(1, 60)) * 0.15 + 0.01 * r.standard_normal(3200)
    s = np.round(x * 32768).astype(int)
    round7 = lambda frames: [[float(f'{v:.7g}') for v in row] for row in frames[::4]]
    return dict(samples=s.tolist(), povey=round7(kaldi_16k(s, 'povey')), hamming=round7(kaldi_16k(s, 'hamming')), speechbrain=round7(speechbrain(s)))

def check(folder):
    names = sorted(n[:-len('.samples.f32')] for n in os.listdir(folder) if n.endswith('.samples.f32'))
    frames = values = over = 0
    worst, faint = (0.0, '-'), (0.0, '-')
    for name in names:
        x, y = (np.fromfile(os.path.join(folder, f'{name}.{kind}.f32'), '<f4') for kind in ('samples', 'fbank'))
        k, y = kaldi(x).reshape(-1, 48), y.reshape(-1, 48)
        if k.shape != y.shape or not np.isfinite(y).all():
            sys.exit(f'{name}: {y.shape}, not {k.shape}, or not finite')
        if not len(k):
            continue
        off, clear = np.abs(k - y), k >= k.max(1, keepdims=True) - PRECISION_NATS
        frames += len(k); values += off.size; over += int((off > TOLERANCE).sum())
        worst = max(worst, (float(off[clear].max()), name))
        faint = max(faint, (float(off[~clear].max(initial=0)), name))
    print(f'{len(names)} recordings, {frames} frames: largest difference {worst[0]:.2e} ({worst[1]}), in fainter bins {faint[0]:.2e} ({faint[1]}); '
          f'{over} of {values} values differ by more than {TOLERANCE:g}')
    if not frames or worst[0] > TOLERANCE:
        sys.exit(1)

def main():
    if sys.argv[1:2] == ['--check']:
        return check(sys.argv[2])
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
    json.dump(other(), open(os.path.join(os.path.dirname(path), 'other.json'), 'w'), separators=(',', ':'))

main()
