#!/usr/bin/env python3
"""The benchmark of the CUDA backend, its kernels compiled for the CPU: every answer is checked, every number told."""
import csv
import re
import subprocess
import sys

from cli_support import ENVIRONMENT, LONGEST, SANITIZED, check, close, run_tests

BENCH = SANITIZED.parent / "bench_cuda"
OPERATIONS = {
    "phase": {"apply", "update of 3", "stage of 4", "unfused stage"},
    "matrix": {"apply", "cuSPARSE SpMV"},
    "vectors": {"combine 1", "combine 4", "error of 7", "sums", "largest", "dot", "moments", "project on 6",
                "expand of 6"},
    "transfers": {"restriction", "interpolation"},
    "lindblad": {"apply", "update of 3", "moments"},
    "steps": {"rk45", "rk45 by stages", "rkc", "rkc by stages"},
    "dimer": {"apply", "update of 3", "moments"},
    "amplitude": {"apply", "update of 3", "moments"},
}


def bench(*words, code=0):
    done = subprocess.run([BENCH, *words], capture_output=True, text=True, env=ENVIRONMENT, timeout=LONGEST)
    check(done.returncode == code, f"bench_cuda {words} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def measured(folder, *words):
    path = folder / "bench.csv"
    said = bench("--check", "--csv", path, *words)
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    check(f"{len(rows)} measurements, every answer checked" in said, said)
    return rows


def test_every_group(folder):
    listed = bench("--help").split("groups:")[1].split()
    check(set(OPERATIONS) <= set(listed), listed)
    rows = measured(folder)
    check({row["group"] for row in rows} == set(listed), "not every group was measured")
    for group, wanted in OPERATIONS.items():
        found = {re.sub(r"rkc \d+", "rkc", row["operation"]) for row in rows if row["group"] == group}
        check(found == wanted, group, found)
    for row in rows:
        check(float(row["seconds"]) > 0 and float(row["elements"]) > 0, row)
        check(float(row["yardstick_bytes_per_second"]) > 0, row)
        check((float(row["bytes"]) > 0) != (float(row["steps"]) > 0), "bytes are told but of steps", row)
    check({row["backend"] for row in rows if row["group"] == "cpu"} == {"cpu", "cuda"}, "no CPU to compare with")
    check({row["cache"] for row in rows} == {"warm", "cold"}, "caches")


def test_what_is_declared(folder):
    """Bytes and operations of an application to 24 x 24 points, and of a matrix with 4 w + 1 entries a row."""
    rows = {(row["operation"], row["order"]): row for row in measured(folder, "matrix")}
    for order in (2, 4, 6, 8):
        apply, matrix = rows["apply", str(order)], rows["cuSPARSE SpMV", str(order)]
        close(float(apply["bytes"]), 16 * 576, 0, "apply")
        close(float(apply["flops"]), (12 * order + 2) * 576, 0, "apply")
        close(float(matrix["bytes"]), (12 * (2 * order + 1) + 16) * 576 + 4 * 577, 0, "matrix")


def test_single_precision(folder):
    rows = measured(folder, "--single", "phase", "vectors", "transfers")
    half = [row for row in rows if row["group"] == "phase" and row["operation"] == "apply"]
    check(len(half) == 8 and all(float(row["bytes"]) == 8 * 576 for row in half), half)


def test_wrong_words(_):
    for words in (["--wrong"], ["wrong"], ["--csv"]):
        bench(*words, code=2)


if __name__ == "__main__":
    sys.exit(run_tests([(n, f) for n, f in list(globals().items()) if n.startswith("test_")], sys.argv[1:]))
