"""What the tests of crashes share: a disk that fails or kills, comparing results, and the runs that are tried."""
import os
import shutil
import signal
import subprocess

import h5py

from cli_support import ENVIRONMENT, EVOLVE, LASER, LONGEST, PROGRAM, ROOT, SMALL, Skip, check, ini, sets

OFTEN = {"output.checkpoint": 0.002}  # seconds
SWEPT = {"sweep.t_c": "linspace(0.1, 2, 6)", "phase.D_p": 0.1, "grid.n_c": 48}
PAIR = {"model.sites": 2, "laser.t_c": 0.1, "laser.gamma": 100, "fock.levels": "auto"}
DIMER = """
[model]
equation = dimer
[laser]
cooperativity = 1.2
gamma = 40
[fock]
levels = 10
"""
RADII = "[model]\nequation = phase-selfconsistent\n[grid]\nn_c = 32\norder = 8\n"
AMPLITUDE = "[model]\nequation = amplitude\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 200\n[steady]\n" \
            "tolerance = 1e-6\n"
EVOLVED = {**EVOLVE, "run.t_end": 12, "run.save_every": 1}

# Every method, and every model: a few tenths of a second each.
RUNS = {
    "evolution": (SMALL, {**SWEPT, **EVOLVED, "output.fields": "yes"}),
    "relaxation on three grids": (SMALL, {**SWEPT, "steady.method": "relax", "steady.tolerance": 1e-9}),
    "extrapolation": (SMALL, {**SWEPT, "steady.method": "rre", "grid.n_c": 64, "integrator.method": "rk45"}),
    "cycles": (SMALL, {**SWEPT, "grid.n_c": 96, "steady.tolerance": 1e-11}),
    "cycles that are given up": (SMALL, {"phase.D_p": 0.002, "grid.n_c": 24, "sweep.t_c": "0.8, 1"}),
    "eigenvectors and gap": (SMALL, {**SWEPT, "steady.method": "krylov", "steady.gap": "yes", "grid.n_c": 24}),
    "gap, then extrapolation": (LASER, {"steady.gap": "yes", "sweep.epsilon": "0.3, 0.4"}),
    "Chebyshev steps to a steady state": (LASER, {"sweep.epsilon": "0, 0.1, 0.2, 0.3", "steady.tolerance": 1e-12}),
    "Chebyshev steps in time": (LASER, {**EVOLVED, "run.initial": "vacuum", "integrator.method": "rkc",
                                        "run.t_end": 20}),
    "response of a pair": (LASER, {**PAIR, "steady.tolerance": 1e-3, "sweep.phi2": "0, 1", "output.fields": "yes"}),
    "two lasers exactly": (DIMER, {**EVOLVED, "run.initial": "vacuum", "run.t_end": 6, "sweep.t_c": "0.1, 0.5"}),
    "amplitudes": (AMPLITUDE, {"sweep.epsilon": "0, 0.3", "steady.method": "rre", "grid.order": 2}),
    "radii in time": (RADII, {**EVOLVED, "run.initial": "auto", "run.t_end": 100, "run.save_every": 10,
                              "sweep.t_c": "0.01, 0.02"}),
    "radii that agree with their phases": (RADII, {"sweep.t_c": "0.01, 0.02", "steady.tolerance": 1e-7}),
}


def faulty_disk(folder):
    """Environment of a program whose disk fails, but for when: see faulty_disk.c."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[-1]) or shutil.which("gcc")
    if not compiler:
        raise Skip("there is no C compiler for the faulty disk")
    library = folder.parent / (folder.name + "-faulty-disk.so")
    if not library.exists():
        source = ROOT / "tests" / "faulty_disk.c"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return {**ENVIRONMENT, "LD_PRELOAD": str(library), "FAULTY_FOLDER": f"{folder}/"}


def forget_faulty_disk(folder):
    (folder.parent / (folder.name + "-faulty-disk.so")).unlink(missing_ok=True)


def command(name, values, out, *options):
    return [str(PROGRAM), "run", name, "-o", out, "-q", "-j", "2", *sets({**OFTEN, **values}), *options]


def hear_interrupts():
    """A shell's background jobs ignore SIGINT, and so would what they start, until it says otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def launch(folder, arguments, environment=None):
    return subprocess.Popen(arguments, cwd=folder, env=environment or ENVIRONMENT, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts)


def finish(process):
    """Exit code and messages."""
    _, messages = process.communicate(timeout=LONGEST)
    check("Sanitizer" not in messages, messages)
    return process.returncode, messages


def resume_option(folder, out):
    """A run that was killed before it had a file is started again."""
    return ["--resume"] if (folder / out).exists() else []


def write(folder, text):
    return ini(folder, text)


def contents(path):
    """Every number of a result."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and name != "configuration":
            found[name] = (item.shape, item[()].tobytes())
    with h5py.File(path) as f:
        f.visititems(visit)
    return found


def identical(a, b, what):
    check(a.keys() == b.keys(), what, "have different datasets:", a.keys() ^ b.keys())
    different = [name for name in a if a[name] != b[name]]
    check(not different, what, "differ in", different)


def nothing_left(folder, out, *also):
    """Only results: no part of one, no lock, no state."""
    left = {path.name for path in folder.iterdir()} - {"run.ini", out, out + "~", *also}
    check(not left, "left behind:", left)
