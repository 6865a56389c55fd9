#!/usr/bin/env python3
"""Configurations, command lines and files that make no sense: refused before any work, with place and remedy."""
import os

import h5py
import numpy as np

from cli_support import SMALL, Skip, assert_refused, check, collect, ini, main, solve, succeed

P = "[phase]\nD_p = 0.2\nepsilon_over_r0 = 1\n"  # three lines
L = "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 200\n"  # six lines
G = "[grid]\nn_c = 24\n"
# (ini text, words that the message must hold; the line it must name, 0 for none)
BAD_CONFIGURATIONS = {
    "unknown key": ("[laser]\ngama = 1\n", 2, "gama", "unknown"),
    "unknown section": ("[lasers]\ngamma = 1\n", 1, "lasers", "unknown"),
    "unknown section without keys": ("[grid]\nn_c = 24\n[lasers]\n", 3, "lasers"),
    "key before any section": ("\ngamma = 1\n", 2, "gamma", "section"),
    "line without =": (P + "nonsense\n", 4),
    "section not closed": ("[laser\ngamma = 1\n", 1),
    "the first of two errors": ("[laser]\nnonsense\ngamma = abc\n", 2),
    "word for a number": ("[laser]\ngamma = abc\n", 2, "gamma", "abc", "number"),
    "number with a unit": ("[laser]\ngamma = 5 kappa\n", 2, "gamma", "number"),
    "empty value": ("[laser]\ngamma =\n", 2, "gamma"),
    "NaN": ("[laser]\n\nt_c = nan\n", 3, "t_c", "finite"),
    "infinity": ("[laser]\nt_c = -inf\n", 2, "t_c", "finite"),
    "overflow": ("[laser]\nt_c = 1e999\n", 2, "t_c", "finite"),
    "n_c = 3": (P + "[grid]\nn_c = 3\n", 5, "n_c", "between 8 and"),
    "n_c = 8.5": ("[grid]\nn_c = 8.5\n", 2, "n_c", "whole"),
    "n_c below the stencil": (P + "[grid]\nn_c = 8\norder = 8\n", 5, "n_c", "at least 10"),
    "D_p < 0": ("[phase]\nD_p = -0.1\n", 2, "D_p", "above 0"),
    "D_p = 0": ("[phase]\nD_p = 0\n", 2, "D_p", "above 0"),
    "D_p too small for a grid": ("[phase]\nD_p = 1e-25\nepsilon_over_r0 = 1\n", 0, "n_c"),
    "epsilon < 0": ("[laser]\nepsilon = -1\n", 2, "epsilon"),
    "order = 3": (P + "[grid]\norder = 3\n", 5, "order", "2, 4, 6 or 8"),
    "order = 10": ("[grid]\norder = 10\n", 2, "order"),
    "below threshold": ("[laser]\ncooperativity = 0.9\n", 2, "cooperativity", "> 1"),
    "at threshold": ("[laser]\ncooperativity = 1\n", 2, "cooperativity", "> 1"),
    "neither yes nor no": ("[laser]\nrenormalise = maybe\n", 2, "renormalise", "yes"),
    "unknown equation": ("[model]\nequation = fase\n", 2, "equation", "phase|"),
    "multigrid without a grid": ("[model]\nequation = gutzwiller\n[steady]\nmethod = multigrid\n", 4, "grids"),
    "eigenvectors of a nonlinear equation": ("[model]\nequation = gutzwiller\n[steady]\nmethod = krylov\n", 4,
                                             "linear"),
    "unknown integrator": (P + "[integrator]\nmethod = rk2\n", 5, "rk45", "rkc"),
    "spectral gap of a nonlinear equation": ("[model]\nequation = gutzwiller\n[steady]\ngap = yes\n", 4, "linear"),
    "initial state of another equation": (P + "[run]\ninitial = vacuum\n", 5, "uniform"),
    "initial state of the phase equation": (L + "[run]\ninitial = locked\n", 8, "vacuum"),
    "radii at a given diffusion": ("[model]\nequation = phase-selfconsistent\n[phase]\nD_p = 0.1\n", 4, "auto",
                                   "laser"),
    "radii below threshold": ("[model]\nequation = phase-selfconsistent\n[laser]\ncooperativity = 0.9\n", 4,
                              "threshold"),
    "radii by Chebyshev steps": ("[model]\nequation = phase-selfconsistent\n[run]\nmode = evolve\n[integrator]\n"
                                 "method = rkc\n", 6, "Runge-Kutta"),
    "fewer photons than none": ("[run]\nn_initial = -1\n", 2, "n_initial"),
    "sweep of sites": (L + "[sweep]\nsites = 1, 2\n", 8, "two runs"),
    "one Fock state": ("[fock]\nlevels = 1\n", 2, "levels"),
    "levels below the distribution": (L + "[fock]\nlevels = 40\n", 8, "at least 66"),
    "levels above the bound": (L + "[fock]\nlevels = 96\n", 8, "66 to 91", "local = qubit"),
    "no levels at all": (L + "[sweep]\ncooperativity = 2\n", 0, "local = qubit", "larger gamma"),
    "duplicate key": ("[laser]\nt_c = 1\n[grid]\n[laser]\nt_c = 2\n", 5, "t_c", "line 2"),
    "line too long": ("[laser]\nt_c = 1 ; " + "x" * 300 + "\n", 2, "longer"),
    "output without a name": ("[output]\nfile =\n", 2, "file"),
    "output in a missing folder": (P + "[output]\nfile = missing/out.h5\n", 5, "missing"),
    "too many saved times": ("[run]\nmode = evolve\nt_end = 1e9\nsave_every = 1e-3\n", 4, "save_every"),
    "max_time = 0": ("[steady]\nmax_time = 0\n", 2, "max_time"),
    "fields on different grids": (P + "[output]\nfields = yes\n[sweep]\nn_c = 16, 24\n", 5, "n_c"),
    "empty sweep": ("[sweep]\nt_c =\n", 2, "t_c", "empty"),
    "linspace of no points": ("[sweep]\nt_c = linspace(0, 1, 0)\n", 2, "t_c", "at least 1"),
    "linspace of half points": ("[sweep]\nt_c = linspace(0, 1, 2.5)\n", 2, "t_c", "whole"),
    "linspace of two numbers": ("[sweep]\nt_c = linspace(0, 1)\n", 2, "t_c", "three"),
    "linspace not closed": ("[sweep]\nt_c = linspace(0, 1, 3\n", 2, "t_c", "bracket"),
    "linspace with an empty place": ("[sweep]\nt_c = linspace( , 1, 3)\n", 2, "t_c", "three"),
    "sweep with an empty place": ("[sweep]\nt_c = 1, , 2\n", 2, "t_c", "number"),
    "sweep with a comma at the end": ("[sweep]\nt_c = 1, 2,\n", 2, "t_c", "number"),
    "NaN in a sweep": ("[sweep]\nt_c = 1, nan\n", 2, "t_c", "finite"),
    "infinity in a sweep": ("[sweep]\nt_c = logspace(0, 400, 3)\n", 2, "t_c"),
    "sweep of a word": ("[sweep]\nequation = 1, 2\n", 2, "equation", "numeric"),
    "sweep of a flag": ("[sweep]\nlaser.renormalise = 0, 1\n", 2, "renormalise", "numeric"),
    "sweep of an unknown key": ("[sweep]\ntc = 1, 2\n", 2, "tc", "no such key"),
    "sweep out of range": ("[sweep]\nD_p = 0.1, -1\n", 2, "D_p", "-1"),
    "sweep of half an order": ("[sweep]\norder = 2, 2.5\n", 2, "order", "whole"),
    "sweep of an odd order": (P + "[grid]\norder = 4\n[sweep]\norder = 2, 3\n", 7, "order", "2, 4, 6 or 8"),
    "sweep below the stencil": (P + "[grid]\norder = 8\n[sweep]\nn_c = 8, 16\n", 7, "n_c", "at least 10"),
    "sweep below threshold": ("[sweep]\ncooperativity = 0.9, 1.1\n", 2, "cooperativity"),
    "sweep given twice": ("[sweep]\nt_c = 1\nlaser.t_c = 2\n", 3, "t_c", "line 2"),
    "too many points": ("[sweep]\nt_c = linspace(0, 1, 10000)\nphi2 = linspace(0, 1, 10000)\n", 0, "points"),
}
# arguments: words
BAD_OVERRIDES = {
    ("-s", "t_c=1"): ("-s t_c=1", "SECTION.KEY=VALUE"),
    ("-s", "laser.t_c"): ("-s laser.t_c", "SECTION.KEY=VALUE"),
    ("-s", "laser.tc=1"): ("-s laser.tc=1", "tc"),
    ("-s", "lasers.t_c=1"): ("lasers", "unknown"),
    ("-s", "laser.t_c="): ("t_c", "number"),
    ("-s", "laser.t_c=1x"): ("t_c", "number"),
    ("-s", "phase.D_p=-1"): ("-s phase.D_p=-1", "above 0"),
    ("-s", "sweep.t_c="): ("t_c", "empty"),
    ("-s", "sweep.t_c=1, "): ("t_c", "number"),
    ("-s", "grid.order=5"): ("-s grid.order=5", "2, 4, 6 or 8"),
    ("-s", "output.file=missing/x.h5"): ("-s output.file", "missing"),
}
BAD_USAGE = {
    (): "command",
    ("compute", "run.ini"): "compute",
    ("run",): "file",
    ("show",): "file",
    ("run", "run.ini", "more.ini"): "more.ini",
    ("run", "run.ini", "--fast"): "--fast",
    ("run", "run.ini", "-j", "0"): "-j 0",
    ("run", "run.ini", "-j", "-1"): "-j -1",
    ("run", "run.ini", "-j", "many"): "-j many",
    ("run", "run.ini", "-b", "gpu"): "gpu",
    ("run", "run.ini", "-o", ""): "-o",
    ("run", "run.ini", "-s"): "-s|s",
    ("check", "run.ini", "-j", "2"): "-j",
    ("check", "run.ini", "--resume"): "-r",
    ("show", "run.ini", "-o", "x.h5"): "-o",
    ("keys", "run.ini"): "run.ini",
    ("run", "missing.ini"): "missing.ini",
    ("check", "missing.ini"): "missing.ini",
    ("run", "."): ".",
}


