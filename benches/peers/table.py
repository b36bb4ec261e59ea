#!/usr/bin/env python3
"""Ours beside the others, in turn, on one core, in one table.

    pip install -r benches/peers/requirements.txt
    cargo build --release -p benches --bin ours
    taskset -c 1 python benches/peers/table.py [--rounds 5] [--out benches/record/NAME.md]

Each round asks everybody once, so that what else the machine does meets all of them; the table has the medians of the rounds and their spread.
"""
import argparse, os, platform, statistics, subprocess, sys, tempfile, time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "target/release/ours"


def audio(rate, seconds):
    t = np.arange(rate * seconds) / rate
    voice = sum(np.sin(2 * np.pi * 120 * h * t) / h for h in range(1, 25))
    noise = np.random.default_rng(3).normal(size=t.size)
    return (0.1 * voice * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t)) + 0.003 * noise).astype(np.float32)


def ours(what):
    return lambda: float(subprocess.run([OURS, what], check=True, capture_output=True, text=True).stdout)


def timed(go):
    def run():
        go()
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter(); go(); best = min(best, time.perf_counter() - start)
        return 1e3 * best
    return run


def embedders(folder):
    """onnxruntime with our network and sherpa-onnx with ECAPA-TDNN of 512 channels, each in 32 and in 8 bits; resemblyzer with its own."""
    import networks, sherpa_onnx
    random = np.random.default_rng(1)
    config = networks.shipped(ROOT / "models/weights/default.vouch", folder / "ours.onnx")
    features = random.normal(size=(1, config["mels"], 1000)).astype(np.float32)
    networks.quantised(folder / "ours.onnx", folder / "ours-int8.onnx", "features", [features])
    metadata = networks.ecapa(folder / "ecapa.onnx")
    sample = random.normal(size=(1, 998, 80)).astype(np.float32)
    networks.quantised(folder / "ecapa.onnx", folder / "ecapa-int8.onnx", "feats", [sample], metadata)
    x = audio(16000, 10)

    def network(name):
        session = networks.session(folder / name)
        return timed(lambda: session.run(None, {"features": features}))

    def whole(name):
        config = sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(folder / name), num_threads=1)
        extractor = sherpa_onnx.SpeakerEmbeddingExtractor(config)

        def go():
            stream = extractor.create_stream()
            stream.accept_waveform(16000, x)
            stream.input_finished()
            return extractor.compute(stream)
        return timed(go)

    import torch
    from resemblyzer import VoiceEncoder
    torch.set_num_threads(1)
    encoder = VoiceEncoder("cpu", verbose=False)
    found = {"resemblyzer": timed(lambda: encoder.embed_utterance(x))}
    return found | {name: make(f"{name}.onnx") for make, names in ((network, ("ours", "ours-int8")), (whole, ("ecapa", "ecapa-int8"))) for name in names}


def peers(folder):
    import kaldi_native_fbank as knf, librosa, soxr
    others = embedders(folder)
    x, y = audio(16000, 60), audio(48000, 60)
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = 16000
    options.mel_opts.num_bins = 80

    def kaldi():
        fbank = knf.OnlineFbank(options)
        fbank.accept_waveform(16000, x)
        fbank.input_finished()
        return fbank.num_frames_ready

    def mel():
        power = librosa.feature.melspectrogram(y=x, sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=80)
        return np.log(np.maximum(power, 1e-10))

    return {
        "80-bin fbank of 60 s, 16 kHz": [("ours", ours("fbank")), ("kaldi-native-fbank", timed(kaldi)), ("librosa", timed(mel))],
        "60 s from 48 to 16 kHz": [("ours", ours("resample")), ("soxr, high", timed(lambda: soxr.resample(y, 48000, 16000, "HQ")))],
        "10 s of 16 kHz to an embedding": [("f32, whole", ours("file")), ("f32, 20 ms packets", ours("packets")),
                                            ("int8, whole", ours("file-int8")), ("int8, 20 ms packets", ours("packets-int8")),
                                            ("sherpa-onnx, ECAPA-512, f32", others["ecapa"]), ("sherpa-onnx, ECAPA-512, static int8", others["ecapa-int8"]),
                                            ("resemblyzer", others["resemblyzer"])],
        "our network, 10 s of features to an embedding, f32": [("ours", ours("net")), ("onnxruntime", others["ours"])],
        "the same in 8 bits": [("ours", ours("net-int8")), ("onnxruntime, static", others["ours-int8"])],
        "60 s of PCMU, a score each 100 ms": [("f32", ours("call")), ("int8", ours("call-int8"))],
    }


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if not OURS.exists():
        sys.exit(f"{OURS} is missing: cargo build --release -p benches --bin ours")
    folder = tempfile.TemporaryDirectory()
    groups = peers(Path(folder.name))
    times = {}
    for number in range(args.rounds):
        for group, members in groups.items():
            for name, go in members:
                times.setdefault((group, name), []).append(go())
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    lines = [f"{cpu()}, one core, {time.strftime('%Y-%m-%d')}, commit {commit or 'unknown'}, {args.rounds} rounds", "",
             "| | | ms, median | least-most | to the first |", "|---|---|---|---|---|"]
    for group, members in groups.items():
        first = statistics.median(times[group, members[0][0]])
        for i, (name, _) in enumerate(members):
            t = times[group, name]; median = statistics.median(t)
            lines.append(f"| {group if i == 0 else ''} | {name} | {median:.2f} | {min(t):.2f}-{max(t):.2f} | {median / first:.2f} |")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text)


if __name__ == "__main__":
    main()
