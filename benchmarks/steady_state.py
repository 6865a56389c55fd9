#!/usr/bin/env python3
"""Time to the steady state of Fig. 4's hardest case, D_p = 0.005: nanolase against what a user has today.

For each t_c, one after the other and in rounds: nanolase at the paper's grid (order 2, n_c = 500), nanolase at order 8
on a grid of no larger error up to t_c = 1, the paper's way (assembled matrix, sparse LU as SciPy does it by default,
and with the best ordering found) and a Fourier-spectral sparse solve. Prints medians over the rounds, ratios within
them, and the error of each against the spectral solution.

    steady_state.py [--rounds N] [--t_c 0,0.5,1] [--backend cpu|cuda]
"""
import argparse
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, "benchmarks", "peers")
CONFIG = """[model]
equation = phase
[laser]
phi1 = 0
phi2 = 0
[phase]
D_p = 0.005
epsilon_over_r0 = 1
"""


def nanolase(t_c, n_c, order, backend, folder):
    """Runs the program as a user would; returns <exp(i theta_1)> and wall seconds of the whole process."""
    config, out = os.path.join(folder, "case.ini"), os.path.join(folder, "case.h5")
    with open(config, "w") as f:
        f.write(CONFIG)
    program = os.path.join(ROOT, "build", "nanolase")
    start = time.perf_counter()
    subprocess.run([program, "run", config, "-o", out, "-q", "-b", backend, "-s", f"laser.t_c={t_c}",
                    "-s", f"grid.n_c={n_c}", "-s", f"grid.order={order}"], check=True)
    seconds = time.perf_counter() - start
    text = subprocess.run([program, "show", out, "--csv"], check=True, capture_output=True, text=True).stdout
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["converged"] == "1"
    return complex(float(row["exp_i_theta1_re"]), float(row["exp_i_theta1_im"])), seconds


def sweep(options, folder):
    """All t_c in one run, which shares points out over the threads; seconds of the whole process over their number."""
    out = os.path.join(folder, "sweep.h5")
    start = time.perf_counter()
    subprocess.run([os.path.join(ROOT, "build", "nanolase"), "run", os.path.join(folder, "case.ini"), "-o", out, "-q",
                    "-b", options.backend, "-s", f"sweep.t_c={options.t_c}", "-s", "grid.n_c=500", "-s",
                    "grid.order=2"],
                   check=True)
    return (time.perf_counter() - start) / len(options.t_c.split(","))


def peer(script, t_c, *arguments, phi2=0):
    """Runs a baseline; returns <exp(i theta_1)> and the seconds that it gives for assembly and solve."""
    text = subprocess.run([sys.executable, os.path.join(PEERS, script), "--D_p", "0.005", "--t_c", str(t_c),
                           "--epsilon", "1", "--phi1", "0", "--phi2", str(phi2), *arguments],
                          check=True, capture_output=True, text=True).stdout
    result = json.loads(text.strip().splitlines()[-1])
    return complex(*result["exp_i_theta1"]), result["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--t_c", default="0,0.5,1,2,3,4")
    parser.add_argument("--backend", default="cpu")
    options = parser.parse_args()
    print("seconds to the steady state, D_p = 0.005, epsilon/r_0 = 1, phi_1 = phi_2 (median of "
          f"{options.rounds} rounds; ratio: paper's way over nanolase, least and largest of the rounds)")
    print(f"{'t_c':>5} {'way':28} {'seconds':>9} {'error':>9} {'ratio':>16}")
    everything = {}
    with tempfile.TemporaryDirectory() as folder:
        for t_c in (float(x) for x in options.t_c.split(",")):
            ways = {
                "paper's way, n_c = 500": lambda: peer("paper_way.py", t_c, "--n_c", "500", "--ordering", "COLAMD"),
                "the same, tuned ordering": lambda: peer("paper_way.py", t_c, "--n_c", "500"),
                "Fourier-spectral": lambda: peer("fourier_spectral.py", t_c),
                "nanolase, order 2, n_c = 500": lambda: nanolase(t_c, 500, 2, options.backend, folder),
                "nanolase, order 8, n_c = 96": lambda: nanolase(t_c, 96, 8, options.backend, folder),
            }
            value, seconds = {}, {name: [] for name in ways}
            for _ in range(options.rounds):
                for name, run in ways.items():
                    value[name], taken = run()
                    seconds[name].append(taken)
            paper = seconds["paper's way, n_c = 500"]
            for name in ways:
                everything.setdefault(name, []).extend(seconds[name])
                ratios = [p / s for p, s in zip(paper, seconds[name])]
                print(f"{t_c:5g} {name:28} {statistics.median(seconds[name]):9.3f} "
                      f"{abs(value[name] - value['Fourier-spectral']):9.1e} {min(ratios):7.1f} {max(ratios):8.1f}",
                      flush=True)
        everything["nanolase, order 2, as a sweep"] = [sweep(options, folder) for _ in range(options.rounds)]
    paper = statistics.mean(everything["paper's way, n_c = 500"])
    for name, seconds in everything.items():
        mean = statistics.mean(seconds)
        print(f" mean {name:30} {mean:9.3f} {'':9} {paper / mean:7.1f}")


if __name__ == "__main__":
    main()
