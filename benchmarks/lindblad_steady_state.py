#!/usr/bin/env python3
"""Time to the steady state of one laser's master equation (Eq. 6): nanolase against what a user has today.

For each case, one after the other and in rounds: nanolase with one thread and with all, a sparse direct solve of the
assembled superoperator with SciPy's default ordering and with better ones, and QuTiP's steadystate; QuTiP's mesolve
once, for the small case. Prints medians over the rounds, ratios to nanolase with one thread within them, and errors
against values known to all digits. nanolase's seconds are those of the whole process, the others' without starting
Python.

    lindblad_steady_state.py [--rounds N] [--slow-rounds N] [--limit SECONDS] [--cases small,large] [--backend cpu|cuda]
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
CASES = {
    "small": {"cooperativity": 1.2, "gamma": 200, "levels": 70, "a": -3.4091397609108074, "n": 20.215962304710658},
    "large": {"cooperativity": 1.1, "gamma": 3500, "levels": 420, "a": -12.857014423067, "n": 190.768878351635},
}
CONFIG = """[model]
equation = gutzwiller
sites = 1
[laser]
cooperativity = {cooperativity}
gamma = {gamma}
epsilon = 0.3
phi1 = 0
[fock]
levels = {levels}
"""


def nanolase(case, backend, threads, folder):
    """Runs the program as a user would; returns <a>, <n> and wall seconds of the whole process."""
    config, out = os.path.join(folder, "case.ini"), os.path.join(folder, "case.h5")
    with open(config, "w") as f:
        f.write(CONFIG.format(**case))
    program = os.path.join(ROOT, "build", "nanolase")
    start = time.perf_counter()
    subprocess.run([program, "run", config, "-o", out, "-q", "-b", backend, "-j", str(threads)], check=True)
    seconds = time.perf_counter() - start
    text = subprocess.run([program, "show", out, "--csv"], check=True, capture_output=True, text=True).stdout
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["converged"] == "1"
    return complex(float(row["a1_re"]), float(row["a1_im"])), float(row["n1"]), seconds


def peer(case, limit, script, *arguments):
    """Runs a baseline; returns <a>, <n> and the seconds that it gives for assembly and solve; why there are none
    where it was stopped at the limit or failed, of memory say."""
    command = [sys.executable, os.path.join(PEERS, script), "--epsilon", "0.3", *arguments]
    for key in ("cooperativity", "gamma", "levels"):
        command += ["--" + key, str(case[key])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"not finished in {limit:g} s"
    if done.returncode:
        return "failed: " + (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return complex(*result["a"]), result["n"], result["seconds"]


def ways_of(name, case, options, folder):
    """Name, how to run it, and how often."""
    direct = lambda ordering: lambda: peer(case, options.limit, "lindblad_direct.py", "--ordering", ordering)
    qutip = lambda method: lambda: peer(case, options.limit, "lindblad_qutip.py", "--method", method)
    threads = len(os.sched_getaffinity(0))
    few = options.rounds if name == "small" else options.slow_rounds
    ways = [("nanolase, 1 thread", lambda: nanolase(case, options.backend, 1, folder), options.rounds),
            ("nanolase, all threads", lambda: nanolase(case, options.backend, threads, folder), options.rounds),
            ("SciPy, default ordering", direct("COLAMD"), few),
            ("SciPy, MMD ordering", direct("MMD"), few),
            ("SciPy, nested dissection", direct("dissection"), few),
            ("QuTiP steadystate", qutip("steadystate"), few)]
    if name == "small":
        ways.append(("QuTiP mesolve, t = 100", qutip("mesolve"), 1))
    return ways


def run_case(name, options, folder):
    case = CASES[name]
    ways = ways_of(name, case, options, folder)
    results = {way: [] for way, _, _ in ways}
    for r in range(options.rounds):
        for way, run, rounds in ways:
            stopped = results[way] and isinstance(results[way][-1], str)
            if r < rounds and not stopped:
                results[way].append(run())
    own = [seconds for _, _, seconds in results[ways[0][0]]]
    for way, _, _ in ways:
        last = results[way][-1]
        if isinstance(last, str):
            print(f"{case['levels']:5} {way:26} {last}", flush=True)
            continue
        a, n, _ = last
        seconds = [result[2] for result in results[way]]
        ratios = [s / o for s, o in zip(seconds, own)]
        print(f"{case['levels']:5} {way:26} {statistics.median(seconds):9.3f} {len(seconds):6} "
              f"{abs(a - 1j * case['a']):9.1e} {abs(n - case['n']):9.1e} {min(ratios):8.1f} {max(ratios):8.1f}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=1, help="of the large case's baselines")
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a baseline is stopped")
    parser.add_argument("--cases", default="small,large")
    parser.add_argument("--backend", default="cpu")
    options = parser.parse_args()
    print("seconds to the steady state of Eq. 6, one laser, epsilon = 0.3 (median; errors of <a> and <n>; ratio to "
          "nanolase with one thread, least and largest of the rounds)")
    print(f"{'N':>5} {'way':26} {'seconds':>9} {'rounds':>6} {'error a':>9} {'error n':>9} {'ratio':>17}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.cases.split(","):
            run_case(name, options, folder)


if __name__ == "__main__":
    main()
