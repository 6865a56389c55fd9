#!/usr/bin/env python3
"""Runs shared by several processes under mpirun: the same results as one process, whatever becomes of the others.

    python3 tests/test_ranks.py [WORD...]     only tests whose name contains a word
"""
import os
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np

from cli_support import (ENVIRONMENT, EVOLVE, LASER, LONGEST, PAIR_IN_TIME, PROGRAM, SANITIZED, SMALL, Skip, check, ini,
                         is_finished, main, same, sets, show, solve, succeed)
from crash_support import faulty_disk, forget_faulty_disk, nothing_left

# More ranks than processors, also as root, as in a container.
LAUNCH = dict(ENVIRONMENT, OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_ALLOW_RUN_AS_ROOT="1",
              OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", PRTE_MCA_rmaps_default_mapping_policy=":oversubscribe",
              OMPI_MCA_btl_vader_single_copy_mechanism="none", OMPI_MCA_mpi_yield_when_idle="1",
              OMPI_MCA_rmaps_base_no_schedule_local="0", OMPI_MCA_hwloc_base_binding_policy="none")
HANGS = LONGEST  # seconds
MANY = {"sweep.t_c": "linspace(0, 2, 9)", "sweep.phi2": "0, 0.7"}
# Points of some tenths of a second each, so that there is time to end a run in the middle.
SLOW = {"grid.n_c": 96, "steady.method": "relax", "steady.tolerance": "1e-9", "sweep.t_c": "linspace(0.1, 1, 12)"}
# Few photons: a tenth of a second, and a second as dimer.
FEW = """
[model]
equation = gutzwiller
[laser]
cooperativity = 0.3
gamma = 20
epsilon = 0.3
[steady]
tolerance = 1e-6
[sweep]
t_c = 0, 0.1, 0.2
"""
SELFCONSISTENT = """
[model]
equation = phase-selfconsistent
[laser]
cooperativity = 1.2
gamma = 200
[grid]
n_c = 24
order = 8
[sweep]
t_c = 0.01, 0.03
"""


def launcher(ranks):
    if not shutil.which("mpirun"):
        raise Skip("there is no mpirun here")
    if "MPI in this build: yes" not in succeed(".", "info").stdout:
        raise Skip("this build has no MPI")
    return ["mpirun", "-n", str(ranks)]


