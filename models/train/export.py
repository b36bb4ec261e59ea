#!/usr/bin/env python3
"""Write a `.vouch` container and golden activations from checkpoints of `train.py` and `vad.py`.

    export.py SPEAKER_CHECKPOINT VAD_CHECKPOINT OUT.vouch [--golden DIR] [--about KEY=TEXT ...]

Batch norm is folded into the linear maps; matrices are stored in half precision, and the golden activations are computed from the
rounded weights, so the engine must reproduce them to within float rounding. The golden input is synthetic and seeded.
"""
import argparse, hashlib, json, os, struct
import numpy as np, torch, torch.nn.functional as F
import features, net

def fold(affine):
    """Linear without bias, then batch norm -> weight, bias."""
    bn = affine.bn; s = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    return affine.lin.weight * s[:, None], bn.bias - bn.running_mean * s

def plain(model, config):
    """-> {name: tensor} of a folded network."""
    t = {'prior': model.prior, 'scale': model.scale}
    if isinstance(model, net.BandTdnnF): t['narrow_prior'] = model.narrow_prior
    def put(name, wb): t[name + '.weight'], t[name + '.bias'] = wb
    if isinstance(model, net.TdnnF):
        put('front', fold(model.front)); put('expand', fold(model.expand))
        for i, b in enumerate(model.blocks): put(f'blocks.{i}.down', fold(b.down)); put(f'blocks.{i}.up', fold(b.up))
        for n in 'ab': l = getattr(model.pool, n); put('pool.' + n, (l.weight, l.bias))
        bn = model.out_bn; s = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        put('out', (model.out.weight * s[None], model.out.bias + model.out.weight @ (bn.bias - bn.running_mean * s)))
    else:
        for i, l in enumerate(model.layers): put(f'layers.{i}', fold(l))
        put('out', (model.out.weight, model.out.bias))
    return {k: v.detach().float().numpy() for k, v in t.items()}

def load(path):
    c = torch.load(path, weights_only=False, map_location='cpu')
    m = getattr(net, c['family'])(**c['config']); m.load_state_dict(c['ema']); m.eval()
    config = dict(c['config'])
    if c['family'] in ('TdnnF', 'BandTdnnF'): config.update(cmn_prior_frames=net.CMN_PRIOR_FRAMES, cmn_max_frames=net.CMN_MAX_FRAMES)
    return m, dict(family=c['family'], config=config)

