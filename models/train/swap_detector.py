#!/usr/bin/env python3
"""Put another speech detector into a `.vouch` container and leave the speaker network as it is, to the bit.

    swap_detector.py OLD.vouch VAD_CHECKPOINT NEW.vouch [--golden FILE.json] [--about KEY=TEXT ...]

The name of the model changes, for the detector decides what the speaker network pools. FILE.json is golden activations that `export.py`
wrote: those of the detector are written anew, the others stay. OLD and NEW may be the same file.
"""
import argparse, hashlib, json, struct, sys
import numpy as np, torch
import export

def read(path):
    """-> header, {name: tensor}."""
    data = open(path, 'rb').read()
    if data[:8] != b'VOUCHNET' or hashlib.sha256(data[:-32]).digest() != data[-32:]: sys.exit(f'{path}: not a whole .vouch container')
    version, length = struct.unpack('<II', data[8:16])
    if version != 1: sys.exit(f'{path}: version {version} of the format, this script reads 1')
    head, tensors = json.loads(data[16:16 + length]), {}
    for t in head['tensors']:
        kind = {'f16': '<f2', 'f32': '<f4'}[t['dtype']]
        tensors[t['name']] = np.frombuffer(data, kind, int(np.prod(t['shape'])), t['offset']).astype(np.float32).reshape(t['shape'])
    return head, tensors

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('old'); a.add_argument('vad'); a.add_argument('out'); a.add_argument('--golden'); a.add_argument('--about', action='append', default=[])
    a = a.parse_args()
    head, tensors = read(a.old); model, entry = export.load(a.vad)
    if entry['family'] != 'VadNet': sys.exit(f'{a.vad}: a checkpoint of {entry["family"]}, not of a speech detector')
    own = export.plain(model, entry)
    kept = {k: v for k, v in tensors.items() if not k.startswith('detector.')}
    export.write(a.out, dict(head['networks'], detector=entry), {**kept, **{'detector.' + k: v for k, v in own.items()}}, {**head['about'], **dict(x.split('=', 1) for x in a.about)})
    _, again = read(a.out)
    assert all(np.array_equal(again[k], v) for k, v in kept.items()), 'the speaker network changed'
    if a.golden:
        g = json.load(open(a.golden)); x = torch.tensor(g['log_mel'], dtype=torch.float32).reshape(1, g['num_frames'], -1)
        with torch.no_grad(): y, off = export.log_odds((model, own), x)
        print(f'folding and rounding: log-odds within {off:.4f}'); assert off < 0.1
        g['layers']['log_odds']['values'] = [[float(f'{v:.6g}')] for v in y[0, :, 0].tolist()]
        json.dump(g, open(a.golden, 'w'), separators=(',', ':'))

if __name__ == '__main__':
    main()
