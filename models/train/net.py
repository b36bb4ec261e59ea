"""The speaker network and its normaliser: the PyTorch side of `models/src/tdnnf.rs`.

Everything here has a finite receptive field or is a running sum, so that the engine can stream it.
Time runs along axis 1: tensors are (batch, frames, channels). Convolutions are matrix products over shifted frames.
"""
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

CMN_PRIOR_FRAMES = 50.0     # weight of the training mean before the first speech frame
CMN_MAX_FRAMES = 1000.0     # the running mean forgets beyond 10 s of speech

def causal_cmn(x, speech, prior):
    """Subtracts the running mean of the speech frames so far, this one included. x (B,T,M), speech (B,T) 0/1, prior (M,)."""
    s = speech.unsqueeze(-1)
    total = torch.cumsum(x * s, 1) + CMN_PRIOR_FRAMES * prior
    count = torch.cumsum(s, 1) + CMN_PRIOR_FRAMES
    return x - total / count            # crops are shorter than CMN_MAX_FRAMES, so no forgetting here

def splice(x, offsets, stride=1):
    """Frames at t+offset side by side, zero beyond the ends: (B,T,C) -> (B,ceil(T/stride),C*len(offsets))."""
    t, pad = x.shape[1], max(abs(o) for o in offsets)
    p = F.pad(x, (0, 0, pad, pad))
    return torch.cat([p[:, pad + o:pad + o + t:stride] for o in offsets], -1)

class Affine(nn.Module):
    """Linear over spliced frames, batch norm (export folds it into the linear map), ReLU."""
    def __init__(self, cin, cout, offsets=(0,), stride=1, relu=True):
        super().__init__()
        self.offsets, self.stride, self.relu = offsets, stride, relu
        self.lin = nn.Linear(cin * len(offsets), cout, bias=False)
        self.bn = nn.BatchNorm1d(cout, momentum=0.02)
    def forward(self, x):
        y = self.lin(splice(x, self.offsets, self.stride) if self.offsets != (0,) or self.stride != 1 else x)
        y = self.bn(y.reshape(-1, y.shape[-1])).reshape(y.shape)
        return torch.relu(y) if self.relu else y

class Block(nn.Module):
    """TDNN-F layer: 3 spliced frames -> bottleneck -> channels, ReLU, plus the input (Povey et al., 2018)."""
    def __init__(self, channels, bottleneck, dilation):
        super().__init__()
        self.down = Affine(channels, bottleneck, (-dilation, 0, dilation), relu=False)
        self.up = Affine(bottleneck, channels)
    def forward(self, x):
        return x + self.up(self.down(x))

