"""Log-mel filter bank as the engine computes it (Kaldi conventions), for whole arrays.

The engine's own `fbank.rs` is the authority; `testdata/gen/fbank.py` proves that both equal kaldi-native-fbank.
"""
import numpy as np

SAMP_FREQ = 8000
NUM_MEL_BINS, LOW_FREQ, HIGH_FREQ = 48, 64.0, 3800.0
PREEMPH, EPS = 0.97, np.float32(1.1920929e-07)

WIDE_MEL_BINS = 64                                       # wide-band audio: the same bins and 16 more above, up to 7.2 kHz

def mel(f):
    return 1127.0 * np.log1p(np.asarray(f, np.float64) / 700.0)

def mel_banks(samp_freq, fft, low, delta, first, count):
    """(fft/2+1, count) triangles in the mel domain: bin k rises from `low + k delta`; the Nyquist row is zero, as in Kaldi."""
    m = mel(np.arange(fft // 2) * samp_freq / fft)[:, None]
    left = low + delta * np.arange(first, first + count)[None]
    w = np.minimum((m - left) / delta, (left + 2 * delta - m) / delta)
    return np.vstack([np.maximum(w, 0), np.zeros((1, count))]).astype(np.float32)

def window(n):
    return ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / (n - 1))) ** 0.85).astype(np.float32)

class Fbank:
    """Natural-log mel energies, 25 ms every 10 ms, snip_edges, no dither; (num_frames, bins) of mono audio in +-1.0."""
    def __init__(self, samp_freq, low, delta, first, count):
        self.length, self.shift, self.fft = samp_freq // 40, samp_freq // 100, 1 << (samp_freq // 40 - 1).bit_length()
        self.banks, self.window = mel_banks(samp_freq, self.fft, low, delta, first, count), window(self.length)
    def num_frames(self, samples):
        return 0 if samples < self.length else 1 + (samples - self.length) // self.shift
    def __call__(self, x):
        n = self.num_frames(len(x))
        if n == 0: return np.zeros((0, self.banks.shape[1]), np.float32)
        f = np.lib.stride_tricks.sliding_window_view(np.asarray(x, np.float32) * np.float32(32768), self.length)[::self.shift][:n]
        f = f - f.mean(1, keepdims=True)
        f = f - np.float32(PREEMPH) * np.concatenate([f[:, :1], f[:, :-1]], 1)
        p = np.abs(np.fft.rfft(f * self.window, self.fft)) ** 2
        return np.log(np.maximum(p.astype(np.float32) @ self.banks, EPS))

_LOW, _DELTA = mel(LOW_FREQ), (mel(HIGH_FREQ) - mel(LOW_FREQ)) / (NUM_MEL_BINS + 1)
fbank = Fbank(SAMP_FREQ, _LOW, _DELTA, 0, NUM_MEL_BINS)                                          # the telephone's band
wide = Fbank(16000, _LOW, _DELTA, 0, WIDE_MEL_BINS)                                              # of audio at 16 kHz
num_frames = fbank.num_frames
