"""Networks for the peers: the shipped one as an ONNX graph, and ECAPA-TDNN of 512 channels with random weights (speed does not
depend on them), each in 32 bits and quantised statically to 8.

Our container is read here once more, from its layout alone: a header in JSON and tensors (models/src/format.rs).
"""
import json, struct
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quant_pre_process, quantize_static


def container(path):
    blob = Path(path).read_bytes()
    header = json.loads(blob[16:16 + struct.unpack("<I", blob[12:16])[0]])
    tensors = {}
    for t in header["tensors"]:
        if t["dtype"] in ("f16", "f32"):
            kind = "<f2" if t["dtype"] == "f16" else "<f4"
            x = np.frombuffer(blob, kind, int(np.prod(t["shape"])), t["offset"])
            tensors[t["name"]] = x.astype(np.float32).reshape(t["shape"])
    return header["networks"]["speaker"]["config"], tensors


def shipped(path, out):
    """Features after mean normalisation, (1, mels, frames), all of them speech, to the embedding before its length is made 1."""
    config, tensors = container(path)
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind, inputs, out, **attributes):
        nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def conv(name, x, taps=1, dilation=1, stride=1):
        weight, bias = tensors[f"speaker.{name}.weight"], tensors[f"speaker.{name}.bias"]
        # Ours lie tap by tap, (outputs, taps * channels).
        kernel = weight.reshape(len(weight), taps, -1).transpose(0, 2, 1)
        pad = dilation * (taps // 2)
        inputs = [x, constant(name + ".w", kernel), constant(name + ".b", bias)]
        return node("Conv", inputs, name, kernel_shape=[taps], dilations=[dilation], strides=[stride], pads=[pad, pad])

    x = node("Relu", [conv("front", "features", taps=5, stride=2)], "front.relu")
    for i, dilation in enumerate(config["dilations"]):
        up = conv(f"blocks.{i}.up", conv(f"blocks.{i}.down", x, taps=3, dilation=dilation))
        x = node("Add", [x, node("Relu", [up], f"blocks.{i}.relu")], f"blocks.{i}")
    x = node("Relu", [conv("expand", x)], "expand.relu")
    logits = conv("pool.b", node("Tanh", [conv("pool.a", x)], "tanh"))
    heads, width = config["heads"], config["wide"] // config["heads"]
    weights = node("Unsqueeze", [node("Softmax", [logits], "softmax", axis=2), constant("two", np.array([2], np.int64))], "weights")
    parts = node("Reshape", [x, constant("parts.shape", np.array([1, heads, width, -1], np.int64))], "parts")
    # (1, heads, frames, 1): sums over frames as products of matrices.
    column = node("Transpose", [weights], "column", perm=[0, 1, 3, 2])
    mean = node("MatMul", [parts, column], "mean")
    square = node("MatMul", [node("Mul", [parts, parts], "squares"), column], "square")
    variance = node("Sub", [square, node("Mul", [mean, mean], "mean.square")], "variance")
    deviation = node("Sqrt", [node("Max", [variance, constant("least", np.float32(1e-5))], "variance.most")], "deviation")
    row = constant("row", np.array([1, config["wide"]], np.int64))
    pooled = node("Concat", [node("Reshape", [mean, row], "means"), node("Reshape", [deviation, row], "deviations")], "pooled", axis=1)
    node("Gemm", [pooled, constant("out.w", tensors["speaker.out.weight"]), constant("out.b", tensors["speaker.out.bias"])], "embedding", transB=1)
    graph = helper.make_graph(
        nodes, "speaker",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, config["mels"], "frames"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, config["dim"]])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, out)
    return config


class Samples(CalibrationDataReader):
    def __init__(self, name, samples):
        self.left = iter({name: x} for x in samples)

    def get_next(self):
        return next(self.left, None)


