"""New voices from old ones: the speed moves pitch and formants together, `formants` moves the formants alone.

A warped voice is somebody else, and a teacher that puts out an embedding for any sound knows where that person stands. So every pass over the
speech can hear people that no pass heard before.
"""
import numpy as np, soxr

FFT, HOP = 1024, 256            # 64 ms and 16 ms at 16 kHz
LIFTER = 28                     # cepstral coefficients of the envelope: 1.75 ms, below the shortest pitch period of a child
_WINDOW = np.hanning(FFT + 1)[:-1].astype(np.float32)

def speed(x, factor):
    """`x` at 16 kHz played `factor` times faster."""
    return x if factor == 1.0 else soxr.resample(x, 16000 * factor, 16000, quality='MQ').astype(np.float32)

def formants(x, factor):
    """`x` at 16 kHz with its spectral envelope stretched by `factor` along frequency; pitch and tempo stay."""
    if factor == 1.0 or len(x) < FFT: return x
    p = np.pad(x, (FFT // 2, FFT))
    frames = np.lib.stride_tricks.sliding_window_view(p, FFT)[::HOP] * _WINDOW
    spec = np.fft.rfft(frames).astype(np.complex64)
    cep = np.fft.irfft(np.log(np.abs(spec) + 1e-6))
    cep[:, LIFTER:-LIFTER + 1] = 0
    env = np.fft.rfft(cep).real.astype(np.float32)                     # log envelope, (frames, FFT/2+1)
    at = np.minimum(np.arange(FFT // 2 + 1) / factor, FFT // 2); lo = at.astype(int); hi = np.minimum(lo + 1, FFT // 2); w = (at - lo).astype(np.float32)
    gain = np.exp(np.clip(env[:, lo] * (1 - w) + env[:, hi] * w - env, -2.5, 2.5))
    out = np.fft.irfft(spec * gain).astype(np.float32) * _WINDOW
    y = np.zeros(len(p) + FFT, np.float32)
    for k in range(FFT // HOP): 
        part = out[k::FFT // HOP].reshape(-1); y[k * HOP:k * HOP + len(part)] += part
    return y[FFT // 2:FFT // 2 + len(x)] / 1.5                            # squared Hann windows a quarter apart add up to 1.5

def draw(rng):
    """-> (speed, formants): one time in four the person as recorded, else somebody new."""
    if rng.random() < .25: return 1.0, 1.0
    s = float(np.exp(rng.uniform(-.2, .2)))
    return s, float(np.exp(rng.uniform(-.13, .13))) if rng.random() < .6 else 1.0