class Pool(nn.Module):
    """Attentive statistics (Okabe et al., 2018) with frame-local logits, so that numerator and denominator are running sums."""
    def __init__(self, channels, heads, hidden):
        super().__init__()
        self.heads = heads
        self.a, self.b = nn.Linear(channels, hidden), nn.Linear(hidden, heads)
    def forward(self, x, speech):
        B, T, C = x.shape
        logit = self.b(torch.tanh(self.a(x)))
        w = torch.exp(logit - logit.amax(1, keepdim=True).detach()) * speech.unsqueeze(-1) + 1e-9
        w = (w / w.sum(1, keepdim=True)).unsqueeze(-1)                 # (B,T,heads,1)
        h = x.reshape(B, T, self.heads, C // self.heads)
        mean = (w * h).sum(1)
        var = (w * h * h).sum(1) - mean * mean
        return torch.cat([mean.reshape(B, C), var.clamp_min(1e-5).sqrt().reshape(B, C)], 1)

class TdnnF(nn.Module):
    """Log-mel frames (100 per second) -> embedding (dim). Half the frame rate after the first layer."""
    family = 'tdnnf'
    def __init__(self, mels=48, channels=256, bottleneck=128, dilations=(1, 1, 2, 2, 3, 3, 4), wide=512, heads=8, hidden=64, dim=256):
        super().__init__()
        self.config = dict(mels=mels, channels=channels, bottleneck=bottleneck, dilations=list(dilations), wide=wide, heads=heads, hidden=hidden, dim=dim)
        self.register_buffer('prior', torch.zeros(mels)); self.register_buffer('scale', torch.ones(1))
        self.front = Affine(mels, channels, (-2, -1, 0, 1, 2), stride=2)
        self.blocks = nn.ModuleList(Block(channels, bottleneck, d) for d in dilations)
        self.expand = Affine(channels, wide)
        self.pool = Pool(wide, heads, hidden)
        self.out_bn = nn.BatchNorm1d(2 * wide, momentum=0.02)
        self.out = nn.Linear(2 * wide, dim)
    def frames(self, x, speech):
        x = causal_cmn(x, speech, self.prior) * self.scale
        h = self.front(x)
        for b in self.blocks: h = b(h)
        return self.expand(h)
    def forward(self, x, speech):
        return self.out(self.out_bn(self.pool(self.frames(x, speech), speech[:, ::2])))

class BandTdnnF(TdnnF):
    """`TdnnF` with ears for wide-band audio: 48 bins of the telephone's band, 16 above it, and a flag.
    Narrow-band audio has zeros above, a flag of 0 and a prior of its own, for its bins are computed at 8 kHz."""
    family = 'band-tdnnf'
    def __init__(self, mels=64, narrow=48, **more):
        super().__init__(mels=mels, **more)
        self.config['narrow'] = narrow
        self.register_buffer('narrow_prior', torch.zeros(narrow))
        self.front = Affine(mels + 1, self.config['channels'], (-2, -1, 0, 1, 2), stride=2)
    def frames(self, x, speech, band):
        on = band.to(x.dtype).view(-1, 1, 1); above = torch.arange(x.shape[-1]) >= self.config['narrow']
        prior = torch.where(on > 0, self.prior, F.pad(self.narrow_prior, (0, x.shape[-1] - len(self.narrow_prior))))
        x = causal_cmn(x, speech, prior) * self.scale
        x = torch.cat([torch.where(above, x * on, x), on.expand(-1, x.shape[1], 1)], -1)
        h = self.front(x)
        for b in self.blocks: h = b(h)
        return self.expand(h)
    def forward(self, x, speech, band):
        return self.embed(self.frames(x, speech, band), speech)
    def embed(self, frames, speech):
        return self.out(self.out_bn(self.pool(frames, speech[:, ::2])))

class DepthwiseBlock(nn.Module):
    """ConvNeXt block in one dimension (Heo et al., NeXt-TDNN, 2024), batch norm for layer norm: depthwise taps, expand, ReLU, project, plus the input."""
    def __init__(self, channels, hidden, dilation, taps=7):
        super().__init__()
        self.offsets = tuple(dilation * (k - taps // 2) for k in range(taps))
        self.taps = nn.Parameter(torch.randn(taps, channels) * taps ** -0.5)
        self.bn = nn.BatchNorm1d(channels, momentum=0.02)
        self.up, self.down = Affine(channels, hidden), Affine(hidden, channels, relu=False)
    def forward(self, x):
        y = sum(splice(x, (o,)) * w for o, w in zip(self.offsets, self.taps))
        y = self.bn(y.reshape(-1, y.shape[-1])).reshape(y.shape)
        return x + self.down(self.up(y))

class NextTdnn(TdnnF):
    """The same front, pooling and output around ConvNeXt blocks."""
    family = 'nexttdnn'
    def __init__(self, mels=48, channels=256, hidden=384, dilations=(1, 1, 2, 2, 3), wide=512, heads=8, hidden_pool=64, dim=256):
        super().__init__(mels, channels, 1, (), wide, heads, hidden_pool, dim)
        self.config = dict(mels=mels, channels=channels, hidden=hidden, dilations=list(dilations), wide=wide, heads=heads, hidden_pool=hidden_pool, dim=dim)
        self.blocks = nn.ModuleList(DepthwiseBlock(channels, hidden, d) for d in dilations)

class Plane(nn.Module):
    """3 x 3 convolution over time and frequency, batch norm, ReLU, plus the input where the shape stays."""
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride=(1, stride), padding=1, bias=False); self.bn = nn.BatchNorm2d(cout, momentum=0.02)
        self.same = cin == cout and stride == 1
    def forward(self, x):
        y = torch.relu(self.bn(self.conv(x)))
        return x + y if self.same else y

class PlaneTdnn(TdnnF):
    """ReDimNet-like (Yakovlev et al., 2024): a stem over time and frequency, its channels and bands side by side as one dimension, TDNN-F blocks."""
    family = 'planetdnn'
    def __init__(self, mels=48, channels=256, bottleneck=112, dilations=(1, 2, 2, 3, 4), planes=(8, 16), wide=512, heads=8, hidden=64, dim=256):
        super().__init__(mels, channels, bottleneck, dilations, wide, heads, hidden, dim)
        self.config = dict(mels=mels, channels=channels, bottleneck=bottleneck, dilations=list(dilations), planes=list(planes), wide=wide, heads=heads, hidden=hidden, dim=dim)
        a, b = planes
        self.stem = nn.Sequential(Plane(1, a, 1), Plane(a, a, 1), Plane(a, b, 2), Plane(b, b, 1))
        self.front = Affine(mels // 2 * b, channels, (-1, 1), stride=2)
    def frames(self, x, speech):
        x = causal_cmn(x, speech, self.prior) * self.scale
        y = self.stem(x.unsqueeze(1))                                   # (B, planes, T, bands)
        h = self.front(y.permute(0, 2, 1, 3).reshape(x.shape[0], x.shape[1], -1))
        for b in self.blocks: h = b(h)
        return self.expand(h)

class VadNet(nn.Module):
    """Speech or not, per frame: log-odds. Looks 11 frames ahead and about a second back. Hears frames relative to how loud it was lately,
    so that level does not matter, and how much their spectrum changes, which a voice's does and a machine's and a chord's does not."""
    family = 'vad'
    # The running loudness is the largest of a smoothed power that falls by so much a frame (5 dB a second); frames count down to `range` below it.
    LOUDNESS = dict(first_bin=4, rise=0.1, fall=0.0115, floor=10.5, range=10.0)
    # Shares of a loud frame in the mean spectra that a frame is held against, and in the mean of the last of these changes.
    CHANGE = dict(rates=[0.1, 0.03], smooth=0.02, range=8.0)
    CHANGE_SCALE = 4.0          # brings changes, about 2 nats in speech, to the spread of the bins
    def __init__(self, mels=48, channels=32, loudness=None, change=None):
        super().__init__()
        self.loudness, self.change = loudness or self.LOUDNESS, change or self.CHANGE
        self.config = dict(mels=mels, channels=channels, loudness=self.loudness, change=self.change)
        inputs = mels + len(self.change['rates']) + 1
        self.register_buffer('prior', torch.zeros(inputs)); self.register_buffer('scale', torch.ones(1))
        spans = ((-2, -1, 0, 1, 2), (-3, 0, 3), (-6, 0, 6), (-12, -6, 0), (-24, -12, 0), (-48, -24, 0))
        self.layers = nn.ModuleList(Affine(inputs if i == 0 else channels, channels, o) for i, o in enumerate(spans))
        self.out = nn.Linear(channels, 1)
    def levelled(self, x, before=0.0):
        """(B, T, mels) log-mel frames -> frames less the running loudness, and their changes; `before` is the peak power that was heard before."""
        c, x = self.loudness, x.numpy(); power = np.exp(x[..., c['first_bin']:]).sum(-1, dtype=np.float64)
        now = np.zeros(len(x)); peak = np.maximum(before, np.exp(c['floor'])) * np.ones(len(x)); level = np.zeros(power.shape)
        for t in range(power.shape[1]):
            now += c['rise'] * (power[:, t] - now)
            peak = np.maximum(np.maximum(now, peak * np.exp(-c['fall'])), np.exp(c['floor'])); level[:, t] = np.log(peak)
        x = np.maximum(x - level[..., None].astype(np.float32), np.float32(-c['range']))
        c = self.change; share = np.exp(x); total = share.sum(-1); share /= total[..., None]; loud = np.minimum(total, 1).astype(np.float32)
        shape = np.maximum(x - np.log(total)[..., None], np.float32(-c['range']))
        means = [np.full((len(x), x.shape[-1]), -np.log(x.shape[-1]), np.float32) for _ in c['rates']]; mean = np.full(len(x), 1.5)
        out = np.zeros((*x.shape[:2], len(means) + 1))
        for t in range(x.shape[1]):
            for i, rate in enumerate(c['rates']):
                off = shape[:, t] - means[i]; out[:, t, i] = (share[:, t] * np.abs(off)).sum(-1)
                means[i] += np.float32(rate) * loud[:, t, None] * off
            mean += c['smooth'] * loud[:, t] * (out[:, t, len(means) - 1] - mean); out[:, t, -1] = mean
        return torch.from_numpy(np.concatenate([x, (self.CHANGE_SCALE * out).astype(np.float32)], -1))
    def forward(self, x, before=0.0):
        return self.judge(self.levelled(x, before))
    def judge(self, x):
        h = (x - self.prior) * self.scale
        for l in self.layers: h = l(h)
        return self.out(h).squeeze(-1)
