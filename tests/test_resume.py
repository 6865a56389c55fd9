#!/usr/bin/env python3
"""Points that do not converge, runs that are interrupted, and going on with them."""
import math
import os
import signal
import subprocess

import h5py
import numpy as np

from cli_support import (AT_ONCE, EVOLVE, LASER, PAIR_IN_TIME, SMALL, assert_refused, check, close, ini, interrupt,
                         is_finished, main, nanolase, same, sets, show, solve, start, succeed)


# ---- convergence ----

def test_grid_too_coarse(folder):
    """Differences with growing modes: not converged, and the program says what to do about it."""
    config = ini(folder, SMALL)
    run = succeed(folder, "run", config, "-o", "coarse.h5", *sets({"phase.D_p": 0.002, "laser.t_c": 1, "grid.n_c": 24}),
                  code=1)
    check("n_c = 24 may be too coarse" in run.stderr, run.stderr)
    run = succeed(folder, "run", config, "-o", "fine.h5", *sets({"phase.D_p": 0.05, "laser.t_c": 1, "grid.n_c": 48}))
    check("coarse" not in run.stderr, run.stderr)


def test_points_that_reach_max_time(folder):
    # the second is slow
    settings = {"sweep.epsilon_over_r0": "3, 1, 4", "phase.D_p": 0.05, "grid.n_c": 48, "steady.method": "rre"}
    free = solve(folder, SMALL, settings)
    slow, next_slow = free[1]["model_time"], max(free[0]["model_time"], free[2]["model_time"])
    check(slow > 1.5 * next_slow, "model times:", free.column("model_time"))
    limit = (slow + next_slow) / 2
    options = sets({**settings, "steady.max_time": limit})
    run = succeed(folder, "run", "run.ini", "-o", "cut.h5", "-j", "1", *options, code=1)
    check("1 of 3" in run.stderr and "max_time" in run.stderr, run.stderr)
    cut = show(folder, "cut.h5")
    check(cut.column("converged") == [1, 0, 1], "converged:", cut.rows)
    check(cut[1]["residual"] > 1e-6 and limit <= cut[1]["model_time"] < slow, cut[1])
    close(cut[1]["exp_i_theta1"], free[1]["exp_i_theta1"], 0.1, "the unconverged point is still shown")
    same([cut.text[0], cut.text[2]], [free.text[0], free.text[2]], "the other points")
    with h5py.File(folder / "cut.h5") as f:
        check(f["convergence/converged"][()].tolist() == [1, 0, 1], "in the file")


def test_cut_off_states_are_told(folder):
    """Exit code 1, a status of its own, and the remedy."""
    name = ini(folder, LASER)
    settings = {**EVOLVE, "run.initial": "vacuum", "fock.levels": 4, "laser.epsilon": 2.0}
    run = succeed(folder, "run", name, "-o", "out.h5", *sets(settings), code=1)
    check("1 reached the cutoff" in run.stderr and "more levels" in run.stderr, run.stderr)
    check(show(folder, "out.h5")[-1]["converged"] == 0, "a state that is cut off counts as converged")
    with h5py.File(folder / "out.h5") as f:
        check(f["convergence/status"][()] == 5, f["convergence/status"][()])
    succeed(folder, "run", name, "-o", "out.h5", *sets({**settings, "fock.levels": 40}))


# ---- interruption ----

INTERRUPTED = {
    "steady": ({"steady.method": "rre", "sweep.t_c": "linspace(0, 2, 30)", "grid.n_c": 48, "phase.D_p": 0.1,
                "output.fields": "yes"},
               signal.SIGINT),
    "evolve": ({"sweep.t_c": "linspace(0, 2, 30)", "grid.n_c": 48, **EVOLVE, "run.t_end": 10, "run.save_every": 1},
               signal.SIGTERM),
}