def launch(folder, ranks, *arguments, code=0, program=PROGRAM, environment=None):
    """Runs the program as so many ranks, to its end."""
    command = [*launcher(ranks), str(program), *map(str, arguments)]
    process = subprocess.Popen(command, cwd=folder, env=dict(LAUNCH, **(environment or {})), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=HANGS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{' '.join(command)}: still at work after {HANGS} s") from None
    check("Sanitizer" not in err and "runtime error" not in err, err)
    check(process.returncode == code, f"exit code {process.returncode} instead of {code}:", " ".join(command),
          "\n" + err)
    return out, [line for line in err.split("\n") if line.startswith("nanolase:")]


def solve_shared(folder, ranks, text, values=None, *options, out="shared.h5", **more):
    launch(folder, ranks, "run", ini(folder, text), "-o", out, "-q", "-b", "cpu", "-j", "1", *sets(values or {}),
           *options,
           **more)
    return show(folder, out)


def workers(folder, name="shared.h5"):
    """The ranks that computed the points."""
    with h5py.File(folder / name) as f:
        return set(f["convergence/rank"][()].ravel().tolist())


# ---- the same results ----

def test_ranks_share_a_sweep(folder):
    one = solve(folder, SMALL, MANY)
    for ranks in (2, 4):
        table = solve_shared(folder, ranks, SMALL, MANY)
        same(one.text, table.text, f"results of one process and of {ranks}")
        check(workers(folder) == set(range(ranks)), f"of {ranks} ranks these computed:", workers(folder))
        with h5py.File(folder / "shared.h5") as f:
            check(f.attrs["ranks"] == ranks, "the file says", f.attrs["ranks"], "ranks")


def test_ranks_share_fields_and_series(folder):
    fields = {"sweep.t_c": "0, 1, 2", "output.fields": "yes"}
    one = solve(folder, SMALL, fields)
    same(one.text, solve_shared(folder, 2, SMALL, fields).text, "steady states")
    with h5py.File(folder / "out.h5") as a, h5py.File(folder / "shared.h5") as b:
        for name in a["fields"]:
            check(np.array_equal(a[f"fields/{name}"][()], b[f"fields/{name}"][()]), name, "differs")
    for text, values in ((SMALL, {**EVOLVE, "sweep.t_c": "0, 1, 2"}), (LASER, {**PAIR_IN_TIME, "sweep.t_c": "0, 0.1"})):
        one = solve(folder, text, values)
        same(one.text, solve_shared(folder, 2, text, values).text, "evolutions")


def test_ranks_share_the_response_of_a_laser(folder):
    """Points that are solved together: what that needs is shared out."""
    one = solve(folder, FEW)
    for ranks in (2, 4):
        same(one.text, solve_shared(folder, ranks, FEW).text, f"results of one process and of {ranks}")


def test_ranks_share_searches_for_radii(folder):
    one = solve(folder, SELFCONSISTENT)
    same(one.text, solve_shared(folder, 2, SELFCONSISTENT).text, "results")


def test_ranks_share_dimers(folder):
    dimer = {"model.equation": "dimer"}
    same(solve(folder, FEW, dimer).text, solve_shared(folder, 2, FEW, dimer).text, "results")


# ---- parts of one grid ----

def difference(one, other):
    """Largest difference between observables of two tables of one shape."""
    check(one.header == other.header and len(one) == len(other), "tables of other shapes")
    names = one.header[:one.header.index("converged")]
    return max(abs(a[name] - b[name]) for a, b in zip(one.rows, other.rows) for name in names)


# Grids that are split, and coarser ones of fewer than 16 rows a rank, which are not.
SLABS = {
    "multigrid": {"grid.n_c": 96, "phase.D_p": 0.05},
    "relax": {"steady.method": "relax", "grid.n_c": 64, "steady.tolerance": "1e-4"},
    "extrapolated": {"steady.method": "rre", "grid.order": 2, "grid.n_c": 66},
    "krylov and gap": {"steady.method": "krylov", "steady.gap": "yes", "grid.n_c": 40, "phase.D_p": 0.5},
    "in time, with fields": {**EVOLVE, "grid.order": 6, "grid.n_c": 67, "output.fields": "yes"},
    "radii in time": {**EVOLVE, "model.equation": "phase-selfconsistent", "grid.n_c": 64, "phase.D_p": "auto",
                      "phase.epsilon_over_r0": "auto"},
}


def test_ranks_share_a_grid(folder):
    for what, values in SLABS.items():
        one = solve(folder, SMALL, values)
        for ranks in (2, 3, 4) if what == "multigrid" else (2,):
            table = solve_shared(folder, ranks, SMALL, values, "-p", "grids")
            apart = difference(one, table)
            check(apart < 1e-12, f"{what} by {ranks} ranks is {apart} off")
            same(one.column("rhs"), table.column("rhs"), "operator applications")
        if "output.fields" in values:
            with h5py.File(folder / "out.h5") as a, h5py.File(folder / "shared.h5") as b:
                check(np.allclose(a["fields/P_theta"][()], b["fields/P_theta"][()], 0, 1e-12), "P_theta differs")


def test_ranks_share_a_grid_in_single_precision(folder):
    """Rows of half the size are exchanged; what each element is computed from is the same."""
    for values in ({"grid.n_c": 96, "phase.D_p": 0.05}, {**EVOLVE, "grid.order": 6, "grid.n_c": 67}):
        text, single = SMALL.partition("[steady]")[0], {**values, "run.precision": "single"}
        one, double = solve(folder, text, single), solve(folder, text, values, out="double.h5")
        for ranks in (2, 3):
            table = solve_shared(folder, ranks, text, single, "-p", "grids")
            apart = difference(one, table)
            check(apart < 1e-15, f"{values} by {ranks} ranks is {apart} off")
        apart = difference(double, table)
        check(1e-10 < apart < 2e-5, f"{values}: single precision is {apart} from double")
        with h5py.File(folder / "shared.h5") as f:
            check(f.attrs["precision"] == "single", f.attrs["precision"])


def test_ranks_share_a_grid_on_devices(folder):
    """The CUDA kernels on slabs, compiled for the CPU and under the sanitizers, a device for each rank."""
    if not SANITIZED.exists():
        raise Skip("build/sanitized/nanolase is not built")
    for values in ({"grid.n_c": 48}, {**EVOLVE, "run.t_end": 0.2, "grid.n_c": 40, "grid.order": 4}):
        one = solve(folder, SMALL, values)
        _, said = launch(folder, 2, "run", ini(folder, SMALL), "-o", "shared.h5", "-b", "cuda", *sets(values),
                         program=SANITIZED, environment={"ASAN_OPTIONS": "detect_leaks=0"})  # MPI leaks
        check("CUDA on CPU" in said[0] and "share the grid" in said[1], said)
        apart = difference(one, show(folder, "shared.h5"))
        check(apart < 1e-12, f"{values}: {apart} off")


def test_what_ranks_share_is_chosen(folder):
    name = ini(folder, SMALL)
    for options, words in (([], "share the grid"), (["-p", "points"], "share the points"),
                           (["-s", "sweep.t_c=0,1"], "share the points"),
                           (["-s", "sweep.t_c=0,1", "-p", "grids"], "share the grid")):
        _, said = launch(folder, 2, "run", name, "-b", "cpu", *options)
        check(words in said[1], options, "says", said)
    _, said = launch(folder, 2, "run", ini(folder, FEW), "-p", "grids", code=2)
    check(len([line for line in said if "use -p points" in line]) == 1, said)


# ---- messages, errors ----

def test_one_rank_speaks(folder):
    name = ini(folder, SMALL)
    _, said = launch(folder, 3, "run", name, "-b", "cpu", *sets(MANY))
    check(len(said) == 3 and "3 ranks" in said[1] and "18 points" in said[2], said)
    out, _ = launch(folder, 3, "info")
    check(out.count("MPI in this build: yes") == 1, "info under mpirun:", out)
    for code, words, *arguments in ((2, "D_p", "run", name, "-s", "phase.D_p=-1"), (2, "-b", "run", name, "-b", "gpu"),
                                    (2, "no folder", "run", name, "-o", "nowhere/out.h5"),
                                    (4, "no result to resume", "run", name, "-o", "new.h5", "--resume")):
        _, said = launch(folder, 3, *arguments, code=code)
        check(len([line for line in said if words in line]) == 1, arguments, "says", said)
    check(not (folder / "new.h5").exists(), "a refused run has written")


def test_points_that_fail_set_the_exit_code(folder):
    values = {**MANY, "steady.method": "relax", "steady.max_time": 0.01}
    _, said = launch(folder, 2, "run", ini(folder, SMALL), *sets(values), code=1)
    check(sum("not converged" in line for line in said) == 1, said)
    check(is_finished(folder, "out.h5").all(), "every point is saved")


# ---- ends before the end ----

def children(process):
    """The ranks of a launcher in order of their number."""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{entry}/environ") as f:
                environment = dict(x.partition("=")[::2] for x in f.read().split("\0"))
        except (OSError, ValueError):
            continue
        rank = environment.get("OMPI_COMM_WORLD_RANK") or environment.get("PMI_RANK")
        if parent == process.pid and rank is not None:
            found[int(rank)] = int(entry)
    return [found[rank] for rank in sorted(found)]


def is_alive(process_id):
    try:
        return bool(os.listdir(f"/proc/{process_id}/fd"))
    except OSError:
        return False


def start_shared(folder, ranks, *arguments):
    """Starts a run that takes seconds; returns when its file holds a part of the points."""
    process = subprocess.Popen([*launcher(ranks), str(PROGRAM), "run", *map(str, arguments)], cwd=folder, env=LAUNCH,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + HANGS
    while not ((folder / "shared.h5").exists() and is_finished(folder, "shared.h5").any()):
        check(process.poll() is None and time.monotonic() < deadline, "no points are saved:", process.poll())
        time.sleep(0.02)
    return process


def end(process):
    try:
        return process.communicate(timeout=HANGS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"still at work {HANGS} s after it was to end") from None


def test_a_killed_rank_leaves_a_file_that_resumes(folder):
    options = ("-o", "shared.h5", "-b", "cpu", "-j", "1", *sets(SLOW))
    whole = solve(folder, SMALL, SLOW)
    for victim in (1, 0):
        for name in ("shared.h5", "shared.h5~"):
            (folder / name).unlink(missing_ok=True)
        process = start_shared(folder, 2, ini(folder, SMALL), *options)
        ranks = children(process)
        check(len(ranks) == 2, "ranks under the launcher:", ranks)
        os.kill(ranks[victim], signal.SIGKILL)
        said = end(process)
        check(process.returncode != 0, f"rank {victim} was killed, and the launcher says all is well:", said)
        done = is_finished(folder, "shared.h5")
        check(0 < done.sum() < done.size, f"{done.sum()} of {done.size} points are in the file")
        deadline = time.monotonic() + HANGS
        while any(is_alive(rank) for rank in ranks):
            check(time.monotonic() < deadline, "a rank goes on")
            time.sleep(0.02)
        launch(folder, 2, "run", ini(folder, SMALL), *options, "--resume")
        same(whole.text, show(folder, "shared.h5").text, "a resumed run and an uninterrupted one")


# Points of some tenths of a second each, in batches of several.
LONG = {**EVOLVE, "grid.n_c": 48, "phase.D_p": 0.1, "run.t_end": 60, "run.save_every": 20,
        "sweep.t_c": "linspace(0.1, 1, 8)", "output.checkpoint": 0.01}


def states(folder):
    kept = folder / "shared.h5.state"
    return sorted(name for name in os.listdir(kept) if "." not in name) if kept.exists() else []


def kill_all(folder, ranks, is_time, text, *options):
    """Kills launcher and ranks at once; returns the names of the states that are there then."""
    run = [*launcher(ranks), str(PROGRAM), "run", ini(folder, text), *options]
    process = subprocess.Popen(run, cwd=folder, env=LAUNCH, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + HANGS
    while not is_time():
        check(process.poll() is None and time.monotonic() < deadline, "no states are kept:", process.poll())
        time.sleep(0.005)
    victims = children(process)
    check(len(victims) == ranks, "ranks under the launcher:", victims)
    for victim in (*victims, process.pid):
        os.kill(victim, signal.SIGKILL)
    process.wait()
    while any(is_alive(victim) for victim in victims):
        check(time.monotonic() < deadline, "a rank goes on")
        time.sleep(0.005)
    return states(folder)


def resume_all(folder, ranks, *options):
    """By so many ranks, or a process of its own; returns what it says."""
    if ranks == 1:
        return succeed(folder, "run", "run.ini", *options, "--resume").stderr
    return "\n".join(launch(folder, ranks, "run", "run.ini", *options, "--resume")[1])


def check_that_the_second_reads(folder, *options):
    """States: killed where it reads the first of them, the run ends; and they are still there."""
    disk = {**faulty_disk(folder), "FAULTY_CALL": "pread", "FAULTY_FIRST": "1", "FAULTY_ERROR": "0"}
    names = [word for name in ("LD_PRELOAD", "FAULTY_FOLDER", "FAULTY_CALL", "FAULTY_FIRST", "FAULTY_ERROR")
             for word in ("-x", f"{name}={disk[name]}")]
    run = [str(PROGRAM), "run", "run.ini", *options, "--resume"]
    code = subprocess.run([*launcher(1), *run, ":", "-n", "1", *names, *run], cwd=folder, env=LAUNCH, timeout=HANGS,
                          stdin=subprocess.DEVNULL, capture_output=True).returncode
    check(code not in (0, 1), "the second rank reads no state: exit code", code)


def test_all_ranks_killed_at_work(folder):
    """What each had at work goes on, by more ranks or one, to the same numbers; of saved points nothing is kept."""
    options = ("-o", "shared.h5", "-b", "cpu", "-j", "1", *sets(LONG))
    whole, result = solve(folder, SMALL, LONG), folder / "shared.h5"
    for ranks, at_work, done in ((3, 2, 0), (1, 1, 5)):
        def is_time(files=at_work, points=done):
            return len(states(folder)) >= files and result.exists() and is_finished(folder, result).sum() >= points
        kept = kill_all(folder, 2, is_time, SMALL, *options)
        saved = is_finished(folder, result)
        superfluous = [name for name in kept if saved[int(name[6:])]]
        check(len(superfluous) <= 1, superfluous, "are kept, though done")  # one may be about to go
        if ranks > 1:
            check_that_the_second_reads(folder, *options)
        said = resume_all(folder, ranks, *options)
        check(" on from where " in said, kept, said)
        same(whole.text, show(folder, "shared.h5").text, f"a run resumed by {ranks} ranks and an uninterrupted one")
        nothing_left(folder, "shared.h5", "out.h5")
        result.unlink()
    forget_faulty_disk(folder)


def test_all_ranks_killed_within_a_joint_method(folder):
    """The first rank keeps what all have found, here of the response of a laser; another run's result is put aside."""
    values = {"sweep.t_c": "0.1", "steady.tolerance": "1e-8", "output.checkpoint": 0.005, "laser.cooperativity": 1.2,
              "laser.gamma": 100}
    options = ("-o", "shared.h5", "-b", "cpu", "-j", "1", *sets(values))
    whole = solve(folder, FEW, values)
    solve(folder, SMALL, out="shared.h5")
    kept = kill_all(folder, 2, (folder / "shared.h5~").exists, FEW, *options)
    check(kept == ["inner-0"], kept)
    resume_all(folder, 2, *options)
    same(whole.text, show(folder, "shared.h5").text, "a resumed run and an uninterrupted one")
    nothing_left(folder, "shared.h5", "out.h5")


def test_signals_end_all_ranks(folder):
    """SIGUSR1, which mpirun passes on; and SIGTERM to one rank alone, of those that share points or grids."""
    # quick points: each waits for others a hundred times
    grids = {"grid.n_c": 64, "sweep.t_c": "linspace(0.1, 1, 100)"}
    for to_launcher, share, values in ((True, "points", SLOW), (False, "points", SLOW), (False, "grids", grids)):
        options = ("-o", "shared.h5", "-b", "cpu", "-j", "1", *sets(values))
        (folder / "shared.h5").unlink(missing_ok=True)
        process = start_shared(folder, 2, ini(folder, SMALL), *options, "-p", share)
        if to_launcher:
            process.send_signal(signal.SIGUSR1)
        else:
            os.kill(children(process)[1], signal.SIGTERM)
        said = end(process)
        check(process.returncode == 1 and said.count("--resume") == 1, process.returncode, said)
        done = is_finished(folder, "shared.h5")
        check(0 < done.sum() < done.size, f"{done.sum()} of {done.size} points are in the file")
    succeed(folder, "run", ini(folder, SMALL), *options, "--resume")
    apart = difference(solve(folder, SMALL, grids), show(folder, "shared.h5"))
    check(apart < 1e-12, f"resumed by one process: {apart} off")


if __name__ == "__main__":
    main(globals())
