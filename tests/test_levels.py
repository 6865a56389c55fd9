#!/usr/bin/env python3
"""The levels of description side by side: scripts/compare_levels.py against values read here, and what it refuses.

    python3 tests/test_levels.py [WORD...]     only tests whose name contains a word
"""
import subprocess
import sys

import h5py
import numpy as np

from cli_support import LONGEST, PROGRAM, ROOT, check, close, ini, run_tests

# Below threshold, where few levels do.
FEW = """
[laser]
gamma = 40
cooperativity = 0.1
epsilon = 0.4
phi2 = 1.5707963267948966
[sweep]
t_c = 0, 0.5
[steady]
tolerance = 1e-9
"""


def compare(folder, text, *words, code=0):
    """What the script says: its table, or its complaint."""
    script = ROOT / "scripts" / "compare_levels.py"
    done = subprocess.run([sys.executable, script, ini(folder, text, "few.ini"), PROGRAM, "-j", "1", *words],
                          cwd=folder,
                          capture_output=True, text=True, timeout=LONGEST)
    check((done.returncode != 0) == (code != 0), done.stdout, done.stderr)
    return done.stderr if code else done.stdout


def values(folder, level, name):
    with h5py.File(folder / f"few-{level}.h5") as f:
        return f["observables"][name][()]


def test_table_and_picture(folder):
    said = compare(folder, FEW, "--levels", "gutzwiller,dimer")
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in said.splitlines()
            if line.startswith("|")}
    check(set(rows) == {"largest deviation", "gutzwiller", "---"}, rows)
    exact, product = values(folder, "dimer", "n1"), values(folder, "gutzwiller", "n1")
    close(product[0], exact[0], 1e-8, "without tunnelling n1")
    most = np.max(np.abs(product - exact))
    check(most > 1e-5, "with it the lasers are more than a product:", most)
    wanted = f"{most:.2g} ({100 * most / np.max(np.abs(exact)):.2g} %)"
    check(rows["gutzwiller"][rows["largest deviation"].index("n1")] == wanted, rows, "instead of", wanted)
    check((folder / "few.png").stat().st_size > 10000, "the picture")


def test_a_level_without_the_exact_one_is_drawn(folder):
    said = compare(folder, FEW, "--levels", "gutzwiller", "-d", "pictures")
    check("|" not in said and (folder / "pictures" / "few.png").exists(), said)


def test_refusals(folder):
    check("no level" in compare(folder, FEW, "--levels", "guess", code=2), "a level that there is not")
    said = compare(folder, FEW, "--levels", "phase", code=1)
    check(said.startswith("compare_levels: phase: nanolase: "), said)  # no phase equation below threshold
    said = compare(folder, FEW + "[grid]\npoints = 0\n", code=1)
    check("points" in said, said)


if __name__ == "__main__":
    sys.exit(run_tests([(name, test) for name, test in list(globals().items()) if name.startswith("test_")],
                       sys.argv[1:]))
