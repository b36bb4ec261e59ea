#!/usr/bin/env python3
"""Lists who was used for what: `people.py DATA [DATA ...] > ../cards/people.tsv`, for folders made by `prepare.py`."""
import json, os, sys
from train import CALIBRATION_CORPORA, held_out

role = {}
for folder in sys.argv[1:]:
    for u in json.load(open(os.path.join(folder, 'units.json')))['units']:
        person = u['files'][0].split('/')[-2]
        role[f"{u['corpus']}/{person}"] = 'calibration' if u['corpus'] in CALIBRATION_CORPORA else 'watched' if held_out(u['speaker'], u['corpus']) else 'training'
print('# People of the pool and what they were used for: role, corpus/person as the corpus names them. `training` made the network, `watched`')
print('# told when to stop, `calibration` made the scores mean something. Written with the network by `models/train/people.py`.')
for person, r in sorted(role.items(), key=lambda i: (i[1], i[0])): print(f'{r}\t{person}')
