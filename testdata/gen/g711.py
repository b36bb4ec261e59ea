#!/usr/bin/env python3
"""Writes testdata/golden/g711/tables.json: the values of ITU-T G.711 on the 16-bit scale, for engine::codec::g711.

Built from the decision values of tables 1 and 2 of the recommendation, which follow from the segments: the engine decodes with
shifts instead. `decoded` has the value of each of the 256 codes as sent; `decisions` the 129 magnitudes between which the codes
of one sign lie, with the virtual last one.
"""
import json, os

def segments(steps):
    """Decision values of one sign: `steps` are the sizes of 16 intervals each, in turn."""
    x = [0]
    for step, count in steps:
        x += [x[-1] + step * (i + 1) for i in range(count)]
    return x

def mu_law():
    # Table 2: 0, 1, 3, 5 ... 31, 35 ... 8159 of 8159; each value lies in the middle of its interval, the first one at 0.
    x = segments([(1, 1), (2, 15)] + [(2 << s, 16) for s in range(1, 8)])
    assert x[-1] == 8159 and len(x) == 129, x[-3:]
    y = [0] + [(x[n] + x[n + 1]) / 2 for n in range(1, 128)]
    # Bit 1 is 1 for positive values; of the other bits the complement of the interval's number is sent (table 2a: 11111111 is +0).
    code = lambda n, positive: (0x80 if positive else 0) | (127 - n)
    return x, y, code, 4

def a_law():
    # Table 1: 0, 2, 4 ... 64, 68 ... 4096 of 4096 (in units that put the values on whole numbers, from 1); two equal first segments.
    x = segments([(2, 32)] + [(4 << s, 16) for s in range(6)])
    assert x[-1] == 4096 and len(x) == 129, x[-3:]
    y = [(x[n] + x[n + 1]) / 2 for n in range(128)]
    # Even bits are inverted on the line (5.2 of the recommendation): the mask 01010101.
    code = lambda n, positive: ((0x80 if positive else 0) | n) ^ 0x55
    return x, y, code, 8

def table(law):
    x, y, code, scale = law()
    decoded = [None] * 256
    for n in range(128):
        for positive in (True, False):
            value = y[n] * scale * (1 if positive else -1)
            assert value == int(value) and abs(value) < 32768
            assert decoded[code(n, positive)] is None
            decoded[code(n, positive)] = int(value)
    return {"decoded": decoded, "decisions": [v * scale for v in x]}

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "..", "golden", "g711")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "tables.json"), "w") as f:
    json.dump({"mu_law": table(mu_law), "a_law": table(a_law)}, f, separators=(",", ":"))
    f.write("\n")
