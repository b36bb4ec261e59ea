#!/usr/bin/env python3
"""Fits what a model's similarities mean, and writes it as the JSON that `vouch` reads.

    vouch eval LIST --scores whole.tsv; vouch eval LIST --max-speech 5 --scores 5s.tsv
    calibrate.py whole.tsv 5s.tsv --model-id HEX --id NAME --out default.calibration.json [--check OTHER.tsv]

The files are tab-separated with a heading; columns, in any order, others ignored:
    label             1 for the same person, 0 for two
    cosine            the similarity (with --as-norm N, the column as_norm: normalised against the N nearest cohort speakers); NA for none
    probe_net_s       net speech of the probe, in seconds
    enrol_net_s       net speech of the enrolment, in seconds
    enrolment, probe  the paths; the person is the --speaker-part'th part, as in `vouch eval`
The people must be ones that the network never heard. The net speech should cover what will be met (cut probes to 3, 5, 10, 30 s): the
fit knows nothing outside. With --check, the table of measured rates comes from those trials, of yet other people, instead of
from the trials that were fitted.

The maths, for a similarity x with net speech p and e (engine/src/score/calibration.rs computes the same):
    llr  = slope x + (b + bp / p + be / e)
    z    = (x - mean) / sigma,   mean = m + mp / p + me / e,   ln sigma = s + sp / p + se / e
    FMR  = Q(sinh(tail_weight asinh(z))),  Q the normal survival function
    score = 30 - 20 log10 FMR up to FMR 0.1, from there straight down to 0 at FMR 1

`llr` is logistic regression, classes weighted for a prior of 0.1: Cllr judges all thresholds and is best served by 0.5, the detection
cost at p_target 0.01 by 0.01; between the two neither loses much. The FMR is fitted by maximum likelihood to the upper 10 % of the
nontargets only, or as many as make 200 (the others count as "below"): scores from 50 on state rates of at most 10 %, and the lower part must not
bend them. In simulated worlds of 60 and 160 people, fitting the upper 30 % instead made the rate at 90 half of what was stated, and varied more. Priors hold what few trials cannot tell: ln tail_weight is normal(0, 0.3), and the tail's dependence on net speech stays near that of the whole.
"""
import argparse, csv, json, sys
import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

TAIL_SHARE, LEAST_TAIL, PRIOR, TAIL_SD, SIDE_SD = 0.10, 200, 0.1, 0.3, 0.3
MIN_TAIL, MAX_TAIL = 0.3, 3.0
THRESHOLDS = [0, 10, 20, 30, 40] + list(range(50, 101, 5))
REPLICATES = 1000

class Trials:
    def __init__(self, label, x, probe_s, enrol_s, enrol, probe):
        self.target = np.asarray(label).astype(bool)
        self.x, self.p, self.e = (np.asarray(v, float) for v in (x, probe_s, enrol_s))
        people, ids = np.unique(np.concatenate([enrol, probe]), return_inverse=True)
        self.enrol, self.probe, self.people = ids[:len(enrol)], ids[len(enrol):], len(people)
        for name, v in (('similarity', self.x), ('probe_net_s', self.p), ('enrol_net_s', self.e)):
            if not np.isfinite(v).all():
                sys.exit(f'{name}: not finite')
        if (self.p <= 0).any() or (self.e <= 0).any():
            sys.exit('net speech must be above 0')
        if not (self.target.any() and (~self.target).any()):
            sys.exit('both target and nontarget trials are needed')
        if ((self.enrol == self.probe) != self.target).any():
            sys.exit('labels and speakers contradict each other')

    @staticmethod
    def read(paths, column, part):
        columns = {'label': int, column: float, 'probe_net_s': float, 'enrol_net_s': float, 'enrolment': str, 'probe': str}
        found = {name: [] for name in columns}
        for path in paths:
            with open(path, newline='') as f:
                rows = list(csv.DictReader(f, delimiter='\t'))
            if not rows:
                sys.exit(f'{path}: no trials')
            missing = set(columns) - set(rows[0])
            if missing:
                sys.exit(f'{path}: no column {", ".join(sorted(missing))}')
            for name, kind in columns.items():
                found[name] += [kind(r[name]) for r in rows if r[column] != 'NA']    # a failure to acquire has no score
        person = lambda path: (path.split('/')[part - 1:part] or [path])[0] or path
        people = [[person(path) for path in found[side]] for side in ('enrolment', 'probe')]
        return Trials(found['label'], found[column], found['probe_net_s'], found['enrol_net_s'], *people)

    def side(self, terms):
        return terms[0] + terms[1] / self.p + terms[2] / self.e

    def pairs(self):
        """Number of different pairs of people among the nontargets."""
        n = ~self.target
        return len(np.unique(np.sort(np.stack([self.enrol[n], self.probe[n]]), 0), axis=1).T)

