#!/usr/bin/env python3
# /// script
# dependencies = ["numpy", "scipy"]
# ///
"""Writes testdata/golden/metrics/cases.json: sets of scored trials with the statistics that engine::metrics must give.

Everything is computed here from definitions, slowly and in another way than the engine does: thresholds are tried one by one, the best
rising map comes from scipy, and the bootstrap builds each resample with real copies of people.
"""
import json, os
import numpy as np
from scipy.optimize import isotonic_regression

P = 0.01

def rates(s, y, t):
    return np.mean(s[y == 0] >= t), np.mean(s[y == 1] < t)

def statistics(s, y):
    thresholds = np.concatenate([np.unique(s), [np.inf]])
    points = [rates(s, y, t) for t in thresholds]
    gap = [abs(fmr - fnmr) for fmr, fnmr in points]
    fmr, fnmr = points[int(np.argmin(gap))]
    act_fmr, act_fnmr = rates(s, y, np.log((1 - P) / P))
    cost = lambda fmr, fnmr: (P * fnmr + (1 - P) * fmr) / P
    half = lambda x: np.mean(np.logaddexp(0, x)) / np.log(2) / 2
    # The best rising map: isotonic regression of the labels on the score, equal scores pooled first.
    values, group = np.unique(s, return_inverse=True)
    count = np.bincount(group)
    post = isotonic_regression(np.bincount(group, weights=y) / count, weights=count).x[group]
    prior = y.mean()
    with np.errstate(divide='ignore'):
        best = np.log(post) - np.log1p(-post) - np.log(prior) + np.log1p(-prior)
    out = {
        'eer': (fmr + fnmr) / 2,
        'min_dcf': min(cost(*p) for p in points),
        'act_dcf': cost(act_fmr, act_fnmr),
        'cllr': half(-s[y == 1]) + half(s[y == 0]),
        'min_cllr': half(-best[y == 1]) + half(best[y == 0]),
    }
    for t in (-1.0, 0.0, 2.0):
        out[f'fmr_at_{t:g}'], out[f'fnmr_at_{t:g}'] = rates(s, y, t)
    return {k: float(v) for k, v in out.items()}

def bootstrap(s, y, enrol, probe, replicates=2000, seed=7):
    rng = np.random.default_rng(seed)
    people = np.unique(np.concatenate([enrol, probe]))
    out = []
    while len(out) < replicates:
        drawn = rng.choice(people, len(people))
        rows = []
        for i in range(len(s)):
            if enrol[i] == probe[i]:
                rows += [i] * int((drawn == enrol[i]).sum())
            else:
                rows += [i] * int((drawn == enrol[i]).sum() * (drawn == probe[i]).sum())
        if len(set(y[rows])) == 2:
            out.append(statistics(s[rows], y[rows]))
    return {k: [float(np.percentile([o[k] for o in out], q)) for q in (2.5, 97.5)] for k in out[0]}

def population(rng, people, per, target_mean, spread, ties=None):
    """Trials of every person against themselves `per` times and against every other once."""
    rows = []
    bias = rng.normal(0, 0.7, people)
    for a in range(people):
        for b in range(people):
            for _ in range(per if a == b else 1):
                x = rng.normal(target_mean if a == b else -target_mean, spread) + (bias[a] if a == b else 0)
                rows.append((int(a == b), float(np.round(x, ties) if ties is not None else x), a, b))
    return rows

def case(name, rows, intervals=False):
    y, s = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    e, p = np.array([r[2] for r in rows]), np.array([r[3] for r in rows])
    return {'name': name, 'trials': [[r[0], r[1], f'p{r[2]}', f'p{r[3]}'] for r in rows], 'expected': statistics(s, y),
            'intervals': bootstrap(s, y, e, p) if intervals else {}}

rng = np.random.default_rng(2026)
cases = [
    case('apart', [(1, 5.0, 0, 0), (1, 6.0, 1, 1), (0, -5.0, 0, 1), (0, -6.0, 1, 0)]),
    case('reversed', [(1, -5.0, 0, 0), (1, -6.0, 1, 1), (0, 5.0, 0, 1), (0, 6.0, 1, 0)]),
    case('one score', [(1, 1.0, 0, 0), (1, 1.0, 1, 1), (0, 1.0, 0, 1), (0, 1.0, 1, 0), (0, 1.0, 1, 2)]),
    case('one of each', [(1, 0.25, 0, 0), (0, 0.5, 0, 1)]),
    case('many ties', population(rng, 12, 4, 1.0, 1.4, ties=0)),
    case('overlapping', population(rng, 18, 4, 1.2, 1.5), intervals=True),
    case('well apart', population(rng, 14, 3, 4.0, 1.6)),
]
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../golden/metrics/cases.json')
with open(out, 'w') as f:
    f.write('{"cases": [\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]}\n')
for c in cases:
    print(c['name'], len(c['trials']), {k: round(v, 4) for k, v in c['expected'].items()})
