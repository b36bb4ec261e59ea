#!/usr/bin/env python3
"""Speaker networks of the three architectures that `vouch model import` is tested with, with random weights, as ONNX graphs, and what
onnxruntime makes of them.

    onnx_speakers.py OUT            small ones, with golden embeddings: testdata/golden/onnx
    onnx_speakers.py OUT --full     of the published size; then VOUCH_ONNX=OUT cargo test --release -p models --features onnx --test onnx agrees

ResNet34 (He et al. 2016, as in WeSpeaker: 2-D blocks of 3, 4, 6, 3, statistics over time), ECAPA-TDNN (Desplanques et al. 2020) and
CAM++ (Wang et al. 2023), written from the papers. Input: (1, frames, 80) log-mel, output: (1, dim).
Needs torch, onnx, onnxruntime, numpy.
"""
import argparse, json, os
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

MELS = 80

def stats(x, eps=1e-7):
    return torch.cat([x.mean(-1), torch.sqrt(x.var(-1, unbiased=True) + eps)], 1)

class Basic(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.a, self.an = nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o)
        self.b, self.bn = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.skip = nn.Sequential() if s == 1 and i == o else nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))
    def forward(self, x):
        return F.relu(self.bn(self.b(F.relu(self.an(self.a(x))))) + self.skip(x))

