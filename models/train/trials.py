#!/usr/bin/env python3
"""Make calibration trials from the corpora that `train.py` never sees: audio through telephone channels, and a VoxCeleb-format list.

    trials.py --pool POOL [--pool MORE] --background POOL --out DIR

Each person gives one enrolment (about 15 s where there is that much) and up to three probes of other words, cut to 2-12 s. One side in
four stays wide-band; the others pass a room, noise, a device and a codec as in training. Every enrolment meets every probe of its own corpus and round:
people of other corpora differ by microphone and language too, and would make impostors look easy.
"""
import argparse, os
import numpy as np, soundfile as sf, soxr
import prepare as P
from train import CALIBRATION_CORPORA, held_out

def channel(x, rng):
    """-> (samples, rate): wide-band as recorded, or a telephone call at 8 kHz."""
    if rng.random() < .25: return P.device(x, rng) if rng.random() < .5 else x, 16000
    if rng.random() < .4: x = P.room(x, rng, P.G['rooms'])
    if rng.random() < .5: x = P.noisy(x, rng, P.G['noise'], P.G['babble'])
    names = [n for n in P.CODECS if n != 'none']; w = np.array([P.CODECS[n] for n in names])
    y = P.codec(P.device(x, rng), rng.choice(names, p=w / w.sum()), rng)
    return soxr.resample(y, 16000, 8000).astype(np.float32), 8000

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--pool', action='append', required=True); a.add_argument('--background', action='append', default=[])
    a.add_argument('--out', required=True); a.add_argument('--seed', type=int, default=5)
    a.add_argument('--rounds', type=int, default=4, help='times that everybody is enrolled and probed, by other words and channels')
    a.add_argument('--all', action='store_true', help='also the held-out people of the training corpora')
    a = a.parse_args(); rng = np.random.default_rng(a.seed)
    units, noise, rooms = P.scan(a.pool)
    if a.background: _, n, r = P.scan(a.background); noise, rooms = noise + n, rooms + r
    P.start(units, noise, rooms)
    people, whole = {}, a.all or not any(u['corpus'] in CALIBRATION_CORPORA for u in units)
    for i, u in enumerate(units):
        if held_out(u['speaker'], u['corpus']) and (whole or u['corpus'] in CALIBRATION_CORPORA): people.setdefault(u['speaker'], []).append(i)
    enrolments, probes = [], []
    for turn in range(a.rounds):
        for number, (speaker, own) in enumerate(sorted(people.items())):
            own = list(rng.permutation(own))
            if len(own) < 2: continue
            who = f'h{number:04d}'; os.makedirs(os.path.join(a.out, who), exist_ok=True)
            take, seconds = [], 0.0
            while len(own) > 1 and seconds < 15: take.append(own.pop()); seconds += units[take[-1]]['seconds']
            groups = [('e', take)] + [(f'p{k}', [own.pop() for _ in range(min(len(own), int(rng.integers(1, 3))))]) for k in range(3) if own]
            for name, ids in groups:
                if not ids: continue
                x = np.concatenate([P.clean(units[i], 1.0) for i in ids])
                if name != 'e': x = x[:int(16000 * rng.uniform(2, 12))]
                y, sr = channel(np.clip(x, -1, 1).astype(np.float32), rng)
                path = f'{who}/{turn}{name}.flac'
                sf.write(os.path.join(a.out, path), np.clip(y, -1, 1), sr, format='FLAC', subtype='PCM_16')
                (enrolments if name == 'e' else probes).append((who, turn, path, units[ids[0]]['corpus']))
    count = 0
    with open(os.path.join(a.out, 'all.trials'), 'w') as f:
        for who, turn, e, corpus in enrolments:
            for other, also, p, place in probes:
                if (place, also) == (corpus, turn): f.write(f'{int(who == other)} {e} {p}\n'); count += 1
    print(f'{len(enrolments)} enrolments, {len(probes)} probes, {count} trials')

if __name__ == '__main__':
    main()
