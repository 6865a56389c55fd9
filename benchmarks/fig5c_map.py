#!/usr/bin/env python3
"""Fig. 5(c), the paper's heaviest plot (n_c = 500, order 2, D_p = 0.005, 41 x 41 points): time of the whole map,
against the paper's way on points of it drawn at random, times their number.

    fig5c_map.py [--points 10] [--seed 1] [--backend cpu|cuda]
"""
import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time

import h5py

from steady_state import ROOT, peer


def whole_map(folder, backend):
    """Seconds of the run, and |<a_1>|^2 + |<a_2>|^2 over 2 n_0 with its axes."""
    out = os.path.join(folder, "map.h5")
    program, config = os.path.join(ROOT, "build", "nanolase"), os.path.join(ROOT, "configs", "fig5c.ini")
    start = time.perf_counter()
    subprocess.run([program, "run", config, "-o", out, "-q", "-b", backend], check=True)
    seconds = time.perf_counter() - start
    with h5py.File(out) as f:
        return seconds, f["/observables/exp_i_theta1"][()], f["/axes/t_c"][()], f["/axes/phi2"][()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", default="cpu")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        seconds, value, t_c, phi2 = whole_map(folder, options.backend)
    count = value.size
    print(f"nanolase: {count} points in {seconds:.0f} s, {seconds / count:.3f} s a point", flush=True)
    taken = {"COLAMD": [], "MMD_AT_PLUS_A": []}
    for _ in range(options.points):
        i, j = draw.randrange(len(t_c)), draw.randrange(len(phi2))
        for ordering, times in taken.items():
            result, spent = peer("paper_way.py", t_c[i], "--n_c", "500", "--ordering", ordering, phi2=phi2[j])
            times.append(spent)
            difference = abs(result - complex(value[i, j]))
            print(f"  t_c = {t_c[i]:.1f}, phi2 = {phi2[j]:.3f}, {ordering}: {spent:.1f} s, differs by {difference:.1e}",
                  flush=True)
    for ordering, times in taken.items():
        mean = statistics.mean(times)
        print(f"paper's way, {ordering}: {mean:.1f} s a point, {mean * count / 3600:.1f} h the map, "
              f"{mean * count / seconds:.0f} times nanolase's")


if __name__ == "__main__":
    main()
