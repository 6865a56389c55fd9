#!/usr/bin/env python3
"""Times ranks against threads: a sweep shared by its points, and one grid shared by its rows. Refuses to time a wrong
answer. Seconds are those that the program itself tells, without the start of the processes; the least of `repeats`.

    python3 benchmarks/ranks.py [CORES [N_C]]     default: all processors, 512
"""
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "build" / "nanolase"
REPEATS = 3
BASE = ["-b", "cpu", "-s", "phase.D_p=0.05", "-s", "phase.epsilon_over_r0=1", "-s", "grid.order=8", "-s",
        "laser.phi2=0.5"]
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_hwloc_base_binding_policy="none")


def jobs(n_c):
    sweep = ["-s", "grid.n_c=256", "-s", "sweep.t_c=linspace(0, 2, 64)", "-p", "points"]
    grid = ["-s", f"grid.n_c={n_c}", "-s", "laser.t_c=0.8", "-s", "run.mode=evolve", "-s", "run.t_end=0.5",
            "-s", "run.save_every=0.5", "-p", "grids"]
    return {"64 points, n_c = 256": sweep, f"one grid, n_c = {n_c}": grid}


def run(folder, options, ranks, threads):
    launcher = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run([*launcher, str(PROGRAM), "run", "empty.ini", "-j", str(threads), *BASE, *options],
                          cwd=folder,
                          env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{ranks} ranks of {threads} threads: {done.stderr}")
    table = subprocess.run([str(PROGRAM), "show", "--csv", "out.h5"], cwd=folder, capture_output=True, text=True,
                           check=True)
    header, *rows = csv.reader(table.stdout.splitlines())
    observables = [float(x) for row in rows for x in row[:header.index("converged")]]
    return float(re.search(r"points? in ([0-9.]+) s", done.stderr).group(1)), observables


def main():
    cores = int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count()
    n_c = int(sys.argv[2]) if len(sys.argv) > 2 else 512
    info = subprocess.run([str(PROGRAM), "info"], capture_output=True, text=True, check=True).stdout
    if not shutil.which("mpirun") or "MPI in this build: yes" not in info:
        print("ranks: no MPI here, left out")
        return
    splits = [(1, 1)] + [(r, cores // r) for r in range(1, cores + 1) if cores % r == 0 and cores > 1]
    print(info, end="")
    for what, options in jobs(n_c).items():
        first = None
        for ranks, threads in splits:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "empty.ini").touch()
                results = [run(folder, options, ranks, threads) for _ in range(REPEATS)]
            least, observables = min(results)
            first = first or (least, observables)
            error = max(abs(a - b) for a, b in zip(first[1], observables))
            if error > 1e-11:
                sys.exit(f"{what}: {ranks} ranks are {error} off")
            print(f"{what}: {ranks} ranks x {threads} threads: {least:.1f} s, "
                  f"{first[0] / max(least, 0.1):.2f} times one thread")


if __name__ == "__main__":
    main()
