#!/usr/bin/env python3
"""What a result says of its own quality: states that grow, fail or make no sense are told, each with its reason, and
the other points of the sweep are as they would be alone."""
import h5py
import numpy as np

from cli_support import EVOLVE, LASER, SMALL, check, ini, main, nanolase, same, sets, show, solve, succeed, text_of

COARSE = {"phase.D_p": 0.002}  # on SMALL's grid, whose differences then have growing modes
CONVERGED, MAX_TIME, GREW, UNRESOLVED = 1, 2, 6, 8

AMPLITUDE = "[model]\nequation = amplitude\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 200\n[steady]\n" \
            "tolerance = 1e-6\n"
DIMER = "[model]\nequation = dimer\n[laser]\ncooperativity = 0.2\ngamma = 10\nepsilon = 0.2\n"
RADII = "[model]\nequation = phase-selfconsistent\n[laser]\nt_c = 0.02\n[grid]\nn_c = 32\norder = 8\n"


def statuses(folder, name="out.h5"):
    with h5py.File(folder / name) as f:
        return [int(x) for x in np.ravel(f["convergence/status"][()])]


def reasons(folder, name="out.h5"):
    with h5py.File(folder / name) as f:
        return [text_of(x) for x in np.ravel(f["convergence/reason"][()])]


def test_growing_states_are_told(folder):
    """In time and on the way to a steady state, before they stop being finite; the points beside them are computed."""
    for settings in ({}, {**EVOLVE, "run.t_end": 100, "run.save_every": 25}):
        table = solve(folder, SMALL, {**COARSE, **settings, "sweep.n_c": "24, 48"}, code=1)
        check(statuses(folder) == [GREW, CONVERGED], settings, statuses(folder), reasons(folder))
        check("grew beyond" in reasons(folder)[0] and reasons(folder)[1] == "", reasons(folder))
        alone = solve(folder, SMALL, {**COARSE, **settings, "grid.n_c": 48}, out="alone.h5")
        same({k: x for k, x in table.text[-1].items() if k != "n_c"}, alone.text[-1], f"{settings}: the point beside")


def test_a_distribution_that_is_negative_is_no_result(folder):
    """A steady state of the differences, converged as such, but none of the equation: |<e^{i theta}>| = 4."""
    row, = solve(folder, SMALL, {**COARSE, "laser.t_c": 0}, code=1).rows
    check(abs(row["exp_i_theta1"]) > 1 and row["residual"] < 1e-6, row)
    check(statuses(folder) == [UNRESOLVED] and "negative" in reasons(folder)[0], reasons(folder))
    solve(folder, SMALL)
    with h5py.File(folder / "out.h5") as f:
        check(f["convergence/negativity"][()] < 1e-12, f["convergence/negativity"][()])


def test_every_model_marks_the_point_and_goes_on(folder):
    """One point has no time to converge; it is marked with the reason, the other is as it is alone."""
    cases = {"relax": (SMALL, "relax"), "rre": (SMALL, "rre"), "amplitude": (AMPLITUDE, "rre"),
             "laser": (LASER, "rre"), "pair": (LASER, "relax"), "dimer": (DIMER, "rre")}
    for kind, (text, method) in cases.items():
        settings = {"steady.method": method, "laser.t_c": 0.01, "steady.tolerance": 1e-4}
        if kind == "pair":
            settings.update({"model.sites": 2})
        table = solve(folder, text, {**settings, "sweep.max_time": "1e-3, 1e6"}, code=1)
        first, second = statuses(folder)
        check(first == MAX_TIME and second in (CONVERGED, 5), kind, statuses(folder), reasons(folder))
        check("max_time" in reasons(folder)[0], kind, reasons(folder))
        run = nanolase(folder, "run", "run.ini", "-o", "alone.h5", "-q", "-j", "1", *sets(settings))
        check(run.returncode in (0, 1), run.stderr)
        alone = show(folder, "alone.h5").text[0]
        same({k: x for k, x in table.text[1].items() if k != "max_time"}, alone, f"{kind}: the point beside")


def test_every_point_carries_its_quality(folder):
    """Residual, estimated error, norm and positivity, for every model; NaN where there is none to tell."""
    for text, settings in ((SMALL, {}), (AMPLITUDE, {}), (LASER, {}), (RADII, {"steady.tolerance": 1e-6}),
                           (LASER, {"model.sites": 2, "laser.t_c": 0.01, "steady.tolerance": 1e-4}),
                           (SMALL, EVOLVE), (LASER, {**EVOLVE, "run.initial": "vacuum"})):
        nanolase(folder, "run", ini(folder, text), "-o", "out.h5", "-q", *sets(settings))
        with h5py.File(folder / "out.h5") as f:
            for name in ("residual", "norm_error", "negativity", "rejected"):
                value = f["convergence"][name][()]
                check(np.isfinite(value) and value >= 0, text[:40], settings, name, value)
            distance = f["convergence/distance"][()]
            check(np.isnan(distance) if "run.mode" in settings else distance <= 1e-3, text[:40], settings, distance)
            check(f["convergence/norm_error"][()] < 1e-6 and f["convergence/negativity"][()] < 1e-3, text[:40],
                  settings)


def test_show_tells_at_a_glance(folder):
    """The worst of each, where it is, and every point that is wrong with its reason."""
    run = nanolase(folder, "run", ini(folder, SMALL), "-o", "out.h5",
                   *sets({**COARSE, "sweep.n_c": "24, 48", "sweep.phi2": "0, 0.1"}))
    check(run.returncode == 1 and "2 of 4" in run.stderr and "2 grew without bound" in run.stderr, run.stderr)
    lines = succeed(folder, "show", "out.h5").stdout.rstrip().split("\n")[5:]
    words = [" ".join(line.split()[:2]) for line in lines]
    check(words[:7] == ["largest residual", "estimated error", "norm error", "negative part", "rejected steps",
                        "point 1",
                        "point 2"] and lines[-1] == "out.h5: 2 of 4 points converged", lines)
    check("at n_c = 24, phi2 = 0" in lines[0] and "(n_c = 24, phi2 = 0.1): the state grew" in lines[6], lines)


if __name__ == "__main__":
    main(globals())
