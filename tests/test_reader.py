#!/usr/bin/env python3
"""scripts/nanolase_reader.py on results of the program. Where the python at hand has no xarray, most is skipped."""
import importlib
import subprocess
import sys

import h5py
import numpy as np

from cli_support import ROOT, Skip, check, ini, main, same, show, succeed

sys.path.insert(0, str(ROOT / "scripts"))
READER = ROOT / "scripts" / "nanolase_reader.py"

PHASE = """
[phase]
D_p = 0.2
epsilon_over_r0 = 1
[grid]
n_c = 16
order = 8
[output]
fields = yes
[sweep]
t_c = 0, 0.5, 2
phi2 = 0, 1
"""
EVOLVE = "[run]\nmode = evolve\nt_end = 1\nsave_every = 0.3\n"
LINDBLAD = """
[model]
equation = gutzwiller
sites = 1
[laser]
cooperativity = 1.2
gamma = 200
epsilon = 0.3
[fock]
levels = 40
[output]
fields = yes
"""


def opened(folder, text):
    """The dataset and the rows of `nanolase show --csv`."""
    try:
        importlib.import_module("xarray")
    except ImportError:
        raise Skip("this python has no xarray") from None
    from nanolase_reader import open_result
    succeed(folder, "run", ini(folder, text), "-q", "-j", "1")
    return open_result(folder / "out.h5"), show(folder, "out.h5").rows


def check_described(data):
    for name, variable in data.variables.items():
        check(variable.attrs["units"] and variable.attrs["description"], name, variable.attrs)


def test_steady_states(folder):
    data, rows = opened(folder, PHASE)
    same(dict(data.sizes), {"t_c": 3, "phi2": 2, "theta": 16, "theta2": 16}, "sizes")
    same(list(data.t_c.values) + list(data.phi2.values), [0, 0.5, 2, 0, 1], "axes")
    check_described(data)
    check(data.phi2.attrs["units"] == "rad" and data.coherence.attrs["units"] == "n_0", data.coherence.attrs)
    check(data.exp_i_theta21.dtype == complex and data.converged.dtype == bool and data.steps.dtype.kind == "i",
          data.dtypes)
    for row in rows:
        point = data.sel(t_c=row["t_c"], phi2=row["phi2"])
        for name in ("exp_i_theta21", "coherence", "residual", "converged", "rhs"):
            same(point[name].item(), row[name], f"{name} at {row['t_c']}, {row['phi2']}:")
    norm = data.P_theta.sum(("theta", "theta2")) * (2 * np.pi / 16) ** 2
    check(data.P_theta.dims == ("t_c", "phi2", "theta", "theta2") and np.allclose(norm, 1), data.P_theta)
    same(data.P_theta1.dims, ("t_c", "phi2", "theta"), "dimensions")


def test_attributes(folder):
    data, _ = opened(folder, PHASE)
    for word in ("[model]", "D_p = 0.2", "t_c = 0, 0.5, 2"):
        check(word in data.attrs["config"], word, "is not in", data.attrs["config"])
    with h5py.File(folder / "out.h5") as f:
        same(set(data.attrs), set(f.attrs), "attributes")
    same((data.attrs["equation"], data.attrs["backend"], data.attrs["threads"]), ("phase", "cpu", 1), "attributes")


def test_evolution(folder):
    data, rows = opened(folder, PHASE + EVOLVE)
    same(data.coherence.dims, ("t_c", "phi2", "time"), "dimensions")
    same(data.converged.dims, ("t_c", "phi2"), "dimensions")
    check_described(data)
    for row in rows:
        point = data.sel(t_c=row["t_c"], phi2=row["phi2"], time=row["t"])
        same(point.exp_i_theta1.item(), row["exp_i_theta1"], f"t = {row['t']}:")


def test_density_matrix_without_a_sweep(folder):
    data, rows = opened(folder, LINDBLAD + EVOLVE)
    check(data.rho1.dtype == complex and data.rho1.shape == (40, 40), data.rho1)
    check(len(set(data.rho1.dims)) == 2 and data.a1.dims == ("time",) and data.converged.shape == (), data)
    same(list(data.a1.values), [row["a1"] for row in rows], "a1")
    check_described(data)


def test_it_prints(folder):
    opened(folder, PHASE)
    done = subprocess.run([sys.executable, READER, "out.h5"], cwd=folder, text=True, capture_output=True)
    check(done.returncode == 0 and "coherence" in done.stdout and "t_c" in done.stdout, done)


def test_what_it_refuses(folder):
    def refused(name, word, *options):
        done = subprocess.run([sys.executable, *options, READER, name], cwd=folder, text=True, capture_output=True)
        check(done.returncode == 1 and word in done.stderr and "Traceback" not in done.stderr, done)
    with h5py.File(folder / "foreign.h5", "w") as f:
        f["x"] = 1
    try:
        importlib.import_module("xarray")
    except ImportError:
        refused("foreign.h5", "needs xarray")
        return
    refused("foreign.h5", "is no result of nanolase")
    refused("missing.h5", "missing.h5")


def test_missing_xarray_is_named(folder):
    code = ("import sys; sys.modules['xarray'] = None; import nanolase_reader\n"
            "try: nanolase_reader.open_result('x.h5')\n"
            "except ImportError as why: print(why)")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", text=True, capture_output=True)
    check("needs xarray" in done.stdout and not done.stderr, done)


if __name__ == "__main__":
    main(globals())
