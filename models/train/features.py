"""Log-mel filter bank as the engine computes it (Kaldi conventions), for whole arrays.

The engine's own `fbank.rs` is the authority; `testdata/gen/fbank.py` proves that both equal kaldi-native-fbank.
"""
import numpy as np

SAMP_FREQ = 8000
FRAME_LENGTH, FRAME_SHIFT, FFT = 200, 80, 256          # 25 ms, 10 ms
NUM_MEL_BINS, LOW_FREQ, HIGH_FREQ = 48, 64.0, 3800.0
PREEMPH, EPS = 0.97, np.float32(1.1920929e-07)

def mel(f):
    return 1127.0 * np.log1p(np.asarray(f, np.float64) / 700.0)

def mel_banks():
    """(FFT/2+1, NUM_MEL_BINS) triangles in the mel domain; the Nyquist row is zero, as in Kaldi."""
    lo, hi = mel(LOW_FREQ), mel(HIGH_FREQ)
    delta = (hi - lo) / (NUM_MEL_BINS + 1)
    m = mel(np.arange(FFT // 2) * SAMP_FREQ / FFT)[:, None]
    left = lo + delta * np.arange(NUM_MEL_BINS)[None]
    w = np.minimum((m - left) / delta, (left + 2 * delta - m) / delta)
    return np.vstack([np.maximum(w, 0), np.zeros((1, NUM_MEL_BINS))]).astype(np.float32)

def window():
    n = np.arange(FRAME_LENGTH)
    return ((0.5 - 0.5 * np.cos(2 * np.pi * n / (FRAME_LENGTH - 1))) ** 0.85).astype(np.float32)

_BANKS, _WINDOW = mel_banks(), window()

def num_frames(samples):
    return 0 if samples < FRAME_LENGTH else 1 + (samples - FRAME_LENGTH) // FRAME_SHIFT

def fbank(x):
    """(num_frames, NUM_MEL_BINS) natural-log mel energies of `x`, mono at 8 kHz in +-1.0; snip_edges, no dither."""
    n = num_frames(len(x))
    if n == 0:
        return np.zeros((0, NUM_MEL_BINS), np.float32)
    f = np.lib.stride_tricks.sliding_window_view(np.asarray(x, np.float32) * np.float32(32768), FRAME_LENGTH)[::FRAME_SHIFT][:n]
    f = f - f.mean(1, keepdims=True)
    f = f - PREEMPH * np.concatenate([f[:, :1], f[:, :-1]], 1)
    p = np.abs(np.fft.rfft(f * _WINDOW, FFT)) ** 2
    return np.log(np.maximum(p.astype(np.float32) @ _BANKS, EPS))