def quantised(path, out, name, samples, metadata=()):
    """Static quantisation as onnxruntime's own documents advise on x86: QDQ, weights and activations of 8 bits, by channel."""
    prepared = str(out) + ".pre.onnx"
    quant_pre_process(str(path), prepared)
    kinds = dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    quantize_static(prepared, str(out), Samples(name, samples), quant_format=QuantFormat.QDQ, per_channel=True,
                    op_types_to_quantize=["Conv", "MatMul", "Gemm"], **kinds)
    if metadata:
        annotate(out, metadata)
    Path(prepared).unlink()


def annotate(path, metadata):
    model = onnx.load(str(path))
    del model.metadata_props[:]
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, str(path))


def ecapa(out, channels=512):
    """ECAPA-TDNN (Desplanques et al., 2020): (1, frames, 80) to 192. Returns what sherpa-onnx wants to know of it."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, dilation, scale=8, bottleneck=128):
            super().__init__()
            width = channels // scale
            self.width = width
            self.enter, self.leave = conv(channels, channels), conv(channels, channels)
            self.inner = nn.ModuleList(conv(width, width, 3, dilation) for _ in range(scale - 1))
            self.squeeze = nn.Sequential(nn.Conv1d(channels, bottleneck, 1), nn.ReLU(), nn.Conv1d(bottleneck, channels, 1), nn.Sigmoid())

        def forward(self, x):
            parts, done, last = torch.split(self.enter(x), self.width, 1), [], 0
            for i, inner in enumerate(self.inner):
                last = inner(parts[i] if i == 0 else parts[i] + last)
                done.append(last)
            y = self.leave(torch.cat(done + [parts[-1]], 1))
            return x + y * self.squeeze(y.mean(2, keepdim=True))

    def conv(a, b, taps=1, dilation=1):
        return nn.Sequential(nn.Conv1d(a, b, taps, dilation=dilation, padding=dilation * (taps // 2)), nn.ReLU(), nn.BatchNorm1d(b))

    class Ecapa(nn.Module):
        def __init__(self, wide=1536, hidden=128, dim=192):
            super().__init__()
            self.front = conv(80, channels, 5)
            self.blocks = nn.ModuleList(Block(d) for d in (2, 3, 4))
            self.merge = nn.Sequential(nn.Conv1d(3 * channels, wide, 1), nn.ReLU())
            self.attention = nn.Sequential(nn.Conv1d(3 * wide, hidden, 1), nn.Tanh(), nn.Conv1d(hidden, wide, 1))
            self.norm, self.out = nn.BatchNorm1d(2 * wide), nn.Linear(2 * wide, dim)

        def forward(self, feats):
            x = self.front(feats.transpose(1, 2))
            outs = []
            for block in self.blocks:
                x = block(x)
                outs.append(x)
            x = self.merge(torch.cat(outs, 1))
            mean = x.mean(2, keepdim=True)
            spread = ((x * x).mean(2, keepdim=True) - mean * mean).clamp_min(1e-7).sqrt()
            w = torch.softmax(self.attention(torch.cat([x, mean.expand_as(x), spread.expand_as(x)], 1)), 2)
            mean = (w * x).sum(2)
            spread = ((w * x * x).sum(2) - mean * mean).clamp_min(1e-7).sqrt()
            return self.out(self.norm(torch.cat([mean, spread], 1)))

    torch.manual_seed(1)
    net = Ecapa().eval()
    with torch.no_grad():
        torch.onnx.export(net, (torch.randn(1, 200, 80),), str(out), input_names=["feats"], output_names=["embs"],
                          dynamic_axes={"feats": {0: "batch", 1: "frames"}, "embs": {0: "batch"}}, opset_version=17, dynamo=False)
    metadata = dict(framework="wespeaker", language="English", url="", comment="random weights", sample_rate=16000, output_dim=192,
                    normalize_samples=0, feature_normalize_type="global-mean", window_type="povey")
    annotate(out, metadata)
    return metadata


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