def test_bad_configurations(folder):
    failures = []
    for name, (text, line, *words) in BAD_CONFIGURATIONS.items():
        ini(folder, text, "bad.ini")
        place = f"bad.ini:{line}: " if line else "bad.ini: "
        for command in ("check", "run"):
            collect(failures, name, assert_refused, folder, [command, "bad.ini"], 2,
                    ["nanolase: " + place, "; ", *words])  # after the semicolon what would be right
    check(not failures, len(failures), "of", 2 * len(BAD_CONFIGURATIONS), "runs:\n" + "\n".join(failures))


def test_bad_overrides(folder):
    failures = []
    ini(folder, SMALL)
    for options, words in BAD_OVERRIDES.items():
        for command in ("check", "run"):
            collect(failures, "override", assert_refused, folder, [command, "run.ini", *options], 2, ["; ", *words])
    check(not failures, "\n" + "\n".join(failures))


def test_bad_usage(folder):
    failures = []
    ini(folder, SMALL)
    ini(folder, SMALL, "more.ini")
    for arguments, word in BAD_USAGE.items():
        collect(failures, "usage", assert_refused, folder, arguments, 2, [word])
    check(not failures, "\n" + "\n".join(failures))


def test_unusable_output(folder):
    """Refused before any work, and what lies there stays as it was."""
    ini(folder, SMALL)
    ini(folder, SMALL + "[output]\nfile = text.h5\n", "named.ini")
    (folder / "text.h5").write_text("measured values, kept for ten years\n")
    (folder / "folder.h5").mkdir()
    with h5py.File(folder / "foreign.h5", "w") as f:
        f["data"] = np.arange(5)
    kept = {name: (folder / name).read_bytes() for name in ("text.h5", "foreign.h5", "run.ini")}
    line = len(SMALL.split("\n")) + 1
    tries = [(["run.ini", "-o", out], word) for out, word in (
        ("missing/out.h5", "missing"), ("folder.h5", "folder.h5"), ("text.h5/out.h5", "text.h5"),
        ("text.h5", "text.h5"),
        ("foreign.h5", "foreign.h5"), ("run.ini", "run.ini"), ("/dev/null", "/dev/null"), ("/proc/out.h5", "/proc"),
        ("x" * 300, "x"), ("x" * 600, "longer|long"), ("folder.h5/", "folder"))]
    tries.append((["named.ini"], f"named.ini:{line}: "))
    failures = []
    for arguments, word in tries:
        collect(failures, "output", assert_refused, folder, ["run", *arguments], 2, [word])
    for name, content in kept.items():
        check((folder / name).read_bytes() == content, name, "was changed")
    check(not failures, "\n" + "\n".join(failures))