def interrupted_and_resumed(folder, settings, number):
    name = ini(folder, SMALL)
    options = [name, "-j", "1", *sets(settings)]
    interrupt(start(folder, *options, "-o", "part.h5"), number)
    finished = is_finished(folder, "part.h5")
    check(0 < finished.sum() < finished.size, f"{finished.sum()} of {finished.size} points are done")
    pending = next(row for row in show(folder, "part.h5").rows if row["steps"] == 0)
    check(pending["converged"] == 0 and math.isnan(pending["coherence"]), pending)
    bytes_before = (folder / "part.h5").read_bytes()
    changed = ["run", *options, "-o", "part.h5", "--resume", "-s", "laser.phi2=0.1"]
    assert_refused(folder, changed, 4, ["part.h5", "configuration", "laser.phi2 was 0, is 0.1", "1 key"])
    check((folder / "part.h5").read_bytes() == bytes_before, "a refused --resume changes the file")
    run = succeed(folder, "run", *options, "-o", "part.h5", "--resume")
    check(f"{finished.sum()} of {finished.size}" in run.stderr, run.stderr)
    succeed(folder, "run", *options, "-o", "whole.h5", "-q")
    same(show(folder, "part.h5").text, show(folder, "whole.h5").text, "resumed and uninterrupted run")
    with h5py.File(folder / "part.h5") as part, h5py.File(folder / "whole.h5") as whole:
        for field in whole.get("fields", ()):
            check(np.array_equal(part["fields"][field][()], whole["fields"][field][()]), field)


def test_interrupt_and_resume_steady(folder):
    interrupted_and_resumed(folder, *INTERRUPTED["steady"])


def test_interrupt_and_resume_evolution(folder):
    interrupted_and_resumed(folder, *INTERRUPTED["evolve"])


def test_points_not_computed_show_no_numbers(folder):
    """Zeros there would look like a residual of zero, and like a distribution."""
    settings, number = INTERRUPTED["steady"]
    interrupt(start(folder, ini(folder, SMALL), "-j", "1", *sets(settings), "-o", "part.h5"), number)
    last = show(folder, "part.h5")[-1]
    check(last["converged"] == 0 and last["steps"] == 0, last)
    check(math.isnan(last["coherence"]) and math.isnan(last["residual"]), "residual", last["residual"])
    with h5py.File(folder / "part.h5") as f:
        check(np.isnan(f["fields/P_theta"][-1]).all(), "P_theta is not NaN")


def test_second_signal_stops_within_a_point(folder):
    settings = {**EVOLVE, "run.t_end": 1e6, "run.save_every": 1e6, "grid.n_c": 64}
    process = start(folder, ini(folder, SMALL), "-j", "1", "-o", "p.h5", *sets(settings))
    process.send_signal(signal.SIGINT)
    try:
        process.wait(1)
        raise AssertionError("the first signal must let the point be finished")
    except subprocess.TimeoutExpired:
        pass
    interrupt(process, signal.SIGINT)
    check(not is_finished(folder, "p.h5").any(), "the point counts as done")


def test_kill_leaves_the_former_result(folder):
    name = ini(folder, SMALL)
    succeed(folder, "run", name, "-o", "k.h5", "-q")
    before = (folder / "k.h5").read_bytes()
    process = start(folder, name, "-o", "k.h5", *sets({**EVOLVE, "run.t_end": 1e6, "run.save_every": 1e6}))
    process.kill()
    process.communicate()
    check((folder / "k.h5").read_bytes() == before, "the former result is gone")


def test_what_differs_is_shown(folder):
    """Keys of the old configuration, of the new one, of both; not where the result is kept."""
    solve(folder, SMALL, {"sweep.t_c": "0, 1", "grid.n_c": 32})
    options = sets({"sweep.phi2": "0, 1", "grid.n_c": 32, "laser.t_c": 0.5, "output.file": "x.h5"})
    run = nanolase(folder, "run", "run.ini", "-o", "out.h5", "--resume", "-q", *options)
    lines = [line.strip() for line in run.stderr.split("\n")]
    wanted = ["laser.t_c was 1, is 0.5", "sweep.laser.phi2 was not given, is 0, 1",
              "sweep.laser.t_c was 0, 1, is not given"]
    check(run.returncode == 4 and lines[1:4] == wanted and "3 keys" in lines[0] and "output file" in lines[4],
          run.stderr)


