#!/usr/bin/env python3
# /// script
# dependencies = ["numpy", "faiss-cpu==1.15.1"]
# ///
"""What faiss makes of the rows and queries of `search --dump`: exact (IndexFlatIP) and 8-bit (SQ8), one thread, one query at a time.

    cargo run --release -p benches --bin search -- 1000000 192 1000 --dump rows.npy queries.npy
    search.py rows.npy queries.npy
"""
import sys, time
import numpy as np, faiss

rows, queries = np.load(sys.argv[1], mmap_mode='r'), np.load(sys.argv[2])
faiss.omp_set_num_threads(1)
exact = None
for name in ('Flat', 'SQ8'):
    index = faiss.index_factory(rows.shape[1], name, faiss.METRIC_INNER_PRODUCT)
    start = time.perf_counter()
    if not index.is_trained: index.train(np.ascontiguousarray(rows[:100000]))
    for i in range(0, len(rows), 100000): index.add(np.ascontiguousarray(rows[i:i + 100000]))
    built, times, found = time.perf_counter() - start, [], []
    for q in queries[:200] if name == 'Flat' else queries:
        start = time.perf_counter(); found.append(int(index.search(q[None], 1)[1][0, 0])); times.append(time.perf_counter() - start)
    if exact is None: exact = found
    right = sum(a == b for a, b in zip(found, exact))
    print(f'faiss {name}: built in {built:.2f} s; {len(times)} queries: median {1e3 * np.median(times):.2f} ms, p99 {1e3 * np.quantile(times, .99):.2f} ms; '
          f'{right} of {len(exact)} the same as Flat')