def fit_llr(t):
    """(slope, [b, bp, be])"""
    logit = np.log(PRIOR / (1 - PRIOR))
    scale = np.array([1, (1 / t.p).mean(), (1 / t.e).mean()])           # so that all parameters are of one size
    def cost(v):
        llr = np.exp(v[0]) * t.x + t.side(v[1:] / scale) + logit
        fit = PRIOR * np.logaddexp(0, -llr[t.target]).mean() + (1 - PRIOR) * np.logaddexp(0, llr[~t.target]).mean()
        return fit + 1e-5 * (v[2:] ** 2).sum()
    gap = t.x[t.target].mean() - t.x[~t.target].mean()
    spread = t.x[~t.target].std()
    slope = max(gap, 1e-3) / spread ** 2
    v = minimize(cost, [np.log(slope), -slope * t.x.mean(), 0, 0], method='BFGS', options={'maxiter': 2000}).x
    return np.exp(v[0]), v[1:] / scale

def shape(z, weight):
    """The normal deviate whose survival is the FMR, and the log of its slope."""
    a = np.arcsinh(z)
    return np.sinh(weight * a), np.log(weight) + np.log(np.cosh(weight * a)) - 0.5 * np.log1p(z * z)

def fit_survival(t):
    """([m, mp, me], [s, sp, se], tail_weight)"""
    n = Trials.__new__(Trials)
    n.x, n.p, n.e = t.x[~t.target], t.p[~t.target], t.e[~t.target]
    scale = np.array([1, (1 / n.p).mean(), (1 / n.e).mean()])
    unit = n.x.std()
    terms = lambda v: (n.side(v[:3] * unit / scale), n.side(v[3:6] / scale))
    def whole(v):
        mean, log_sigma = terms(v)
        return (0.5 * ((n.x - mean) / np.exp(log_sigma)) ** 2 + log_sigma).mean() + 1e-4 * (v[[1, 2, 4, 5]] ** 2).sum()
    first = minimize(whole, [n.x.mean() / unit, 0, 0, np.log(unit), 0, 0], method='BFGS', options={'maxiter': 2000}).x
    mean, log_sigma = terms(first)
    share = min(max(TAIL_SHARE, LEAST_TAIL / len(n.x)), 0.3)
    cut = mean + np.exp(log_sigma) * np.quantile((n.x - mean) / np.exp(log_sigma), 1 - share)
    above = n.x > cut
    count = len(n.x)
    def tail(v):
        mean, log_sigma = terms(v)
        weight = np.exp(np.clip(v[6], np.log(MIN_TAIL), np.log(MAX_TAIL)))
        q, log_slope = shape((np.where(above, n.x, cut) - mean) / np.exp(log_sigma), weight)
        loss = -np.where(above, norm.logpdf(q) + log_slope - log_sigma, norm.logcdf(q)).sum()
        prior = 0.5 * (v[6] / TAIL_SD) ** 2 + 0.5 * (((v[[1, 2, 4, 5]] - first[[1, 2, 4, 5]]) / SIDE_SD) ** 2).sum()
        return (loss + prior) / count
    best = minimize(tail, np.append(first, 0.0), method='Nelder-Mead', options={'maxiter': 20000, 'maxfev': 20000, 'adaptive': True}).x
    best = minimize(tail, best, method='BFGS', options={'maxiter': 2000}).x
    weight = float(np.exp(np.clip(best[6], np.log(MIN_TAIL), np.log(MAX_TAIL))))
    return best[:3] * unit / scale, best[3:6] / scale, weight

def clamped(t, least):
    c = Trials.__new__(Trials)
    c.__dict__.update(t.__dict__)
    c.p, c.e = np.maximum(t.p, least[0]), np.maximum(t.e, least[1])
    return c

def fmr_of(t, survival, least):
    mean, log_sigma, weight = survival
    c = clamped(t, least)
    return norm.sf(shape((c.x - c.side(mean)) / np.exp(c.side(log_sigma)), weight)[0])

def score_of(fmr):
    with np.errstate(divide='ignore'):
        return np.clip(np.where(fmr <= 0.1, 30 - 20 * np.log10(fmr), 50 * (1 - fmr) / 0.9), 0, 100)

def stated(threshold):
    return 10 ** ((30 - threshold) / 20) if threshold >= 50 else 1 - 0.9 * threshold / 50

