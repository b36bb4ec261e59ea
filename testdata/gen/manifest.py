#!/usr/bin/env python3
"""Write `testdata/MANIFEST.toml`: every file with its sha256, its origin and the script that made it. `tests/manifest.rs` checks it."""
import hashlib, pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORIGIN = {                      # folder: (script, what the files are)
    'audio/callers': ('gen/callers.sh', 'speech of free synthesisers, through simulated telephones; no person speaks'),
    'audio/formats': ('gen/formats.sh', 'tones and noise in every container and codec that is read, and in some that are refused'),
    'golden/fbank': ('gen/fbank.py', 'log-mel energies by kaldi-native-fbank'),
    'golden/g711': ('gen/g711.py', 'ITU-T G.711 tables'),
    'golden/metrics': ('gen/metrics.py', 'error rates of small lists, worked out in exact fractions'),
    'golden/network': ('../models/train/export.py', 'activations of the shipped network by PyTorch'),
    'golden/onnx': ('gen/onnx_speakers.py', 'speaker networks of random weights, and what onnxruntime makes of them'),
}

lines = ['# Every file of test data. Made by gen/manifest.py; all of it is our own, under the licence of the project.\n']
for folder, (script, what) in ORIGIN.items():
    for path in sorted((ROOT / folder).iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f'[[file]]\npath = "{path.relative_to(ROOT)}"\nsha256 = "{digest}"\nscript = "{script}"\norigin = "{what}"\n')
(ROOT / 'MANIFEST.toml').write_text('\n'.join(lines))
print(len(lines) - 1, 'files')
