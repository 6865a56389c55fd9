#!/usr/bin/env python3
"""Operator applications and time to the steady state of the phase equation, by method.

epsilon/r_0 = 1, phi_1 = phi_2, residual 1e-11. Multigrid on all grids; time evolution (relax), extrapolated evolution
(rre) and Arnoldi (krylov) on the coarsest of them, where they can be waited for. Applications are those on the finest
grid; `work` counts the coarser grids too, in units of one of those.

    steady_methods.py [--order 2] [--grids 256,512,1024] [--limit SECONDS] [--backend cpu|cuda]
"""
import argparse
import csv
import io
import os
import subprocess
import tempfile
import time

import h5py

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, "build", "nanolase")
CONFIG = """[laser]
phi1 = 0
phi2 = 0
[phase]
epsilon_over_r0 = 1
[steady]
tolerance = 1e-11
"""


def solve(folder, options, method, D_p, t_c, n_c):
    """Applications, work and seconds of the whole process; None where it took longer than the limit."""
    config, out = os.path.join(folder, "case.ini"), os.path.join(folder, "case.h5")
    with open(config, "w") as f:
        f.write(CONFIG)
    settings = {"laser.t_c": t_c, "phase.D_p": D_p, "grid.n_c": n_c, "grid.order": options.order,
                "steady.method": method}
    command = [PROGRAM, "run", config, "-o", out, "-q", "-b", options.backend]
    for key, value in settings.items():
        command += ["-s", f"{key}={value}"]
    start = time.perf_counter()
    process = subprocess.Popen(command)
    try:
        code = process.wait(timeout=options.limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    seconds = time.perf_counter() - start
    text = subprocess.run([PROGRAM, "show", out, "--csv"], check=True, capture_output=True, text=True).stdout
    row = next(csv.DictReader(io.StringIO(text)))
    with h5py.File(out) as f:
        work = float(f["/convergence/work"][()])
    assert code == 0 and row["converged"] == "1" and float(row["residual"]) <= 1e-11
    return int(row["rhs"]), work, seconds


def describe(result, reference):
    if result is None:
        return f"{'over the limit':>38}"
    rhs, work, seconds = result
    saved = f"{seconds / reference[2]:9.1f}" if reference else " " * 9
    return f"{rhs:10d} {work:9.0f} {seconds:8.2f} {saved}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--grids", default="256,512,1024")
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--backend", default="cpu")
    options = parser.parse_args()
    grids = [int(n) for n in options.grids.split(",")]
    print(f"steady states to a residual of 1e-11, order {options.order}; times: seconds over those of multigrid\n"
          f"{'D_p':>6} {'t_c':>4} {'n_c':>5} {'method':10} {'rhs':>9} {'work':>9} {'seconds':>8} {'times':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for D_p in (0.05, 0.005):
            for t_c in (0.3, 1, 3):
                for n_c in grids:
                    cycles = solve(folder, options, "multigrid", D_p, t_c, n_c)
                    print(f"{D_p:6g} {t_c:4g} {n_c:5d} {'multigrid':10}{describe(cycles, None)}", flush=True)
                    for method in ("krylov", "rre", "relax") if n_c == min(grids) else ():
                        other = solve(folder, options, method, D_p, t_c, n_c)
                        print(f"{D_p:6g} {t_c:4g} {n_c:5d} {method:10}{describe(other, cycles)}", flush=True)


if __name__ == "__main__":
    main()