class ResNet34(nn.Module):
    def __init__(self, width=32, dim=256):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        layers, i = [], width
        for n, (count, stride) in enumerate([(3, 1), (4, 2), (6, 2), (3, 2)]):
            for k in range(count):
                layers.append(Basic(i, width << n, stride if k == 0 else 1)); i = width << n
        self.layers = nn.Sequential(*layers)
        self.out = nn.Linear(i * (MELS // 8) * 2, dim)
    def forward(self, x):
        return self.out(stats(self.layers(self.stem(x.permute(0, 2, 1).unsqueeze(1))).flatten(1, 2)))

class Tdnn(nn.Module):
    def __init__(self, i, o, k=1, d=1):
        super().__init__()
        self.c, self.n, self.p = nn.Conv1d(i, o, k, dilation=d), nn.BatchNorm1d(o), d * (k - 1) // 2
    def forward(self, x):
        return self.n(F.relu(self.c(F.pad(x, (self.p, self.p), mode='reflect') if self.p else x)))

class SeRes2(nn.Module):
    def __init__(self, c, k, d, scale=8):
        super().__init__()
        self.first, self.last, self.scale = Tdnn(c, c), Tdnn(c, c), scale
        self.parts = nn.ModuleList(Tdnn(c // scale, c // scale, k, d) for _ in range(scale - 1))
        self.down, self.up = nn.Conv1d(c, max(c // 4, 8), 1), nn.Conv1d(max(c // 4, 8), c, 1)
    def forward(self, x):
        pieces = torch.chunk(self.first(x), self.scale, 1); y = [pieces[0]]
        for n, part in enumerate(self.parts):
            y.append(part(pieces[n + 1] if n == 0 else pieces[n + 1] + y[-1]))
        y = self.last(torch.cat(y, 1))
        return x + y * torch.sigmoid(self.up(F.relu(self.down(y.mean(-1, keepdim=True)))))

class Ecapa(nn.Module):
    def __init__(self, c=512, dim=192):
        super().__init__()
        self.first = Tdnn(MELS, c, 5)
        self.blocks = nn.ModuleList(SeRes2(c, 3, d) for d in (2, 3, 4))
        self.join = Tdnn(3 * c, 3 * c)
        self.att, self.att2 = Tdnn(9 * c, 128), nn.Conv1d(128, 3 * c, 1)
        self.norm, self.out = nn.BatchNorm1d(6 * c), nn.Linear(6 * c, dim)
    def forward(self, x):
        x = self.first(x.transpose(1, 2)); outs = []
        for b in self.blocks:
            x = b(x); outs.append(x)
        x = self.join(torch.cat(outs, 1))
        m, s = x.mean(-1, keepdim=True), torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-9)
        w = torch.softmax(self.att2(torch.tanh(self.att(torch.cat([x, m.expand_as(x), s.expand_as(x)], 1)))), -1)
        m = (w * x).sum(-1); s = torch.sqrt((w * x * x).sum(-1).sub(m * m).clamp(min=1e-9))
        return self.out(self.norm(torch.cat([m, s], 1)))

class Cam(nn.Module):
    """Context-aware masking: a mask from the mean of the utterance and of segments of 100 frames."""
    def __init__(self, i, o, k, d, hidden):
        super().__init__()
        self.local = nn.Conv1d(i, o, k, padding=d * (k - 1) // 2, dilation=d, bias=False)
        self.down, self.up = nn.Conv1d(i, hidden, 1), nn.Conv1d(hidden, o, 1)
    def forward(self, x):
        seg = F.avg_pool1d(x, 100, 100, ceil_mode=True)
        seg = seg.unsqueeze(-1).expand(-1, -1, -1, 100).reshape(seg.shape[0], seg.shape[1], -1)[..., :x.shape[-1]]
        return self.local(x) * torch.sigmoid(self.up(F.relu(self.down(x.mean(-1, keepdim=True) + seg))))

class DenseLayer(nn.Module):
    def __init__(self, i, growth, k, d, bottleneck):
        super().__init__()
        self.n1, self.l1, self.n2 = nn.BatchNorm1d(i), nn.Conv1d(i, bottleneck, 1, bias=False), nn.BatchNorm1d(bottleneck)
        self.cam = Cam(bottleneck, growth, k, d, max(bottleneck // 2, 4))
    def forward(self, x):
        return torch.cat([x, self.cam(F.relu(self.n2(self.l1(F.relu(self.n1(x))))))], 1)

class CamPlus(nn.Module):
    def __init__(self, width=32, channels=128, growth=32, dim=192, depth=(12, 24, 16)):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Sequential(Basic(width, width, (2, 1)), Basic(width, width, 1), Basic(width, width, (2, 1)), Basic(width, width, 1))
        self.fold = nn.Sequential(nn.Conv2d(width, width, 3, (2, 1), 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        i = width * (MELS // 8)
        self.tdnn = nn.Sequential(nn.Conv1d(i, channels, 5, 2, 2, bias=False), nn.BatchNorm1d(channels), nn.ReLU())
        rest, i = [], channels
        for count, dilation in zip(depth, (1, 2, 2)):
            for _ in range(count):
                rest.append(DenseLayer(i, growth, 3, dilation, 4 * growth)); i += growth
            rest += [nn.BatchNorm1d(i), nn.ReLU(), nn.Conv1d(i, i // 2, 1, bias=False)]; i //= 2
        self.rest, self.norm, self.out = nn.Sequential(*rest), nn.BatchNorm1d(i), nn.Linear(2 * i, dim)
    def forward(self, x):
        x = self.fold(self.head(self.stem(x.transpose(1, 2).unsqueeze(1))))
        x = F.relu(self.norm(self.rest(self.tdnn(x.flatten(1, 2)))))
        return self.out(stats(x))

SMALL = dict(resnet34=lambda: ResNet34(4, 32), ecapa=lambda: Ecapa(32, 32), campplus=lambda: CamPlus(4, 16, 4, 32, (3, 4, 3)))
FULL = dict(resnet34=ResNet34, ecapa=Ecapa, campplus=CamPlus)

def settle(net):
    """Random weights, with the running statistics of batch norm as after training: those of its own inputs."""
    net.train()
    for m in net.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            m.momentum = 0.5; nn.init.uniform_(m.weight, .5, 1.5); nn.init.uniform_(m.bias, -.3, .3)
    with torch.no_grad():
        for _ in range(8): net(3 * torch.randn(4, 200, MELS).cumsum(1) / 10 + torch.randn(4, 200, MELS))
    return net.eval()

def signal(frames):
    """What the tests make as well: (frames, 80), the mean of each bin taken off as the engine does."""
    i = np.arange(frames * MELS, dtype=np.int64)
    x = ((((i * i * 31 + i * 17) % 1009) - 504) / 100 + ((i % MELS) * (i // MELS % 37)) % 11).astype(np.float32).reshape(frames, MELS)
    return (x - x.astype(np.float64).mean(0).astype(np.float32)).astype(np.float32)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('out'); a.add_argument('--full', action='store_true'); a = a.parse_args()
    import onnxruntime as ort
    os.makedirs(a.out, exist_ok=True); golden = {}
    for seed, (name, make) in enumerate((FULL if a.full else SMALL).items()):
        torch.manual_seed(seed); net = settle(make()); path = os.path.join(a.out, name + '.onnx')
        torch.onnx.export(net, torch.randn(1, 200, MELS), path, input_names=['feats'], output_names=['embs'], dynamo=False,
                          dynamic_axes={'feats': {0: 'B', 1: 'T'}, 'embs': {0: 'B'}}, opset_version=17)
        session, cases = ort.InferenceSession(path, providers=['CPUExecutionProvider']), []
        for frames in (50, 137, 400):
            y = session.run(None, {'feats': signal(frames)[None]})[0][0]
            cases.append(dict(frames=frames, embedding=[float(f'{v:.7g}') for v in y / np.linalg.norm(y)]))
        golden[name] = cases
        print(name, os.path.getsize(path), 'bytes, cosine of two inputs', float(np.dot(*(c['embedding'] for c in cases[1:]))))
    with open(os.path.join(a.out, 'onnxruntime.json'), 'w') as f: json.dump(golden, f, separators=(',', ':'))

if __name__ == '__main__': main()