def test_two_runs_on_one_output(folder):
    """The second is refused while the first is at work, by whatever name it comes; a killed one leaves nothing in the
    way."""
    name = ini(folder, SMALL)
    (folder / "link.h5").symlink_to("deep/out.h5")
    (folder / "deep").mkdir()
    endless = sets({**EVOLVE, "run.t_end": 1e6, "run.save_every": 1e6})
    process = start(folder, name, "-o", "deep/out.h5", *endless)
    for other in ("deep/out.h5", "link.h5"):
        for options in ([], ["--resume"]):
            run = nanolase(folder, "run", name, "-o", other, *options, timeout=AT_ONCE)
            check(run.returncode == 4 and f"process {process.pid} " in run.stderr, other, options, run.stderr)
    succeed(folder, "run", name, "-o", "deep/other.h5", "-q")
    check(is_finished(folder, "deep/other.h5").all() and not is_finished(folder, "deep/out.h5").any(),
          "both are in use")
    process.kill()
    process.communicate()
    succeed(folder, "run", name, "-o", "link.h5", "-q")
    check(sorted(os.listdir(folder / "deep")) == ["other.h5", "out.h5", "out.h5~"], os.listdir(folder / "deep"))
    check((folder / "link.h5").is_symlink() and is_finished(folder, "link.h5").all(), "the link was replaced")


def test_links_that_lead_nowhere(folder):
    name = ini(folder, SMALL)
    (folder / "a.h5").symlink_to("b.h5")
    (folder / "b.h5").symlink_to("a.h5")
    assert_refused(folder, ["run", name, "-o", "a.h5"], 2, ["a.h5", "circle"])
    (folder / "new.h5").symlink_to(folder / "target.h5")
    succeed(folder, "run", name, "-o", "new.h5", "-q")
    check((folder / "new.h5").is_symlink() and is_finished(folder, "target.h5").all(), "a link to a file to be made")


def test_resume_needs_a_result(folder):
    ini(folder, SMALL)
    assert_refused(folder, ["run", "run.ini", "-o", "none.h5", "--resume", "-b", "cpu"], 4, ["none.h5", "--resume"])


def test_resume_computes_only_what_is_missing(folder):
    """Points that are done keep even a value that no run gives; the one marked as pending gets its own."""
    settings = {"sweep.t_c": "0, 1"}
    table = solve(folder, SMALL, settings)
    with h5py.File(folder / "out.h5", "r+") as f:
        f["observables/coherence"][...] = [42, 43]
        f["convergence/status"][1] = 0
    run = succeed(folder, "run", "run.ini", "-o", "out.h5", "--resume", *sets(settings))
    check("1 of 2" in run.stderr, run.stderr)
    check(show(folder, "out.h5").column("coherence") == [42, table[1]["coherence"]], show(folder, "out.h5").rows)
    run = succeed(folder, "run", "run.ini", "-o", "out.h5", "--resume", *sets(settings))
    check("2 of 2" in run.stderr and show(folder, "out.h5")[0]["coherence"] == 42, run.stderr)


def test_resumed_pair(folder):
    """A point that is marked as pending is computed again, and fields with it."""
    settings = {**PAIR_IN_TIME, "sweep.t_c": "0, 0.5", "output.fields": "yes"}
    table = solve(folder, LASER, settings)
    with h5py.File(folder / "out.h5", "r+") as f:
        rho = f["fields/rho1"][()]
        f["convergence/status"][1] = 0
        f["fields/rho1"][1] = 0
    run = succeed(folder, "run", "run.ini", "-o", "out.h5", "--resume", "-j", "1", *sets(settings))
    check("1 of 2" in run.stderr, run.stderr)
    same(show(folder, "out.h5").text, table.text, "resumed pair")
    with h5py.File(folder / "out.h5") as f:
        check(np.array_equal(f["fields/rho1"][()], rho), "rho1")


def test_former_result_is_kept(folder):
    for t_c in (1, 2):
        solve(folder, SMALL, {"laser.t_c": t_c})
        content = (folder / "out.h5").read_bytes()
    solve(folder, SMALL, {"laser.t_c": 3})
    check((folder / "out.h5~").read_bytes() == content, "out.h5~ is not the result before")
    check(sorted(os.listdir(folder)) == ["out.h5", "out.h5~", "run.ini"], os.listdir(folder))


if __name__ == "__main__":
    main(globals())
