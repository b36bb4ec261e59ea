#!/usr/bin/env python3
"""Make embeddings vary alike in all directions within a person, and fold that into the network's last layer.

    whiten.py RUN/checkpoint.pt --data DIR [--data MORE] --out RUN/whitened.pt

WCCN (Hatch et al., 2006): z = W (e - mean), W W' the inverse of the training people's within-class covariance S + share * trace(S) / dim * I. The share
is the one of SHARES, or no whitening at all, with the lowest EER between crops of the held-out people of the training corpora. The
last layer is linear, so the network computes z for nothing.
"""
import argparse
import numpy as np, torch, torch.nn.functional as F
import net, train
from measure import metrics

SHARES = (0.03, 0.1, 0.3, 1.0, 3.0)

def embed(model, data, rng, crops, frames=300):
    E, Y = [], []
    with torch.no_grad():
        while sum(map(len, E)) < crops:
            x, m, y, _ = data.batch(rng, 200, frames); E.append(model(x, m).numpy()); Y.append(y.numpy())
    return np.concatenate(E).astype(np.float64), np.concatenate(Y)

def within(E, Y):
    """Mean and within-class covariance; classes with one crop tell nothing of it."""
    mean, order = E.mean(0), np.argsort(Y, kind='stable')
    E, Y = (E - mean)[order], Y[order]
    _, first, count = np.unique(Y, return_index=True, return_counts=True)
    d = (E - np.repeat(np.add.reduceat(E, first) / count[:, None], count, 0)) * np.sqrt(np.repeat(count / np.maximum(count - 1, 1), count))[:, None]
    d = d[np.repeat(count > 1, count)]
    return mean, d.T @ d / len(d)

def eer(E, Y, corpus):
    z = E / np.linalg.norm(E, axis=1, keepdims=True); s = z @ z.T
    pair = np.triu(corpus[:, None] == corpus[None], 1)
    return metrics(s[pair], (Y[:, None] == Y[None])[pair].astype(int))[0]

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('checkpoint'); a.add_argument('--data', action='append', required=True); a.add_argument('--out', required=True)
    a.add_argument('--crops', type=int, default=12000); a.add_argument('--seed', type=int, default=9)
    a = a.parse_args(); rng = np.random.default_rng(a.seed)
    c = torch.load(a.checkpoint, weights_only=False, map_location='cpu')
    model = getattr(net, c['family'])(**c['config']); model.load_state_dict(c['ema']); model.eval()
    E, Y = embed(model, train.Data(a.data, False), rng, a.crops)
    mean, S = within(E, Y)
    rule = train.held_out
    train.held_out = lambda speaker, corpus: corpus in train.CALIBRATION_CORPORA or not rule(speaker, corpus)
    others = train.Data(a.data, False)
    train.held_out = rule
    H, K = embed(model, others, rng, 3000)
    keep = K % others.speeds == 0                       # people as they are, not sped up
    H, K = H[keep], K[keep]
    corpus = np.array([others.train_names[k // others.speeds].split(':')[0] for k in K])
    def matrix(share):
        w, V = np.linalg.eigh(S + share * np.trace(S) / len(S) * np.eye(len(S)))
        return V @ np.diag(w ** -0.5) @ V.T
    found = [(eer(H, K, corpus), None, np.eye(len(S)), np.zeros(len(S)))]
    found += [(eer((H - mean) @ matrix(s), K, corpus), s, matrix(s), mean) for s in SHARES]
    for e, s, _, _ in found: print(f'share {s}: EER {e:.2f} % between {len(H)} crops of {len(set(K))} held-out people')
    _, share, W, mean = min(found, key=lambda f: f[0])
    ema = c['ema']; A, b = ema['out.weight'].double().numpy(), ema['out.bias'].double().numpy()
    ema['out.weight'], ema['out.bias'] = torch.from_numpy(W @ A).float(), torch.from_numpy(W @ (b - mean)).float()
    torch.save(dict(ema=ema, family=c['family'], config=c['config'], step=c['step'], spent=c['spent'], names=c['names'], args=c['args'], whitened=share), a.out)
    print(f'wrote {a.out}, share {share}')

if __name__ == '__main__':
    main()