def test_output_that_cannot_be_kept(folder):
    """OUT~ or OUT.part cannot be written: known before the work, not after it."""
    ini(folder, SMALL)
    succeed(folder, "run", "run.ini", "-o", "a.h5", "-q")
    for name in ("a.h5~", "b.h5.part"):
        (folder / name).mkdir()
        (folder / name / "something").write_text("")
    failures = []
    for out, code in (("a.h5", 2), ("b.h5", 2)):
        collect(failures, "output", assert_refused, folder, ["run", "run.ini", "-o", out], code, [out])
    check(not failures, "\n" + "\n".join(failures))


def test_bad_results(folder):
    (folder / "text.h5").write_text("not HDF5")
    with h5py.File(folder / "foreign.h5", "w") as f:
        f["data"] = np.arange(5)
    solve(folder, SMALL)
    (folder / "cut.h5").write_bytes((folder / "out.h5").read_bytes()[:3000])
    for name in ("missing.h5", "text.h5", "foreign.h5", "cut.h5", "."):
        for options in ([], ["--csv"]):
            assert_refused(folder, ["show", name, *options], 4, [name])


def test_grid_beyond_memory(folder):
    needed = 9 * 8 * 65535 ** 2
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") > needed:
        raise Skip("this machine could hold the grid")
    ini(folder, SMALL.replace("n_c = 24", "n_c = 65535") + "[integrator]\nmethod = rk45\n")
    for command in ("check", "run"):
        assert_refused(folder, [command, "run.ini", *(["-b", "cpu"] if command == "run" else [])], 3, ["65535", "GB"])


if __name__ == "__main__":
    main(globals())
