#!/usr/bin/env python3
"""Sweeps: axes, overrides, and what results do not depend on."""
import math

import h5py

from cli_support import (EVOLVE, OUTCOME, SANITIZED, SMALL, Skip, assert_refused, check, close, ini, main, nanolase,
                         same, sets, show, solve, succeed, text_of)


# ---- sweeps ----

def test_two_axes(folder):
    table = solve(folder, SMALL, {"sweep.t_c": "0.5, -1, 2", "sweep.phi2": "linspace(0, 1, 3)"})
    order = [(row["t_c"], row["phi2"]) for row in table.rows]
    check(order == [(t, p) for t in (0.5, -1, 2) for p in (0, 0.5, 1)], "order of rows:", order)
    alone, = solve(folder, SMALL, {"laser.t_c": 2, "laser.phi2": 0.5}).rows
    close(table[7]["exp_i_theta2"], alone["exp_i_theta2"], 0, "row (2, 0.5)")


def test_sweep_expressions(folder):
    for text, values in (("linspace(0, 4, 5)", [0, 1, 2, 3, 4]), ("linspace(1, 0, 2)", [1, 0]),
                         ("linspace(2, 9, 1)", [2]), ("logspace(-2, 1, 4)", [0.01, 0.1, 1, 10]),
                         ("3,1 , 2e-1", [3, 1, 0.2]), ("0.25", [0.25])):
        got = solve(folder, SMALL + f"[sweep]\nphase.epsilon_over_r0 = {text}\n",
                    {"steady.tolerance": 0.1}).column("epsilon_over_r0")
        check(len(got) == len(values), text, "gives", got)
        for g, v in zip(got, values):
            close(g, v, 4e-16 * abs(v), text)


def test_overrides(folder):
    text = SMALL + "[sweep]\nt_c = 1, 2\nD_p = 0.3, 0.4\n"
    table = solve(folder, text, {"sweep.laser.t_c": "5", "laser.phi2": 0.4})
    check([(r["t_c"], r["D_p"]) for r in table.rows] == [(5, 0.3), (5, 0.4)], "axes:", table.header, table.rows)
    alone, = solve(folder, SMALL, {"laser.t_c": 5, "laser.phi2": 0.4, "phase.D_p": 0.3}).rows
    close(table[0]["exp_i_theta1"], alone["exp_i_theta1"], 0, "with overrides")
    last, = solve(folder, SMALL, {}, "-s", "laser.t_c=9", "-s", "laser.t_c=5", *sets({"laser.phi2": 0.4,
                                                                                 "phase.D_p": 0.3})).rows
    close(last["exp_i_theta1"], alone["exp_i_theta1"], 0, "the last override counts")


def test_override_of_a_swept_key_is_not_ignored(folder):
    """Either the axis gives way to the value, or the program refuses."""
    run = nanolase(folder, "run", ini(folder, SMALL + "[sweep]\nt_c = 1, 2\n"), "-s", "laser.t_c=0.5", "-o", "o.h5")
    check(run.returncode == 2 or all(row.get("t_c", 0.5) == 0.5 for row in show(folder, "o.h5").rows),
          "-s laser.t_c=0.5 had no effect beside a sweep over t_c")


def test_sweep_over_numerical_keys(folder):
    """Any numeric key can be swept: those of the method too."""
    table = solve(folder, SMALL, {"sweep.tolerance": "1e-2, 1e-8"})
    check(table[0]["steps"] < table[1]["steps"] and table[0]["residual"] > 1e-8, "tolerance:", table.rows)
    table = solve(folder, SMALL, {"sweep.max_time": "1, 1000", "steady.method": "rre"}, code=1)
    check(table.column("converged") == [0, 1], "max_time:", table.rows)
    table = solve(folder, SMALL, {**EVOLVE, "sweep.rtol": "1e-3, 1e-11", "integrator.atol": "1e-12"})
    check(table[0]["steps"] < table[-1]["steps"], "rtol:", table.column("steps"))
    table = solve(folder, SMALL, {"grid.n_c": "auto", "sweep.accuracy": "1e-2, 1e-8", "phase.D_p": 0.5})
    check(table[0]["exp_i_theta1"] != table[1]["exp_i_theta1"], "accuracy has no effect")


