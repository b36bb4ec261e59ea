#!/usr/bin/env python3
"""From a tree of speech to a network that `vouch` loads, in one command.

    recipe.py --pool SPEECH [--pool MORE] --out DIR [--minutes 120] [--copies 6] [--vouch PROGRAM]

SPEECH is a `speaker/utterance` tree of audio, or a folder with a `manifest.csv` (see `prepare.py`). DIR gets `model.vouch`, its
`calibration.json`, golden activations, and `card.md`, a draft of the model card. Every step keeps what it finished: stop it and run
the same command again, and it goes on where it was. Needs ffmpeg (codecs) and fluidsynth (music for the speech detector), both Debian
packages; a GPU is used where PyTorch finds one.
"""
import argparse, collections, json, os, shutil, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))

def step(done, name, *command):
    """Runs a script of this folder, or a program, unless `done` is there."""
    if os.path.exists(done):
        print(f'{name}: already done', flush=True); return
    print(f'{name}: {" ".join(map(str, command))}', flush=True)
    start = time.time()
    if str(command[0]).endswith('.py'): command = (sys.executable, os.path.join(HERE, command[0]), *command[1:])
    subprocess.run([str(c) for c in command], check=True)
    print(f'{name}: {(time.time() - start) / 60:.1f} min', flush=True)

def card(out, pools):
    """What the card can say without a person: the rest is to be written."""
    import torch
    c = torch.load(os.path.join(out, 'run/checkpoint.pt'), weights_only=False, map_location='cpu')
    units = json.load(open(os.path.join(out, 'data/units.json')))['units']
    people, seconds = collections.defaultdict(set), collections.Counter()
    for u in units: people[u['corpus']].add(u['speaker']); seconds[u['corpus']] += u['seconds']
    describe = subprocess.run([out_vouch, 'model', 'describe', '--model', os.path.join(out, 'model.vouch'), '--calibration', os.path.join(out, 'calibration.json')],
                              capture_output=True, text=True).stdout
    rows = '\n'.join(f'| {k} | (licence) | (language) | {len(v)} | {seconds[k] / 3600:.2f} |' for k, v in sorted(people.items()))
    with open(os.path.join(out, 'card.md'), 'w') as f:
        f.write(f'# Model card: (name)\n\n{c["family"]} {json.dumps(c["config"])}; {c["step"]} steps, {c["spent"] / 60:.0f} minutes, arguments `{json.dumps(c["args"])}`.\n\n'
                f'## Trained on\n\n{len(c["names"])} people in training; all of the pool:\n\n| corpus | licence | language | people | hours |\n|---|---|---|---|---|\n{rows}\n\n'
                f'## Measured\n\n```\n{describe}```\n\n(`vouch eval` on lists of people and corpora that no training saw)\n\n## Limits, plainly\n\n(to be written)\n')

def main():
    global out_vouch
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--pool', action='append', required=True); a.add_argument('--out', required=True)
    a.add_argument('--minutes', type=float, default=120, help='of training the speaker network'); a.add_argument('--copies', type=int, default=6)
    a.add_argument('--vouch', default=shutil.which('vouch') or os.path.join(HERE, '../../target/release/vouch'))
    a.add_argument('--family', default='TdnnF'); a.add_argument('--threads', type=int)
    a = a.parse_args(); out_vouch = a.vouch
    if not os.path.exists(a.vouch): sys.exit(f'{a.vouch}: not there; build it with `cargo build --release`, or name it with --vouch')
    at = lambda *p: os.path.join(a.out, *p)
    os.makedirs(a.out, exist_ok=True)
    pools = [x for p in a.pool for x in ('--pool', p)]
    step(at('data', f'copy{a.copies - 1:03d}', 'index.npy'), 'features', 'prepare.py', *pools, '--out', at('data'), '--copies', a.copies, *(() if os.path.exists(at('data/teacher.npy')) else ('--teacher',)))
    step(at('music'), 'music', 'music.py', at('music'), '40')
    step(at('vad/checkpoint.pt'), 'speech detector', 'vad.py', '--pool', a.pool[0], '--data', at('data'), '--music', at('music'), '--out', at('vad'))
    step(at('model.vouch'), 'speaker network', 'train.py', '--data', at('data'), '--out', at('run'), '--minutes', a.minutes, '--family', a.family, *(('--threads', a.threads) if a.threads else ()))
    step(at('model.vouch'), 'export', 'export.py', at('run/checkpoint.pt'), at('vad/checkpoint.pt'), at('model.vouch'), '--golden', at('golden'), '--about', f'recipe=models/train, {a.family}, {time.strftime("%Y-%m-%d")}')
    step(at('heldout/all.trials'), 'calibration trials', 'trials.py', *pools, '--out', at('heldout'))
    step(at('calibration.json'), 'calibration', a.vouch, 'calibrate', at('heldout/all.trials'), '--root', at('heldout'), '--model', at('model.vouch'), '--cut', '3,5,10', '--id', f'made-{time.strftime("%Y-%m-%d")}', '--out', at('calibration.json'))
    card(a.out, a.pool)
    print(f'finished: {at("model.vouch")}, {at("calibration.json")}, {at("card.md")}')

if __name__ == '__main__':
    main()
