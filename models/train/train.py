#!/usr/bin/env python3
"""Train the speaker network on feature copies made by `prepare.py`.

    train.py --data DIR [--data MORE] --out RUN --steps N [--minutes M]

Loss: additive-angular-margin softmax over people x speeds, plus the cosine to the teacher's centred embedding of the clean side.
Two corpora and one person in twenty of the others take no part (`held_out`). A checkpoint is written every `--save` steps and the
run continues from it; new feature copies are picked up as they appear. `--minutes` ends the schedule by wall time of training instead.
"""
import argparse, glob, hashlib, json, math, os, time
import numpy as np, torch, torch.nn.functional as F
import net

# Corpora that no training sees: what a score means is fitted on them, because a caller's telephone is never one of the training corpora's.
CALIBRATION_CORPORA = ('an4', 'coswara76')

def held_out(speaker, corpus):
    """No part in training: everybody of the calibration corpora, and one person in twenty of the others, to watch training by."""
    return corpus in CALIBRATION_CORPORA or int(hashlib.sha256(speaker.encode()).hexdigest(), 16) % 20 == 0

class Data:
    """Feature copies of one or more prepared folders, memory-mapped; classes are (speaker, speed)."""
    def __init__(self, folders, teacher):
        self.folders, self.teacher, self.copies, self.seen = folders, [], [], set()
        self.units, names = [], set()
        for f in folders:
            meta = json.load(open(os.path.join(f, 'units.json')))
            self.units.append([u['speaker'] for u in meta['units']]); self.speeds = len(meta['speeds'])
            names |= {u['speaker'] for u in meta['units'] if not held_out(u['speaker'], u['corpus'])}
            path = os.path.join(f, 'teacher.npy')           # a folder without one trains by labels alone
            self.teacher.append(np.load(path) if teacher and os.path.exists(path) else None)
        self.train_names = sorted(names)
        self.class_of = {n: i for i, n in enumerate(self.train_names)}
        if any(t is not None for t in self.teacher):
            every = np.concatenate([t[[i for i, n in enumerate(u) if n in self.class_of]].reshape(-1, t.shape[-1]) for t, u in zip(self.teacher, self.units) if t is not None])
            self.centre = every[np.linalg.norm(every, axis=1) > 0].mean(0)
        self.refresh()
    def refresh(self):
        for k, folder in enumerate(self.folders):
            for d in sorted(glob.glob(os.path.join(folder, 'copy*'))):
                if d in self.seen or not os.path.exists(os.path.join(d, 'index.npy')): continue
                self.seen.add(d)
                idx = np.load(os.path.join(d, 'index.npy')); who = [self.units[k][u] for u in idx[:, 0]]
                keep = np.array([w in self.class_of for w in who]) & (idx[:, 3] >= 120)
                cls = np.array([self.class_of.get(w, -1) for w in who]) * self.speeds + idx[:, 1]
                self.copies.append((k, np.load(os.path.join(d, 'feat.npy'), mmap_mode='r'), np.load(os.path.join(d, 'mask.npy'), mmap_mode='r'), idx[keep], cls[keep]))
        # people weigh by the square root of their material, so that a few with hours do not drown the rest
        if not self.copies: return
        count = np.bincount(np.concatenate([c[4] // self.speeds for c in self.copies]), minlength=len(self.train_names)) + 1e-9
        self.prob = []
        for c in self.copies:
            w = 1 / np.sqrt(count[c[4] // self.speeds]); self.prob.append(np.cumsum(w))
        self.copy_prob = np.array([p[-1] for p in self.prob]); self.copy_prob /= self.copy_prob.sum()
    def person_means(self, share):
        """Moves every teacher target towards the mean of its class: what one clip says by chance goes, the person stays."""
        centres = self.class_centres(256).numpy()
        for teacher, people in zip(self.teacher, self.units):
            if teacher is None: continue
            for u, name in enumerate(people):
                if name not in self.class_of: continue
                for s in range(self.speeds):
                    v = teacher[u, s] - self.centre
                    if teacher[u, s].any(): teacher[u, s] = self.centre + (1 - share) * v / np.linalg.norm(v) + share * centres[self.class_of[name] * self.speeds + s]
    def class_centres(self, dim):
        """Where the teacher puts each class, (classes, dim): a head that starts there pulls from the first step. Random without a teacher."""
        c = np.random.default_rng(0).standard_normal((len(self.train_names) * self.speeds, dim)).astype(np.float32) * 0.1
        for teacher, people in zip(self.teacher, self.units):
            if teacher is None: continue
            for u, name in enumerate(people):
                if name not in self.class_of: continue
                for s in range(self.speeds):
                    v = teacher[u, s] if teacher[u, s].any() else teacher[u, 0]
                    if v.any():
                        v = v - self.centre; c[self.class_of[name] * self.speeds + s] += v / np.linalg.norm(v)
        return torch.from_numpy(c / np.linalg.norm(c, axis=1, keepdims=True))
    def batch(self, rng, size, frames):
        x = np.zeros((size, frames, 48), np.float32); m = np.zeros((size, frames), np.float32)
        y = np.zeros(size, np.int64); t = np.zeros((size, 256), np.float32)
        for i, c in enumerate(rng.choice(len(self.copies), size, p=self.copy_prob)):
            k, feat, mask, idx, cls = self.copies[c]
            j = int(np.searchsorted(self.prob[c], rng.random() * self.prob[c][-1]))
            u, s, at, n = idx[j]
            if n > frames:
                for _ in range(4):
                    o = int(rng.integers(n - frames + 1))
                    if mask[at + o:at + o + frames].mean() > .5: break
            else: o = 0
            take = min(n, frames)
            x[i, :take] = feat[at + o:at + o + take]; m[i, :take] = mask[at + o:at + o + take]
            if take < frames:                                  # short ones repeat
                reps = -(-frames // take)
                x[i] = np.tile(x[i, :take], (reps, 1))[:frames]; m[i] = np.tile(m[i, :take], reps)[:frames]
            y[i] = cls[j]
            if self.teacher[k] is not None:
                v = self.teacher[k][u, s]
                if v.any():
                    v = v - self.centre; t[i] = v / np.linalg.norm(v)
        return torch.from_numpy(x), torch.from_numpy(m), torch.from_numpy(y), torch.from_numpy(t)

def perturb(x, g):
    """Cheap feature-domain changes: a smooth channel curve, coloured noise added in power, band edges, frequency masks."""
    B, T, M = x.shape
    curve = F.interpolate(torch.randn(B, 1, 6, generator=g) * 0.6, size=M, mode='linear', align_corners=True)
    x = x + curve
    on = (torch.rand(B, 1, 1, generator=g) < .35).float()
    level = x.amax((1, 2), keepdim=True) - (3 + 5 * torch.rand(B, 1, 1, generator=g))
    shape = F.interpolate(torch.randn(B, 1, 5, generator=g) * 1.2, size=M, mode='linear', align_corners=True)
    noise = level + shape + 0.7 * torch.randn(B, T, M, generator=g)
    x = torch.where(on.bool(), torch.logaddexp(x, noise - 3), x)
    for b in torch.nonzero(torch.rand(B, generator=g) < .3).flatten().tolist():
        w = int(torch.randint(1, 8, (1,), generator=g)); f = int(torch.randint(0, M - w, (1,), generator=g))
        x[b, :, f:f + w] = x[b].mean()
    return x

class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal (Jordan et al., 2024) for weight matrices: each step turns all directions alike, not the loudest."""
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group['params']:
                state = self.state[p]
                m = state.setdefault('m', torch.zeros_like(p)); m.lerp_(p.grad, 1 - group['momentum'])
                x = p.grad.lerp(m, group['momentum']).flatten(1); tall = x.shape[0] > x.shape[1]
                if tall: x = x.T
                x = (x / (x.norm() + 1e-7)).bfloat16()
                for _ in range(5):
                    s = x @ x.T; x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
                x = (x.T if tall else x).float().reshape(p.shape)
                p.mul_(1 - group['lr'] * group['weight_decay']).add_(x, alpha=-group['lr'] * max(1, len(p) / p[0].numel()) ** 0.5)

class Head(torch.nn.Module):
    """Additive angular margin (Deng et al., 2019) with k sub-centres.

    Centres start long (norm of about sqrt(dim)): Adam moves every weight by the learning rate, and short centres of rare classes
    would be turned at random by the faint gradients of other people's crops.
    """
    def __init__(self, dim, classes, k=1, scale=30.0):
        super().__init__()
        self.k, self.scale = k, scale
        self.w = torch.nn.Parameter(torch.randn(classes * k, dim))
    def forward(self, e, y, margin):
        c = (F.normalize(e) @ F.normalize(self.w).T).reshape(len(e), -1, self.k).amax(2).clamp(-1 + 1e-6, 1 - 1e-6)
        one = F.one_hot(y, c.shape[1]).bool()
        th = torch.acos(c[one]); cm = torch.cos(torch.clamp(th + margin, max=math.pi))
        return F.cross_entropy(self.scale * c.masked_scatter(one, cm), y)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--data', action='append', required=True); a.add_argument('--out', required=True)
    a.add_argument('--family', default='TdnnF'); a.add_argument('--config', default='{}')
    a.add_argument('--steps', type=int, default=6000); a.add_argument('--minutes', type=float)
    a.add_argument('--batch', type=int, default=64); a.add_argument('--lr', type=float, default=2e-3)
    a.add_argument('--matrix-lr', type=float, default=0.02, help='learning rate of the weight matrices, which Muon turns'); a.add_argument('--person-mean', type=float, default=0.5)
    a.add_argument('--precision', choices=('bf16', 'f32'), default='bf16'); a.add_argument('--warmup', type=int, default=100)
    a.add_argument('--margin', type=float, default=0.25); a.add_argument('--labels', type=float, default=1.0); a.add_argument('--distil', type=float, default=15.0)
    a.add_argument('--save', type=int, default=100); a.add_argument('--seed', type=int, default=1)
    a.add_argument('--threads', type=int); a.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu'); a.add_argument('--init')
    a.add_argument('--min-frames', type=int, default=100); a.add_argument('--max-frames', type=int, default=350)
    a = a.parse_args()
    if a.threads: torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed); os.makedirs(a.out, exist_ok=True)
    data = Data(a.data, a.distil > 0)
    model = getattr(net, a.family)(**json.loads(a.config)).to(a.device)
    head = Head(model.config['dim'], len(data.train_names) * data.speeds).to(a.device)
    if a.person_mean: data.person_means(a.person_mean)
    head.w.data.copy_(8 * data.class_centres(model.config['dim']).repeat_interleave(head.k, 0))
    sample = np.concatenate([np.asarray(c[1][::997], np.float32)[np.asarray(c[2][::997], bool)] for c in data.copies])
    model.prior.copy_(torch.from_numpy(sample.mean(0))); model.scale.fill_(float(1 / sample.std(0).mean()))
    decay, plain = [], []
    for n, p in model.named_parameters(): (decay if p.ndim > 1 and 'taps' not in n else plain).append(p)
    plain += head.parameters()
    opts = [Muon(decay, a.matrix_lr, weight_decay=0.02), torch.optim.AdamW(plain, lr=a.lr, betas=(0.9, 0.98), weight_decay=0)]
    ema = {k: v.clone() for k, v in model.state_dict().items()}
    step, spent, path = 0, 0.0, os.path.join(a.out, 'checkpoint.pt')
    if os.path.exists(path):
        c = torch.load(path, weights_only=False)
        model.load_state_dict(c['model']); head.load_state_dict(c['head']); [o.load_state_dict(v) for o, v in zip(opts, c['opt'])]; ema, step, spent = c['ema'], c['step'], c['spent']
    elif a.init:
        c = torch.load(a.init, weights_only=False)
        model.load_state_dict(c['ema']); ema = {k: v.clone() for k, v in model.state_dict().items()}
        if c['names'] == data.train_names: head.load_state_dict(c['head'])
    def save():
        torch.save(dict(model=model.state_dict(), head=head.state_dict(), opt=[o.state_dict() for o in opts], ema=ema, step=step, spent=spent, names=data.train_names,
                        family=a.family, config=model.config, args=vars(a)), path + '.tmp'); os.replace(path + '.tmp', path)
    print(f'{sum(p.numel() for p in model.parameters())} parameters, {len(data.train_names)} people, {len(data.copies)} copies, from step {step}', flush=True)
    log, last = [], time.time()
    while True:
        done = spent / (60 * a.minutes) if a.minutes else step / a.steps
        if done >= 1: break
        rng = np.random.default_rng([a.seed, step]); g = torch.Generator().manual_seed(a.seed * 1000003 + step)
        if step % 50 == 0: data.refresh()
        frames = 2 * int(rng.integers(a.min_frames // 2, a.max_frames // 2 + 1)); size = max(8, int(a.batch * 225 / frames))
        x, m, y, t = (v.to(a.device) for v in data.batch(rng, size, frames))
        x = perturb(x, g) if a.device == 'cpu' else perturb(x.cpu(), g).to(a.device)
        rate = min(1, (step + 1) / a.warmup) * min(1, (1 - done) / 0.6) + 0.002           # level, then down in a line
        for o, base in zip(opts, (a.matrix_lr, a.lr)):
            for p in o.param_groups: p['lr'] = base * rate
        with torch.autocast(a.device, dtype=torch.bfloat16, enabled=a.precision == 'bf16'): e = model(x, m)
        e = e.float()
        has = t.abs().sum(1) > 0
        kd = (1 - (F.normalize(e) * t).sum(1))[has].mean() if a.distil > 0 else e.new_zeros(())
        ce = head(e, y, a.margin * min(1, done / 0.3)) if a.labels > 0 else e.new_zeros(())
        loss = a.labels * ce + a.distil * kd
        for o in opts: o.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain, 5.0)
        for o in opts: o.step()
        d = min(0.998, (step + 1) / (step + 20))
        for k, v in model.state_dict().items():
            if v.dtype.is_floating_point: ema[k].mul_(d).add_(v, alpha=1 - d)
            else: ema[k].copy_(v)
        step += 1; now = time.time(); spent += now - last; last = now
        log.append((float(ce.detach()), float(kd.detach())))
        if step % 50 == 0:
            c, k = np.mean(log, 0); log = []
            print(f'step {step} done {done:.3f} labels {c:.3f} teacher-cos {1 - k:.4f} rate {rate:.3f} {spent / 60:.1f} min copies {len(data.copies)}', flush=True)
        if step % a.save == 0: save(); last = time.time()
    save(); print('finished', flush=True)

if __name__ == '__main__':
    main()