def test_sweep_over_final_time_is_not_ignored(folder):
    """All points share their saved times, so this may be refused."""
    run = nanolase(folder, "run", ini(folder, SMALL), "-q", "-o", "t.h5", *sets({**EVOLVE, "sweep.t_end": "0.2, 0.4"}))
    if run.returncode != 2:
        times = {row["t_end"]: row["model_time"] for row in show(folder, "t.h5").rows}
        check(times == {0.2: 0.2, 0.4: 0.4}, "sweep over t_end gives model times", times)


def test_sweep_over_sites_invents_nothing(folder):
    """A single laser has no theta_2: NaN, or the sweep is refused."""
    run = nanolase(folder, "run", ini(folder, SMALL), "-q", "-o", "s.h5", "-s", "sweep.sites=1, 2")
    if run.returncode != 2:
        one, two = show(folder, "s.h5").rows
        check(math.isnan(abs(one["exp_i_theta2"])) and not math.isnan(abs(two["exp_i_theta2"])), one)


def test_sweep_of_five_thousand_points(folder):
    """More values than fit an HDF5 attribute of 64 KiB as text."""
    table = solve(folder, "[grid]\nn_c = 24\n", {"model.sites": 1, "phase.D_p": 0.5, "steady.tolerance": "1e-3",
                                                 "sweep.epsilon_over_r0": "linspace(0, 1, 5000)"})
    check(len(table) == 5000 and table[4999]["epsilon_over_r0"] == 1, "rows:", len(table))


# ---- what results do not depend on ----

def test_thread_count_does_not_matter(folder):
    sweep = {"sweep.t_c": "linspace(0, 2, 7)", "sweep.order": "2, 8", "grid.n_c": 32}
    large = {**EVOLVE, "grid.n_c": 200, "run.t_end": 0.1}  # large enough for two threads on one point
    for settings in (sweep, large):
        one = solve(folder, SMALL, settings, "-j", "1", out="1.h5")
        two = solve(folder, SMALL, settings, "-j", "2", out="2.h5")
        same(one.text, two.text, "results of one and of two threads")
    with h5py.File(folder / "2.h5") as f:
        check(f.attrs["threads"] == 2, "the second run used", f.attrs["threads"], "threads")


def test_company_in_a_sweep_does_not_matter(folder):
    table = solve(folder, SMALL, {"sweep.t_c": "0, 0.7, 3", "sweep.D_p": "0.05, 0.2"})
    alone = solve(folder, SMALL, {"laser.t_c": 0.7, "phase.D_p": 0.05})
    in_company = {name: x for name, x in table.text[2].items() if name not in ("t_c", "D_p")}
    same(alone.text[0], in_company, "a point alone and in a sweep")


def test_cuda_on_cpu_agrees_with_cpu(folder):
    if not SANITIZED.exists():
        raise Skip("build/sanitized/nanolase is not built")
    base = {"grid.n_c": 32, "steady.tolerance": "1e-2", "phase.r2": 1.2}
    runs = ({"sweep.order": "2, 8", "sweep.t_c": "0.3, 1"}, {"model.sites": 1}, {**EVOLVE, "sweep.t_c": "0, 1"})
    for settings in runs:
        cpu = solve(folder, SMALL, {**base, **settings}, "-b", "cpu", program=SANITIZED, out="cpu.h5")
        cuda = solve(folder, SMALL, {**base, **settings}, "-b", "cuda", program=SANITIZED, out="cuda.h5")
        check(len(cpu) == len(cuda) and cpu.header == cuda.header, "shapes")
        for a, b in zip(cpu.rows, cuda.rows):
            check(a["converged"] == b["converged"] == 1 and a["steps"] == b["steps"], a, b)
            for name, x in a.items():
                if name not in OUTCOME:
                    close(b[name], x, 1e-12 * max(1, abs(x)), f"{settings}: {name}")
    with h5py.File(folder / "cuda.h5") as f:
        check(text_of(f.attrs["backend"]) == "cuda", f.attrs["backend"])


def test_cuda_without_a_device(folder):
    if "CUDA device: none" not in succeed(folder, "info").stdout:
        raise Skip("there is a CUDA device")
    ini(folder, SMALL)
    assert_refused(folder, ["run", "run.ini", "-b", "cuda"], 3, ["CUDA", "-b cpu"])
    run = succeed(folder, "run", "run.ini", "-b", "auto", "-o", "auto.h5")
    check("CPU" in run.stderr, "it does not say where it runs:", run.stderr)


if __name__ == "__main__":
    main(globals())
