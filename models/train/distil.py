#!/usr/bin/env python3
"""Train the speaker network on a teacher's targets: shards that `voices.py` makes, for as long as there is time.

    distil.py --data DIR --out RUN --minutes M [--from CONTAINER.vouch] [--anneal]

The pupil hears the degraded side. Its loss: the cosine to the centred embedding that the teacher gives the clean wide-band side (half the clip's,
half the voice's), the teacher's frames in 96 principal directions, and, within a batch, whose clip each one is (InfoNCE against the targets).
The rate stays level, so a run has no planned end: it goes on from RUN/checkpoint.pt whenever the command is repeated, and shards are picked
up as they appear. `--anneal` makes of its latest state, in M minutes with the rate falling to zero, RUN/annealed.pt, which is what ships.
`--from` begins with the function of a shipped container, so that training goes on from what has landed on any machine; layers that the container
lacks begin as identities. The gap between people trained on and people watched is printed at every checkpoint.
"""
import argparse, glob, json, os, time
import numpy as np, torch, torch.nn.functional as F
import net
from train import Muon

class Shards:
    def __init__(self, folder):
        self.folder, self.seen, self.all = folder, set(), []
        b = np.load(os.path.join(folder, 'basis.npz')); self.centre, self.std = b['centre'], np.sqrt(b['variance'])
        self.watch = self.read(os.path.join(folder, 'watch')); self.refresh()
    def read(self, d):
        s = {k: np.load(os.path.join(d, k + '.npy'), mmap_mode='r') for k in ('feat', 'mask', 'pc')}
        s.update({k: np.load(os.path.join(d, k + '.npy')) for k in ('index', 'emb', 'clips')})
        e = s['emb'].astype(np.float32) - self.centre; e /= np.linalg.norm(e, axis=1, keepdims=True)
        voice = s['clips'][:, 0]; mean = np.zeros((voice.max() + 1, e.shape[1]), np.float32); np.add.at(mean, voice, e); mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        s['clip'] = e; s['target'] = e + mean[voice]; s['target'] /= np.linalg.norm(s['target'], axis=1, keepdims=True)
        s['by_voice'] = [np.flatnonzero(voice[s['index'][:, 0]] == v) for v in range(voice.max() + 1)]
        return s
    def refresh(self):
        for d in sorted(glob.glob(os.path.join(self.folder, 'shard?????'))):
            if d not in self.seen: self.seen.add(d); self.all.append(self.read(d))
    def take(self, s, row, frames, rng):
        """-> features, mask, teacher's directions, band, of one crop; short clips repeat."""
        c, at, n, wide = s['index'][row]; _, pat, pn = s['clips'][c]
        o = 2 * int(rng.integers(max(1, (n - frames) // 2 + 1))) if n > frames else 0
        k = (o + np.arange(frames)) % n if n < frames else o + np.arange(frames)
        return s['feat'][at + k].astype(np.float32), s['mask'][at + k].astype(np.float32), s['pc'][pat + np.minimum(k[::2] // 2, pn - 1)].astype(np.float32), wide
    def batch(self, rng, size, frames):
        """Voices in a row from few shards, two crops each where there are two."""
        rows = []
        while len(rows) < size:
            s = self.all[int(rng.integers(len(self.all)))]
            for v in rng.choice(len(s['by_voice']), 6, replace=False):
                for r in rng.choice(s['by_voice'][v], min(2, len(s['by_voice'][v])), replace=False): rows.append((s, int(r), v))
        return self.gather(rows[:size], frames, rng)
    def gather(self, rows, frames, rng):
        x, m, p, b = zip(*(self.take(s, r, frames, rng) for s, r, _ in rows)); who = {}
        ids = torch.tensor([who.setdefault((id(s), v), len(who)) for s, _, v in rows])
        t = torch.from_numpy(np.stack([s['target'][s['index'][r, 0]] for s, r, _ in rows]))
        return torch.from_numpy(np.stack(x)), torch.from_numpy(np.stack(m)), torch.from_numpy(np.stack(p)), torch.tensor(b), t, ids

def perturb(x, band, g):
    """Cheap changes of features, another at every crop: a smooth channel curve, coloured noise added in power, lost bands."""
    B, T, M = x.shape
    x = x + F.interpolate(torch.randn(B, 1, 8, generator=g) * 0.5, size=M, mode='linear', align_corners=True)
    on = (torch.rand(B, 1, 1, generator=g) < .3)
    noise = x[..., :48].amax((1, 2), keepdim=True) - (6 + 5 * torch.rand(B, 1, 1, generator=g)) + F.interpolate(torch.randn(B, 1, 6, generator=g) * 1.2, size=M, mode='linear', align_corners=True) + 0.7 * torch.randn(B, T, M, generator=g)
    x = torch.where(on, torch.logaddexp(x, noise), x)
    for b in torch.nonzero(torch.rand(B, generator=g) < .25).flatten().tolist():
        w = int(torch.randint(1, 7, (1,), generator=g)); f = int(torch.randint(0, 48 - w, (1,), generator=g)); x[b, :, f:f + w] = x[b, :, :48].mean()
    for b in torch.nonzero((torch.rand(B, generator=g) < .1) & (band > 0)).flatten().tolist(): x[b, :, int(torch.randint(48, M, (1,), generator=g)):] = 0.0     # wide-band audio with nothing up there
    return x

class Pupil(torch.nn.Module):
    def __init__(self, config, directions, temperature=12.0):
        super().__init__()
        self.net = net.BandTdnnF(**config); self.to_teacher = torch.nn.Linear(self.net.config['wide'], directions); self.temperature = temperature
    def forward(self, x, m, p, band, t, ids, std):
        h = self.net.frames(x, m, band); e = F.normalize(self.net.embed(h, m)); w = m[:, ::2][:, :h.shape[1]]
        cos = (e * t).sum(1)
        q = self.to_teacher(h); z = p[:, :h.shape[1]] / std ** .5; fcos = F.cosine_similarity(q, z, dim=-1); frames = 1 - (fcos * w).sum() / w.sum().clamp_min(1)
        logits = self.temperature * e @ t.T; same = (ids[:, None] == ids[None]).float()
        nce = -((same * F.log_softmax(logits, 1)).sum(1) / same.sum(1)).mean()
        return cos, frames, nce

def start_from(model, container, data, rng):
    """Gives `model` the function of a container: batch norms are set from data, so that they undo themselves; what is new adds next to nothing."""
    import struct
    b = open(container, 'rb').read(); head = json.loads(b[16:16 + struct.unpack('<II', b[8:16])[1]]); T = {}
    for e in head['tensors']: T[e['name']] = torch.from_numpy(np.frombuffer(b, '<f2' if e['dtype'] == 'f16' else '<f4', int(np.prod(e['shape'])), e['offset']).astype(np.float32).reshape(e['shape']).copy())
    config, g = head['networks']['speaker']['config'], lambda k: T.get('speaker.' + k)
    wide = config.get('narrow') is not None
    if wide: model.prior.copy_(g('prior').reshape(-1)); model.narrow_prior.copy_(g('narrow_prior').reshape(-1))
    else: model.narrow_prior.copy_(g('prior').reshape(-1))
    model.scale.copy_(g('scale').reshape(-1)); layers = [('front', model.front), ('expand', model.expand)] + [(f'blocks.{i}.{k}', getattr(bl, k)) for i, bl in enumerate(model.blocks) for k in ('down', 'up')]
    for name, x in layers:
        w = g(name + '.weight')
        if w is None:                                                       # a block that the container lacks
            x.folded = None
            if name.endswith('up'): x.bn.weight.data.fill_(0.1)
            continue
        if name == 'front' and not wide:
            full = torch.zeros(len(w), 5, x.lin.weight.shape[1] // 5); full[:, :, :48] = w.reshape(len(w), 5, 48); w = full.flatten(1)
        x.lin.weight.data.copy_(w); x.folded = g(name + '.bias')
    for k in 'ab': l = getattr(model.pool, k); l.weight.data.copy_(g(f'pool.{k}.weight')); l.bias.data.copy_(g(f'pool.{k}.bias'))
    x, m, p, band, *_ = data.batch(rng, 192, 240)
    def settle(self, x):
        y = self.lin(net.splice(x, self.offsets, self.stride) if self.offsets != (0,) or self.stride != 1 else x)
        f = y.reshape(-1, y.shape[-1]); mu, var = f.mean(0), f.var(0, unbiased=False); self.bn.running_mean.copy_(mu); self.bn.running_var.copy_(var)
        if self.folded is None:
            y = (y - mu) / (var + self.bn.eps).sqrt() * self.bn.weight + self.bn.bias; return torch.relu(y) if self.relu else y
        self.bn.weight.data.copy_((var + self.bn.eps).sqrt()); self.bn.bias.data.copy_(mu + self.folded)
        return torch.relu(y + self.folded) if self.relu else y + self.folded
    usual, net.Affine.forward = net.Affine.forward, settle
    with torch.no_grad(): P = model.pool(model.frames(x, m, band), m[:, ::2])
    net.Affine.forward = usual; model.out_bn.running_mean.copy_(P.mean(0)); model.out_bn.running_var.copy_(P.var(0))
    w = g('out.weight')
    if w.shape[0] == model.out.weight.shape[0]:
        s = (model.out_bn.running_var + model.out_bn.eps).sqrt(); model.out.weight.data.copy_(w * s[None]); model.out.bias.data.copy_(g('out.bias') + w @ model.out_bn.running_mean)

def equal_error(scores, same):
    y = np.asarray(same)[np.argsort(scores)]; miss = np.cumsum(y) / y.sum(); fa = 1 - np.cumsum(1 - y) / (1 - y).sum(); i = np.argmin(np.abs(miss - fa)); return 50 * (miss[i] + fa[i])

def look(model, data, s, rows, rng):
    """Cosine to the teacher, and the pupil's EER between voices, over crops of 3 s."""
    model.eval(); E, C = [], []
    with torch.no_grad():
        for k in range(0, len(rows), 32):
            x, m, p, band, t, _ = data.gather([(s_, r, 0) for s_, r in rows[k:k + 32]], 300, rng)
            e = F.normalize(model(x, m, band)); E.append(e)
            C.append((e * torch.from_numpy(np.stack([s_['clip'][s_['index'][r, 0]] for s_, r in rows[k:k + 32]]))).sum(1))
    model.train(); E = torch.cat(E); who = [(id(s_), s_['clips'][s_['index'][r, 0], 0]) for s_, r in rows]; clip = [(id(s_), s_['index'][r, 0]) for s_, r in rows]
    S = (E @ E.T).numpy(); pairs = [(S[i, j], who[i] == who[j]) for i in range(len(rows)) for j in range(i) if clip[i] != clip[j]]
    return float(torch.cat(C).mean()), equal_error([p for p, _ in pairs], [q for _, q in pairs])

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--data', required=True); a.add_argument('--out', required=True); a.add_argument('--minutes', type=float, required=True); a.add_argument('--from', dest='container'); a.add_argument('--anneal', action='store_true')
    a.add_argument('--config', default='{"channels": 256, "bottleneck": 128, "dilations": [1, 1, 2, 2, 3, 3, 4, 5, 6], "dim": 192}')
    a.add_argument('--batch', type=int, default=48); a.add_argument('--lr', type=float, default=2e-3); a.add_argument('--matrix-lr', type=float, default=0.012)
    a.add_argument('--frames-weight', type=float, default=0.5); a.add_argument('--nce-weight', type=float, default=0.1); a.add_argument('--shortest', type=int, default=160); a.add_argument('--longest', type=int, default=300)
    a.add_argument('--save', type=float, default=5, help='minutes'); a.add_argument('--seed', type=int, default=1); a.add_argument('--threads', type=int, default=1); a = a.parse_args()
    torch.set_num_threads(a.threads); torch.manual_seed(a.seed); os.makedirs(a.out, exist_ok=True); path = os.path.join(a.out, 'checkpoint.pt')
    data = Shards(a.data); std = torch.from_numpy(data.std).float(); pupil = Pupil(json.loads(a.config), len(data.std)); model = pupil.net
    bf16 = any(f in open('/proc/cpuinfo').read() for f in ('amx_bf16', 'avx512_bf16')) if os.path.exists('/proc/cpuinfo') else False
    decay, plain = [], []
    for n, p in pupil.named_parameters(): (decay if p.ndim > 1 else plain).append(p)
    opts = [Muon(decay, a.matrix_lr, weight_decay=0.02), torch.optim.AdamW(plain, lr=a.lr, betas=(0.9, 0.98), weight_decay=0)]; step, spent = 0, 0.0
    if os.path.exists(path):
        c = torch.load(path, weights_only=False); pupil.load_state_dict(c['pupil']); [o.load_state_dict(v) for o, v in zip(opts, c['opt'])]; ema, step, spent = c['ema'], c['step'], c['spent']
    else:
        x = np.concatenate([np.asarray(s['feat'][::97], np.float32)[np.asarray(s['mask'][::97])] for s in data.all]); wide = x[:, -1] != 0
        model.prior.copy_(torch.from_numpy(x[wide].mean(0))); model.narrow_prior.copy_(torch.from_numpy(x[~wide, :48].mean(0))); model.scale.fill_(float(1 / x[:, :48].std(0).mean()))
        if a.container: start_from(model, a.container, data, np.random.default_rng(0))
        ema = {k: v.clone() for k, v in model.state_dict().items()}
    print(f'{sum(p.numel() for p in model.parameters())} parameters, {len(data.all)} shards, from step {step}{", bfloat16" if bf16 else ""}', flush=True)
    def save(name='checkpoint.pt'):
        c = dict(ema=ema, step=step, spent=spent, family='BandTdnnF', config=model.config, args=vars(a))
        if name == 'checkpoint.pt': c.update(pupil=pupil.state_dict(), opt=[o.state_dict() for o in opts])
        torch.save(c, os.path.join(a.out, name + '.tmp')); os.replace(os.path.join(a.out, name + '.tmp'), os.path.join(a.out, name))
    watch = [(data.watch, int(r)) for r in np.random.default_rng(0).permutation(len(data.watch['index']))[:400]]
    eyes = net.BandTdnnF(**{k: v for k, v in model.config.items()})
    def report():
        eyes.load_state_dict(ema); rng = np.random.default_rng(5); newest = data.all[:2]
        mine = [(s, int(r)) for s in newest for r in rng.permutation(len(s['index']))[:200]]
        (c0, e0), (c1, e1) = look(eyes, data, None, mine, rng), look(eyes, data, None, watch, rng)
        print(f'step {step}: trained on {c0:.3f} (EER {e0:.1f}), watched {c1:.3f} (EER {e1:.1f}), gap {c0 - c1:.3f}; {len(data.all)} shards, {spent / 60:.0f} min', flush=True)
    report(); begin, last, saved, log, crops = time.time(), time.time(), time.time(), [], 0; first = step
    used = lambda: time.time() - begin if a.anneal else spent            # the level part counts all its runs together
    while used() < 60 * a.minutes:
        done = used() / (60 * a.minutes); rng = np.random.default_rng([a.seed, step]); g = torch.Generator().manual_seed(a.seed * 1000003 + step)
        if step % 20 == 0: data.refresh()
        frames = 2 * int(rng.integers(a.shortest // 2, a.longest // 2 + 1)); size = max(8, int(a.batch * 230 / frames))
        x, m, p, band, t, ids = data.batch(rng, size, frames); x = perturb(x, band, g)
        rate = (1 - done) if a.anneal else min(1, (step + 1) / 100)
        for o, base in zip(opts, (a.matrix_lr, a.lr)):
            for q in o.param_groups: q['lr'] = base * rate
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16): cos, fl, nce = pupil(x, m, p, band, t, ids, std)
        loss = (1 - cos.float()).mean() + a.frames_weight * fl + a.nce_weight * nce
        for o in opts: o.zero_grad()
        loss.backward(); torch.nn.utils.clip_grad_norm_(plain, 1.0)
        for o in opts: o.step()
        d = min(0.998, (step - first + 1) / (step - first + 20))
        for k, v in model.state_dict().items():
            if v.dtype.is_floating_point: ema[k].mul_(d).add_(v, alpha=1 - d)
            else: ema[k].copy_(v)
        step += 1; crops += size; now = time.time(); spent += now - last; last = now; log.append((float(cos.detach().mean()), float(fl.detach()), float(nce.detach())))
        if step % 100 == 0:
            c, f, n = np.mean(log, 0); log = []; print(f'step {step} cos {c:.4f} frames {1 - f:.4f} nce {n:.3f} rate {rate:.3f} {crops / (now - begin):.1f} crops/s {len(data.all)} shards', flush=True)
        if now - saved > 60 * a.save:
            if not a.anneal: save()
            report(); saved = last = time.time()
    if a.anneal: save('annealed.pt')
    else: save()
    report(); print('finished', flush=True)

if __name__ == '__main__':
    main()