def table(t, score, smallest_fmr, seed=1):
    bins = np.floor(score).astype(int)
    shares = lambda w, mask: np.cumsum(np.bincount(bins[mask], w[mask], 101)[::-1])[::-1] / w[mask].sum()  # share at or above
    one, rng = np.ones(len(bins)), np.random.default_rng(seed)
    fmr, match = shares(one, ~t.target), shares(one, t.target)
    samples = []
    while len(samples) < REPLICATES:
        m = np.bincount(rng.integers(t.people, size=t.people), minlength=t.people).astype(float)
        w = np.where(t.enrol == t.probe, m[t.enrol], m[t.enrol] * m[t.probe])
        if w[t.target].sum() and w[~t.target].sum():
            samples.append((shares(w, ~t.target), 1 - shares(w, t.target)))
    low, high = np.quantile(np.array(samples), [0.025, 0.975], axis=0)
    rows = []
    for k in THRESHOLDS:
        row = {'threshold': k}
        for name, count_name, mask, value, i in (('fmr', 'false_matches', ~t.target, fmr[k], 0), ('fnmr', 'false_nonmatches', t.target, 1 - match[k], 1)):
            total = int(mask.sum())
            count = round(value * total)
            lo, hi = min(low[i][k], value), max(high[i][k], value)
            if count == 0:
                hi = max(hi, min(3 / total, 1))                          # rule of three
            if count == total:
                lo = min(lo, max(1 - 3 / total, 0))
            clip = lambda v: round(float(np.clip(v, 0, 1)), 7)
            row |= {count_name: count, name: clip(count / total), name + '_interval': [clip(lo), clip(hi)]}
        row['extrapolated'] = bool(stated(k) < smallest_fmr)
        rows.append(row)
    return rows

def calibrate(t, check, model_id, name, kind):
    slope, offset = fit_llr(t)
    survival = fit_survival(t)
    least = (float(np.quantile(t.p, 0.01)), float(np.quantile(t.e, 0.01)))
    smallest = 3 / t.pairs()
    tested = check or t
    score = score_of(fmr_of(tested, survival, least))
    side = lambda v: {'base': float(v[0]), 'per_probe': float(v[1]), 'per_enrol': float(v[2])}
    return {
        'format': 'vouch-calibration', 'version': 1, 'id': name, 'model_id': model_id, 'kind': kind,
        'llr': {'slope': float(slope), 'offset': side(offset)},
        'survival': {'mean': side(survival[0]), 'log_sigma': side(survival[1]), 'tail_weight': survival[2]},
        'domain': {'least_probe_s': max(round(least[0], 2), 0.1), 'least_enrol_s': max(round(least[1], 2), 0.1), 'smallest_fmr': smallest,
                   'targets': int(tested.target.sum()), 'nontargets': int((~tested.target).sum()), 'speakers': int(tested.people)},
        'table': table(tested, score, smallest),
    }, score

def report(t, score, out):
    """What is stated against what is measured, for all trials and by the probe's net speech."""
    edges = np.unique(np.quantile(t.p, [0, 0.25, 0.5, 0.75, 1]))
    groups = [('all', np.ones(len(t.p), bool))]
    groups += [(f'{a:.1f}-{b:.1f} s', (t.p >= a) & (t.p <= b)) for a, b in zip(edges, edges[1:])]
    print(f'{"probe":>14} {"threshold":>9} {"stated FMR":>10} {"measured":>9} {"ratio":>6} {"false/all":>14} {"FNMR":>7}', file=out)
    for name, g in groups:
        for k in (50, 70, 90, 95):
            n, y = g & ~t.target, g & t.target
            if n.any() and y.any():
                wrong = int((score[n] >= k).sum())
                got = wrong / n.sum()
                print(f'{name:>14} {k:>9} {stated(k):>10.5f} {got:>9.5f} {got / stated(k):>6.2f} {wrong:>7}/{n.sum():<6} {(score[y] < k).mean():>7.3f}', file=out)

def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('scores', nargs='+'); a.add_argument('--out', required=True); a.add_argument('--model-id', required=True)
    a.add_argument('--id', required=True); a.add_argument('--check', nargs='+'); a.add_argument('--speaker-part', type=int, default=1)
    a.add_argument('--as-norm', type=int, metavar='N')
    a = a.parse_args()
    if len(a.model_id) != 32 or set(a.model_id) - set('0123456789abcdef'):
        sys.exit('--model-id: 32 lower-case hexadecimal digits')
    column, kind = ('as_norm', {'as_norm': {'top_n': a.as_norm}}) if a.as_norm else ('cosine', 'cosine')
    t = Trials.read(a.scores, column, a.speaker_part)
    check = Trials.read(a.check, column, a.speaker_part) if a.check else None
    fit, score = calibrate(t, check, a.model_id, a.id, kind)
    report(check or t, score, sys.stderr)
    with open(a.out, 'w') as f:
        f.write(to_json(fit))

def to_json(fit):
    """Indented, with each row of the table and each small object on one line."""
    rows = fit['table']
    text = json.dumps(fit | {'table': []}, indent=2, allow_nan=False)
    lines = ',\n'.join('    ' + json.dumps(r, allow_nan=False) for r in rows)
    return text.replace('"table": []', '"table": [\n' + lines + '\n  ]') + '\n'

if __name__ == '__main__':
    main()
