#!/usr/bin/env python3
"""The exact dimer (Eq. 6 for both lasers) from the vacuum to t_end: nanolase against QuTiP's mesolve, N after N.

For each number of levels nanolase with one thread and with all, and mesolve with each of its methods named, one after
the other in rounds, until QuTiP does not fit into the free memory or takes too long; nanolase goes on to the last
size. All at the same rtol and atol. Errors are of n_1 and <a_1^+ a_2>, against nanolase at rtol = 1e-11; a wrong
answer is not timed. nanolase's seconds are those of the whole process, QuTiP's without starting Python; memory is what
either process took at most.

    dimer_evolution.py [--levels 16,24,...] [--t_end T] [--rounds N] [--limit SECONDS] [--methods adams,...]
"""
import argparse
import csv
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, "build", "nanolase")
PEER = os.path.join(ROOT, "benchmarks", "peers", "dimer_qutip.py")
RTOL, ATOL, FINE, WRONG = 1e-6, 1e-9, 1e-11, 1e-3
CONFIG = """[model]
equation = dimer
[laser]
cooperativity = 1.2
gamma = 200
epsilon = 1
phi1 = 0
phi2 = 1.5707963267948966
t_c = 0.5
[fock]
levels = {levels}
[run]
mode = evolve
t_end = {t_end}
save_every = {t_end}
"""


def free_bytes():
    with open("/proc/meminfo") as f:
        return 1024 * int(next(line for line in f if line.startswith("MemAvailable")).split()[1])


def nanolase(folder, levels, options, rtol, threads):
    """n_1, <a_1^+ a_2>, seconds, GB."""
    config, out = os.path.join(folder, "case.ini"), os.path.join(folder, "case.h5")
    with open(config, "w") as f:
        f.write(CONFIG.format(levels=levels, t_end=options.t_end))
    command = [PROGRAM, "run", config, "-o", out, "-q", "-b", "cpu", "-j", str(threads), "-s",
               f"integrator.rtol={rtol}",
               "-s", f"integrator.atol={min(ATOL, 1e-3 * rtol)}"]
    start = time.perf_counter()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"nanolase failed at {levels} levels")
    shown = subprocess.run([PROGRAM, "show", out, "--csv"], check=True, capture_output=True, text=True).stdout
    last = list(csv.DictReader(io.StringIO(shown)))[-1]
    correlation = complex(float(last["a1dag_a2_re"]), float(last["a1dag_a2_im"]))
    return float(last["n1"]), correlation, seconds, usage.ru_maxrss / 1e6


def mesolve(levels, options, method):
    """The same of QuTiP, or why there is nothing, as text."""
    most = int(0.9 * free_bytes())
    command = [sys.executable, PEER, "--levels", str(levels), "--t_end", str(options.t_end), "--rtol", str(RTOL),
               "--atol",
               str(ATOL), "--method", method]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.limit,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
    except subprocess.TimeoutExpired:
        return f"not finished in {options.limit:g} s"
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return f"failed with {most / 1e9:.1f} GB free: {said[:100]}"
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return result["n1"][0], complex(*result["a1dag_a2"]), result["seconds"], result["GB"]


def run_size(folder, levels, options, methods):
    """Prints the rows of one size; returns QuTiP's methods that got through."""
    exact = nanolase(folder, levels, options, FINE, os.cpu_count())
    ways = {f"nanolase, {threads} thread{'s' if threads > 1 else ''}":
            lambda threads=threads: nanolase(folder, levels, options, RTOL, threads)
            for threads in sorted({1, len(os.sched_getaffinity(0))})}
    ways.update({f"QuTiP mesolve, {method}": lambda method=method: mesolve(levels, options, method)
                 for method in methods})
    results = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, run in ways.items():
            if not (results[way] and isinstance(results[way][-1], str)):
                results[way].append(run())
    own = [result[2] for result in next(iter(results.values()))]
    for way, rounds in results.items():
        if isinstance(rounds[-1], str):
            print(f"{levels:5} {way:26} {rounds[-1]}", flush=True)
            continue
        errors = [abs(rounds[-1][k] - exact[k]) for k in (0, 1)]
        if max(errors) > WRONG:
            sys.exit(f"{way}, {levels} levels: {errors} off")
        ratios = [result[2] / own_time for result, own_time in zip(rounds, own)]
        print(f"{levels:5} {way:26} {statistics.median(result[2] for result in rounds):9.3f} {rounds[-1][3]:8.2f} "
              f"{errors[0]:9.1e} {errors[1]:9.1e} {min(ratios):8.2f} {max(ratios):8.2f}", flush=True)
    return [method for method in methods if not isinstance(results[f"QuTiP mesolve, {method}"][-1], str)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", default="16,24,32,40,48,56,64,72")
    parser.add_argument("--t_end", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300, help="seconds after which QuTiP is stopped")
    parser.add_argument("--methods", default="adams,vern7", help="of mesolve")
    options = parser.parse_args()
    print(f"seconds of the exact dimer from the vacuum to t = {options.t_end:g}, rtol {RTOL:g} "
          f"(median of {options.rounds}; GB at most; errors of n_1 and <a_1^+ a_2>; ratio to nanolase with one thread, "
          "least and largest of the rounds)")
    print(f"{'N':>5} {'way':26} {'seconds':>9} {'GB':>8} {'err. n1':>9} {'err. corr':>9} {'ratio':>17}")
    methods = options.methods.split(",")
    with tempfile.TemporaryDirectory() as folder:
        for levels in options.levels.split(","):
            methods = run_size(folder, int(levels), options, methods)


if __name__ == "__main__":
    main()