def write(path, networks, tensors, about):
    entries, blob = [], b''
    for name in sorted(tensors):
        x = tensors[name]; half = x.ndim == 2 and name != 'cohort'
        data = x.astype('<f2' if half else '<f4').tobytes()
        entries.append(dict(name=name, dtype='f16' if half else 'f32', shape=list(x.shape), offset=len(blob)))
        blob += data + b'\0' * (-len(data) % 64)
    front = dict(samp_freq=features.SAMP_FREQ, frame_length_ms=25, frame_shift_ms=10, num_mel_bins=features.NUM_MEL_BINS,
                 low_freq=features.LOW_FREQ, high_freq=features.HIGH_FREQ, preemph_coeff=features.PREEMPH, window_type='povey')
    start = 0
    for _ in range(4):                                        # the header's length depends on the offsets and they on it
        head = json.dumps(dict(networks=networks, front_end=front, about=about, tensors=[dict(e, offset=e['offset'] + start) for e in entries]), separators=(',', ':')).encode()
        start = -(-(16 + len(head)) // 64) * 64
    body = b'VOUCHNET' + struct.pack('<II', 1, len(head)) + head
    body += b'\0' * (start - len(body)) + blob
    tmp = path + '.tmp'; open(tmp, 'wb').write(body + hashlib.sha256(body).digest()); os.replace(tmp, path)

def round_half(model, wb):
    """The network that the container holds: folded, rounded, as a function of its own that records every layer."""
    w = {k: torch.from_numpy(v.astype(np.float16).astype(np.float32) if v.ndim == 2 else v) for k, v in wb.items()}
    def affine(name, x, offsets=(0,), stride=1, act=None):
        y = net.splice(x, offsets, stride) @ w[name + '.weight'].T + w[name + '.bias']
        return act(y) if act else y
    return w, affine

def log_odds(detector, X):
    """What the container's detector says of frames (1, T, mels), and how far that is from the checkpoint's."""
    w, affine = round_half(*detector)
    h = (detector[0].levelled(X) - w['prior']) * w['scale']
    for i, l in enumerate(detector[0].layers): h = affine(f'layers.{i}', h, l.offsets, act=torch.relu)
    y = affine('out', h)
    return y, float((y[..., 0] - detector[0](X)).abs().max())

def golden(speaker, detector, folder):
    os.makedirs(folder, exist_ok=True)
    r = np.random.default_rng(42); T = 301
    env = np.clip(np.sin(np.arange(T) / 9.0) + 0.6 * r.standard_normal(T), -1, 1)[:, None]
    tilt = np.linspace(2, -2, 48)[None] * (1 + 0.5 * np.sin(np.arange(T) / 17.0))[:, None]
    x = np.round(12 + 3 * env + tilt + r.standard_normal((T, 48)), 3).astype(np.float32)
    speech = (np.arange(T) > 20) & ((np.arange(T) // 37) % 4 != 3)
    w, affine = round_half(*speaker); X, S = torch.from_numpy(x)[None], torch.from_numpy(speech.astype(np.float32))[None]
    model = speaker[0]; layers = {}
    def front(X, S, wide):
        """The front layer's input: normalised bins, and for a network with ears for wide-band audio what lies above and the flag."""
        if 'narrow_prior' not in w: return net.causal_cmn(X, S, w['prior']) * w['scale'], None
        h = net.causal_cmn(X, S, w['prior' if wide else 'narrow_prior']) * w['scale']
        return h, F.pad(F.pad(h, (0, len(w['prior']) - h.shape[-1])), (0, 1), value=float(wide))
    h, padded = front(X, S, False); layers['cmn'] = h; h = h if padded is None else padded
    h = affine('front', h, (-2, -1, 0, 1, 2), 2, torch.relu); layers['front'] = h
    for i, d in enumerate(model.config['dilations']):
        h = h + affine(f'blocks.{i}.up', affine(f'blocks.{i}.down', h, (-d, 0, d)), act=torch.relu); layers[f'blocks.{i}'] = h
    h = affine('expand', h, act=torch.relu); layers['expand'] = h
    logit = affine('pool.b', affine('pool.a', h, act=torch.tanh)); layers['logits'] = logit
    a = torch.exp(logit - logit.amax(1, keepdim=True)) * S[:, ::2].unsqueeze(-1); a = (a / a.sum(1, keepdim=True)).unsqueeze(-1)
    g = h.reshape(1, h.shape[1], model.pool.heads, -1)
    mean = (a * g).sum(1); std = ((a * g * g).sum(1) - mean * mean).clamp_min(1e-5).sqrt()
    pooled = torch.cat([mean.reshape(1, -1), std.reshape(1, -1)], 1); layers['pooled'] = pooled[None]
    e = affine('out', pooled[None])[0, 0]; layers['embedding'] = (e / e.norm())[None, None]
    banded = isinstance(model, net.BandTdnnF)
    whole = model(F.pad(X, (0, model.config['mels'] - X.shape[-1])), S, torch.zeros(1)) if banded else model(X, S)
    close = float(F.cosine_similarity(e, whole[0], dim=0))
    layers['log_odds'], off = log_odds(detector, X)
    print(f'folding and rounding: cosine to the checkpoint {close:.7f}, log-odds within {off:.4f}'); assert close > 0.9999 and off < 0.1
    keep = [0, 1, 2, 7, 50, 90, 148, 149, 150]                # a few frames of each layer keep the file small
    out = dict(num_frames=T, speech=[int(v) for v in speech], log_mel=[round(float(v), 3) for v in x.reshape(-1)], frames=keep, layers={})
    for name, v in layers.items():
        v = v[0].detach().numpy(); rows = range(len(v)) if name in ('pooled', 'embedding', 'log_odds') else [k for k in keep if k < len(v)]
        out['layers'][name] = dict(frames=list(rows), values=[[float(f'{z:.6g}') for z in v[k]] for k in rows])
    if banded:
        mels = model.config['mels']; above = np.round(8 + 2 * env + r.standard_normal((T, mels - 48)), 3).astype(np.float32)
        X = torch.from_numpy(np.concatenate([x, above], 1))[None]; e = model(X, S, torch.ones(1))[0]; e = e / e.norm()
        out['wide'] = dict(above=[round(float(v), 3) for v in above.reshape(-1)], embedding=[float(f'{z:.6g}') for z in e.numpy()])
    json.dump(out, open(os.path.join(folder, 'default.json'), 'w'), separators=(',', ':'))

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('speaker'); a.add_argument('vad'); a.add_argument('out'); a.add_argument('--golden'); a.add_argument('--about', action='append', default=[])
    a = a.parse_args()
    (speaker, sn), (vad, vn) = load(a.speaker), load(a.vad)
    ps, pv = plain(speaker, sn), plain(vad, vn)
    tensors = {**{'speaker.' + k: v for k, v in ps.items()}, **{'detector.' + k: v for k, v in pv.items()}}
    write(a.out, dict(speaker=sn, detector=vn), tensors, dict(x.split('=', 1) for x in a.about))
    print(a.out, os.path.getsize(a.out), 'bytes')
    if a.golden:
        with torch.no_grad(): golden((speaker, ps), (vad, pv), a.golden)

if __name__ == '__main__':
    main()
