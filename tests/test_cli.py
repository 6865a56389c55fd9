#!/usr/bin/env python3
"""Runs nanolase as a user would: command line, configuration, files, and the physics that comes out.

    scripts/find-python.sh prints a python with numpy and h5py
    python3 tests/test_cli.py [WORD...]     only tests whose name contains a word
"""
import cmath
import math
import os
import pty
import select
import signal
import subprocess
import sys

import h5py
import numpy as np

from cli_support import (ENVIRONMENT, OUTCOME, PROGRAM, ROOT, SANITIZED, Skip, assert_described, assert_refused, bessel,
                         case_settings, check, close, collect, ini, interrupt, is_finished, nanolase, reference_cases,
                         reference_error, run_tests, same, scales, sets, show, solve, start, succeed, text_of)

# Equation 16 at D_p = 0.2, t_c = epsilon/r_0 = 1 on a small grid: a hundredth of a second.
SMALL = """
[laser]
t_c = 1
phi2 = 0
[phase]
D_p = 0.2
epsilon_over_r0 = 1
[grid]
n_c = 24
order = 8
[steady]
tolerance = 1e-6
"""
EVOLVE = {"run.mode": "evolve", "run.t_end": 0.5, "run.save_every": 0.1, "run.initial": "locked"}


# ---- against independent numbers ----

def test_reference_steady_states(folder):
    cases, worst = reference_cases(), 0.0
    check(len(cases) == 11, "cases:", len(cases))
    for case in cases:
        row, = solve(folder, "[grid]\norder = 8\n", {**case_settings(case), "grid.n_c": int(case["n_c"])}).rows
        error = reference_error(row, case)
        check(row["converged"] == 1 and error < 1e-8, case, "error", error)
        worst = max(worst, error)
    print(f"largest error against the reference: {worst:.2e}")


def test_observed_order(folder):
    case = next(c for c in reference_cases() if c["D_p"] == 0.2)
    axes = {"sweep.order": "2, 4, 6, 8", "sweep.n_c": "32, 48", "steady.tolerance": "1e-13"}
    table = solve(folder, "", {**case_settings(case), **axes})
    for coarse, fine in zip(table.rows[::2], table.rows[1::2]):
        slope = math.log(reference_error(coarse, case) / reference_error(fine, case)) / math.log(48 / 32)
        close(slope, coarse["order"], 0.15, "observed order")


# ---- closed forms ----

def test_locked_phases_have_bessel_moments(folder):
    """Without tunnelling <e^{i(theta - phi + pi/2)}> = I_1(x)/I_0(x), x = epsilon/(r_0 D_p)."""
    base = {"laser.phi1": 0.4, "laser.phi2": -1.1, "laser.t_c": 0.7, "phase.D_p": 0.25, "grid.n_c": 64, "grid.order": 8,
            "steady.tolerance": "1e-12", "sweep.epsilon_over_r0": "0.2, 1, 2.5"}
    for sites, t_c in ((1, 0.7), (2, 0)):  # one laser has nothing to tunnel to
        for row in solve(folder, "", {**base, "model.sites": sites, "laser.t_c": t_c}).rows:
            x = row["epsilon_over_r0"] / 0.25
            wanted = bessel(1, x) / bessel(0, x)
            close(row["exp_i_theta1"], wanted * cmath.exp(1j * (0.4 - math.pi / 2)), 1e-9, f"x = {x}, sites = {sites}")
            close(row["coherence1"], wanted ** 2, 1e-9, "coherence1")
            check(("exp_i_theta2" in row) == (sites == 2), "exp_i_theta2 is for two sites")
            if sites == 2:
                close(row["exp_i_theta2"], wanted * cmath.exp(1j * (-1.1 - math.pi / 2)), 1e-9, f"x = {x}, theta2")
                close(row["exp_i_theta21"], wanted ** 2 * cmath.exp(-1.5j), 1e-9, "independent phases")


def test_no_drive_gives_uniform_phases(folder):
    """From a distribution that is not uniform, for any t_c."""
    settings = {"phase.epsilon_over_r0": 0, "phase.D_p": 0.5, "run.initial": "locked", "steady.tolerance": "1e-10",
                "steady.method": "rre"}
    for row in solve(folder, SMALL, {**settings, "sweep.t_c": "-1, 0, 0.5, 3"}).rows:
        check(row["converged"] == 1 and row["model_time"] > 1, "it had to relax:", row)
        for name in ("exp_i_theta1", "exp_i_theta2", "exp_i_theta21"):
            close(row[name], 0, 1e-9, f"t_c = {row['t_c']}: {name}")


def test_uniform_start_without_drive_is_steady(folder):
    """Nothing is left to relax but rounding, and that is no reason to wait for it."""
    for row in solve(folder, SMALL, {"phase.epsilon_over_r0": 0, "grid.n_c": 48, "sweep.t_c": "0, 1, 3"}).rows:
        close(row["exp_i_theta1"], 0, 1e-14, "exp_i_theta1")
        check(row["converged"] == 1 and row["steps"] <= 100, f"t_c = {row['t_c']}: {row['steps']} steps")


def test_difference_of_undriven_phases_diffuses(folder):
    """<e^{i(theta_2 - theta_1)}>(t) = e^{-2 D_p t} times its initial value, with tunnelling on."""
    settings = {**EVOLVE, "run.t_end": 2.25, "run.save_every": 0.5, "grid.n_c": 64, "laser.phi2": 0.8,
                "phase.epsilon_over_r0": 0, "laser.t_c": 1.3}
    rows = solve(folder, SMALL, settings).rows
    check([row["t"] for row in rows] == [0, 0.5, 1, 1.5, 2, 2.25], "saved times:", [row["t"] for row in rows])
    check(abs(rows[0]["exp_i_theta21"]) > 0.5, "the start has no phase relation")
    for row in rows:
        wanted = rows[0]["exp_i_theta21"] * math.exp(-2 * 0.2 * row["t"])
        close(row["exp_i_theta21"], wanted, 1e-8, f"t = {row['t']}")
    moved = abs(rows[-1]["exp_i_theta1"] - rows[0]["exp_i_theta1"] * math.exp(-0.2 * 2.25))
    check(moved > 1e-3, "tunnelling had no effect on theta_1")


def test_evolution_ends_in_the_steady_state(folder):
    last = solve(folder, SMALL, {**EVOLVE, "run.t_end": 60, "run.save_every": 60}).rows[-1]
    steady, = solve(folder, SMALL, {"steady.tolerance": "1e-11"}).rows
    for name in ("exp_i_theta1", "exp_i_theta21"):
        close(last[name], steady[name], 1e-7, name)


# ---- coefficients and observables ----

def laser_numbers(C_p, gamma, kappa, renormalise):
    """n_0 and D_p of section 1 of the equations: A = C_p kappa, B = 2 A^2/gamma, B_r = B/C_p."""
    A = C_p * kappa
    B = 2 * A * A / gamma / (C_p if renormalise else 1)
    n0 = (A - kappa) / B
    return n0, A / (2 * n0)


def test_coefficients_come_from_the_laser(folder):
    for C_p, gamma, kappa, renormalise in ((2, 40, 1, True), (2, 40, 1, False), (1.5, 90, 2.5, True)):
        n0, D_p = laser_numbers(C_p, gamma, kappa, renormalise)
        laser = {"laser.cooperativity": C_p, "laser.gamma": gamma, "laser.kappa": kappa, "laser.epsilon": 1.5,
                 "laser.renormalise": "yes" if renormalise else "no", "laser.t_c": 0.3, "laser.phi2": 0.9,
                 "grid.n_c": 32, "grid.order": 8}
        derived, = solve(folder, "", laser).rows
        given, = solve(folder, "", {**laser, "phase.D_p": D_p, "phase.epsilon_over_r0": 1.5 / math.sqrt(n0)}).rows
        for name in ("exp_i_theta1", "exp_i_theta2", "exp_i_theta21", "coherence", "correlation"):
            close(derived[name], given[name], 1e-11, f"C_p = {C_p}, renormalise = {renormalise}: {name}")
        for j in "12":
            close(derived["n" + j], n0, 1e-12 * n0, "n" + j)
            close(derived["a" + j], math.sqrt(n0) * derived["exp_i_theta" + j], 1e-11, "a" + j)
        close(derived["imbalance"], 0, 1e-12, "imbalance")
        check(not {"a1", "n1", "n2", "imbalance", "relative_imbalance"} & set(given), "radii are not known:", given)
        text = succeed(folder, "check", "run.ini", *sets(laser)).stdout
        check(f"n_0 = {n0:g}" in text and f"D_p = {D_p:g}" in text, "check prints other coefficients:", text)


def test_unequal_radii(folder):
    row, = solve(folder, SMALL, {"phase.r1": 1.5, "phase.r2": 0.8}).rows
    n1, n2 = 1.5 ** 2, 0.8 ** 2
    wanted = {"n1": n1, "n2": n2, "imbalance": n1 - n2, "relative_imbalance": (n1 - n2) / (n1 + n2),
              "a1": 1.5 * row["exp_i_theta1"], "a2": 0.8 * row["exp_i_theta2"],
              "coherence1": n1 * abs(row["exp_i_theta1"]) ** 2, "coherence2": n2 * abs(row["exp_i_theta2"]) ** 2,
              "coherence": (row["coherence1"] + row["coherence2"]) / 2, "correlation": 1.5 * 0.8 * row["exp_i_theta21"]}
    for name, value in wanted.items():
        close(row[name], value, 1e-14, name)
    row, = solve(folder, "[laser]\ngamma = 40\ncooperativity = 2\nepsilon = 3\n[grid]\nn_c = 24\norder = 8\n",
                 {"phase.r1": 1.2}).rows
    close(row["n1"], 10 * 1.2 ** 2, 1e-12, "n1 in units of n_0 = 10")


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


# ---- output ----

def test_csv_format(folder):
    table = solve(folder, SMALL, {"sweep.t_c": "0.1, 1", "sweep.order": "2, 8"})
    axes, wanted = ["t_c", "order"], []
    for name in ("exp_i_theta1", "exp_i_theta2", "exp_i_theta21"):
        wanted += [name + "_re", name + "_im"]
    wanted += ["coherence1", "coherence2", "coherence", "correlation_re", "correlation_im"]
    check(table.header == axes + wanted + list(OUTCOME), "header:", table.header)
    for row in table.text:
        check(row["converged"] == "1" and row["steps"].isdigit() and row["rhs"].isdigit(), row)
        for text in row.values():
            check(f"{float(text):.17g}" == text, "not in 17 digits:", text)
    with h5py.File(folder / "out.h5") as f:
        for name in ("exp_i_theta1", "correlation", "coherence"):
            check(f["observables"][name][()].ravel().tolist() == table.column(name), name, "differs from the file")


def test_csv_of_evolution(folder):
    table = solve(folder, SMALL, {**EVOLVE, "run.t_end": 0.25, "sweep.t_c": "0, 1"})
    check(table.header[:3] == ["t_c", "t", "exp_i_theta1_re"] and table.header[-5:] == list(OUTCOME), table.header)
    check([(r["t_c"], r["t"]) for r in table.rows] == [(c, t) for c in (0, 1) for t in (0, 0.1, 0.2, 0.25)], table.rows)
    check(all(row["model_time"] == 0.25 and row["converged"] == 1 for row in table.rows), table.rows)


def test_hdf5_layout(folder):
    solve(folder, SMALL, {"sweep.t_c": "0.1, 0.5, 1", "sweep.phi2": "0, 2", "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        assert_described(f)
        check(f["axes/t_c"][()].tolist() == [0.1, 0.5, 1] and f["axes/phi2"][()].tolist() == [0, 2], "axes")
        check(text_of(f["axes/t_c"].attrs["units"]) == "kappa", f["axes/t_c"].attrs["units"])
        for group in ("observables", "convergence"):
            for name, data in f[group].items():
                check(data.shape == (3, 2), name, data.shape)
                check(scales(data) == ["/axes/t_c", "/axes/phi2"], name, scales(data))
        check(f["observables/exp_i_theta21"].dtype == np.complex128, f["observables/exp_i_theta21"].dtype)
        check(f["observables/coherence"].dtype == np.float64 and f["convergence/steps"].dtype.kind == "i", "types")
        check(f["convergence/converged"][()].tolist() == [[1, 1]] * 3, "converged")
        assert_fields(f, 24)
        root = f.attrs
        for name in ("config", "version", "commit", "backend", "device", "precision", "threads", "start_time",
                     "end_time"):
            check(name in root and str(root[name]), "root attribute", name)
        check(text_of(root["backend"]) == "cpu" and text_of(root["precision"]) == "double", dict(root))
        check(root["threads"] == 1 and root["start_time"] <= root["end_time"], dict(root))


def test_hdf5_texts_are_strings(folder):
    """h5py and xarray give str, not bytes, to those who read units, descriptions and the configuration."""
    solve(folder, SMALL)
    with h5py.File(folder / "out.h5") as f:
        for where, name in (("/", "config"), ("/", "version"), ("observables/coherence", "units")):
            check(isinstance(f[where].attrs[name], str), where, name, "is", type(f[where].attrs[name]))


def assert_fields(f, n):
    """P_theta[..., theta_1, theta_2] is a density whose marginals and moments are those in the file."""
    fields, h = f["fields"], 2 * math.pi / n
    P, theta = fields["P_theta"][()], fields["theta"][()]
    check(P.shape == (3, 2, n, n), P.shape)
    axes, grid = ["/axes/t_c", "/axes/phi2"], "/fields/theta"
    check(scales(fields["P_theta"]) == axes + [grid, grid], scales(fields["P_theta"]))
    check(scales(fields["P_theta1"]) == axes + [grid], scales(fields["P_theta1"]))
    check(np.allclose(theta, h * np.arange(n), rtol=0, atol=1e-14), "theta")
    check(np.allclose(P.sum((2, 3)) * h * h, 1, rtol=0, atol=1e-12), "normalisation")
    check(np.allclose(P.sum(3) * h, fields["P_theta1"][()], rtol=0, atol=1e-13), "P_theta1")
    check(np.allclose(P.sum(2) * h, fields["P_theta2"][()], rtol=0, atol=1e-13), "P_theta2")
    wave = np.exp(1j * theta)
    moment = np.einsum("...ij,i,j->...", P, wave.conj(), wave) * h * h
    check(np.allclose(moment, f["observables/exp_i_theta21"][()], rtol=0, atol=1e-12), "exp_i_theta21")
    first = np.einsum("...ij,i->...", P, wave) * h * h
    check(np.allclose(first, f["observables/exp_i_theta1"][()], rtol=0, atol=1e-12), "the first index is theta_1")


def test_hdf5_of_evolution_and_of_one_point(folder):
    solve(folder, SMALL, {**EVOLVE, "sweep.t_c": "0, 1", "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        assert_described(f)
        data = f["series/exp_i_theta1"]
        check(data.shape == (2, 6) and scales(data) == ["/axes/t_c", "/time"], data.shape, scales(data))
        check(np.allclose(f["time"][()], 0.1 * np.arange(6), rtol=0, atol=1e-15), f["time"][()])
        check(scales(f["convergence/converged"]) == ["/axes/t_c"], "convergence is per point")
        P, h = f["fields/P_theta"][()], 2 * math.pi / 24
        moment = np.einsum("pij,i->p", P, np.exp(1j * h * np.arange(24))) * h * h
        check(np.allclose(moment, data[:, -1], rtol=0, atol=1e-12), "fields are those of the last time")
    solve(folder, SMALL, {"model.sites": 1, "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        check(f["observables/exp_i_theta1"].shape == () and f["fields/P_theta"].shape == (24,), "one point, one site")
        close(f["fields/P_theta"][()].sum() * 2 * math.pi / 24, 1, 1e-12, "normalisation")


# ---- self-consistent radii ----

RADII = "[model]\nequation = phase-selfconsistent\n[laser]\nt_c = 0.02\n[grid]\nn_c = 32\norder = 8\n"


def test_self_consistent_radii(folder):
    """Two methods of the inner problem and the evolution in time lead to one state, near the reference values."""
    for settings in ({}, {"steady.method": "relax"}, {"run.mode": "evolve", "run.t_end": 3000, "run.save_every": 3000}):
        row = solve(folder, RADII, settings).rows[-1]
        check(row["converged"] == 1, settings)
        close(row["n1"], 156.78660646, 1e-4 * 157, settings, "n1")
        close(row["n2"], 207.70515085, 1e-4 * 208, settings, "n2")
        close(row["radius1"] ** 2 * 1750 / 11, row["n1"], 1e-10, "n1 is the square of the radius")
        check(("solutions" in row) == ("run.mode" not in settings), "solutions belong to steady states", settings)


# ---- master equations ----

LASER = """
[model]
equation = gutzwiller
sites = 1
[laser]
cooperativity = 1.2
gamma = 200
epsilon = 0.3
[fock]
levels = 70
"""
PAIR_IN_TIME = {**EVOLVE, "model.sites": 2, "run.initial": "coherent", "run.n_initial": 2, "fock.levels": 44,
                "integrator.rtol": 1e-9, "laser.phi1": 0.3}


def test_steady_state_of_a_laser(folder):
    """Sparse direct solve; the drive's phase turns <a> alone."""
    table = solve(folder, LASER, {"sweep.phi1": "0, 0.7"})
    for row, phi in zip(table.rows, (0, 0.7)):
        check(row["converged"] == 1 and row["residual"] <= 1e-9, row)
        close(row["a1"], -3.4091397609108074j * cmath.exp(1j * phi), 1e-8, "<a>")
        close(row["n1"], 20.215962304710658, 1e-7, "<n>")
        close(row["var_n1"], 61.436137000616895, 1e-6, "variance")
        close(row["coherence1"], abs(row["a1"]) ** 2 / (200 * 0.2 / 2.4), 1e-12, "coherence")


def test_fields_of_a_pair(folder):
    """rho1[..., m, n] and rho2 are density matrices whose moments are those in the file."""
    solve(folder, LASER, {**PAIR_IN_TIME, "sweep.t_c": "0, 0.5", "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        assert_described(f)
        n = np.arange(44)
        check(np.array_equal(f["fields/photons"][()], n), "photons")
        for j in "12":
            data = f["fields/rho" + j]
            rho = data[()]
            check(rho.shape == (2, 44, 44) and np.iscomplexobj(rho), rho.shape, rho.dtype)
            check(scales(data) == ["/axes/t_c", "/fields/photons", "/fields/photons"], scales(data))
            check(np.allclose(rho, rho.conj().swapaxes(1, 2), rtol=0, atol=1e-12), "rho is not hermitian")
            check(np.allclose(np.einsum("pnn->p", rho), 1, rtol=0, atol=1e-9), "trace")
            photons, a = np.einsum("pnn,n->p", rho, n), np.einsum("pmn,mn->p", rho, np.diag(np.sqrt(n[1:]), -1))
            check(np.allclose(photons, f["series/n" + j][:, -1], rtol=0, atol=1e-12), "<n>")
            check(np.allclose(a, f["series/a" + j][:, -1], rtol=0, atol=1e-12), "<a>")
            purity = np.einsum("pmn,pnm->p", rho, rho)
            check(np.allclose(purity, f["series/purity" + j][:, -1], rtol=0, atol=1e-12), "purity")
        exchange = f["series/correlation"][()] - f["series/a1"][()].conj() * f["series/a2"][()] / (200 * 0.2 / 2.4)
        check(np.allclose(exchange, 0, rtol=0, atol=1e-12), "correlation")


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


def test_check_of_a_laser(folder):
    text = succeed(folder, "check", ini(folder, LASER), "-s", "fock.levels=auto").stdout
    check("n_initial = auto" in text and "levels: 91 to 91" in text and "rkc" in text, text)


def test_config_attribute_reproduces_the_run(folder):
    """The resolved configuration, with a sweep of many values, is itself a configuration of the same run."""
    table = solve(folder, SMALL, {"sweep.t_c": "linspace(0, 3, 41)", "grid.n_c": "auto", "steady.tolerance": "1e-2"})
    with h5py.File(folder / "out.h5") as f:
        text = text_of(f.attrs["config"])
    again = solve(folder, text, {}, out="again.h5")
    check(again.header == table.header, "columns differ:", set(again.header) ^ set(table.header))
    same(again.text, table.text, "runs from the same configuration")


def test_show_table(folder):
    solve(folder, SMALL, {"sweep.t_c": "0, 1"})
    lines = succeed(folder, "show", "out.h5").stdout.rstrip().split("\n")
    check(len(lines) == 4 and "t_c" in lines[0] and "coherence" in lines[0] and "converged" in lines[0], lines)
    check("2 of 2" in lines[-1] and lines[1].split()[0] == "0" and lines[2].split()[0] == "1", lines)


def test_full_standard_output_is_an_error(folder):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    solve(folder, SMALL)
    for arguments in (("show", "out.h5", "--csv"), ("keys",), ("check", "run.ini")):
        with open("/dev/full", "w") as full:
            code = nanolase(folder, *arguments, stdout=full).returncode
        check(code == 4, " ".join(arguments), "to a full device ends with", code)


# ---- bad input ----

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
    "qubits of another version": ("[model]\nequation = dimer\nlocal = qubit\n", 3, "photon"),
    "multigrid without a grid": ("[model]\nequation = gutzwiller\n[steady]\nmethod = multigrid\n", 4, "grids"),
    "eigenvectors of a nonlinear equation": ("[model]\nequation = gutzwiller\n[steady]\nmethod = krylov\n", 4, "linear"),
    "unknown integrator": (P + "[integrator]\nmethod = rk2\n", 5, "rk45", "rkc"),
    "spectral gap of a nonlinear equation": ("[model]\nequation = gutzwiller\n[steady]\ngap = yes\n", 4, "linear"),
    "initial state of another equation": (P + "[run]\ninitial = vacuum\n", 5, "uniform"),
    "initial state of the phase equation": (L + "[run]\ninitial = locked\n", 8, "vacuum"),
    "radii at a given diffusion": ("[model]\nequation = phase-selfconsistent\n[phase]\nD_p = 0.1\n", 4, "auto", "laser"),
    "radii below threshold": ("[model]\nequation = phase-selfconsistent\n[laser]\ncooperativity = 0.9\n", 4, "threshold"),
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
            collect(failures, name, assert_refused, folder, [command, "bad.ini"], 2, ["nanolase: " + place, *words])
    check(not failures, len(failures), "of", 2 * len(BAD_CONFIGURATIONS), "runs:\n" + "\n".join(failures))


def test_bad_overrides(folder):
    failures = []
    ini(folder, SMALL)
    for options, words in BAD_OVERRIDES.items():
        for command in ("check", "run"):
            collect(failures, "override", assert_refused, folder, [command, "run.ini", *options], 2, words)
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


# ---- convergence, interruption, resuming ----

def test_grid_too_coarse(folder):
    """Differences with growing modes: not converged, and the program says what to do about it."""
    config = ini(folder, SMALL)
    run = succeed(folder, "run", config, "-o", "coarse.h5", *sets({"phase.D_p": 0.002, "laser.t_c": 1, "grid.n_c": 24}),
                  code=1)
    check("n_c = 24 may be too coarse" in run.stderr, run.stderr)
    run = succeed(folder, "run", config, "-o", "fine.h5", *sets({"phase.D_p": 0.05, "laser.t_c": 1, "grid.n_c": 48}))
    check("coarse" not in run.stderr, run.stderr)


def test_points_that_reach_max_time(folder):
    settings = {"sweep.epsilon_over_r0": "3, 1, 4", "phase.D_p": 0.05, "grid.n_c": 48, "steady.method": "rre"}  # the second is slow
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
    assert_refused(folder, changed, 4, ["part.h5", "configuration"])
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


def test_former_result_is_kept(folder):
    for t_c in (1, 2):
        solve(folder, SMALL, {"laser.t_c": t_c})
        content = (folder / "out.h5").read_bytes()
    solve(folder, SMALL, {"laser.t_c": 3})
    check((folder / "out.h5~").read_bytes() == content, "out.h5~ is not the result before")
    check(sorted(os.listdir(folder)) == ["out.h5", "out.h5~", "run.ini"], os.listdir(folder))


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


# ---- the other commands, and messages ----

def test_keys_is_a_configuration(folder):
    text = succeed(folder, "keys").stdout
    ini(folder, text, "keys.ini")
    resolved = succeed(folder, "check", "keys.ini").stdout
    check(resolved == succeed(folder, "check", ini(folder, "", "empty.ini")).stdout, "keys does not print the defaults")
    wanted = {line.split("=")[0].strip() for line in resolved.split("\n") if "=" in line and not line.startswith(";")}
    lines = text.split("\n")
    for key in wanted:
        place = next((k for k, line in enumerate(lines) if line.startswith(key + " =")), None)
        check(place and lines[place - 1].startswith("; "), key, "is not explained")


def test_check_prints_the_plan(folder):
    name = ini(folder, SMALL + "[sweep]\nt_c = linspace(0, 1, 3)\n")
    text = succeed(folder, "check", name, "-s", "phase.r1=1.25").stdout
    for word in ("r1 = 1.25", "D_p = 0.2", "points: 3", "memory", "work", "n_0 = ", "[sweep]"):
        check(word in text, word, "is not in", text)
    check(os.listdir(folder) == [name], "check writes files:", os.listdir(folder))


def test_info_help_and_version(folder):
    text = succeed(folder, "info").stdout
    for word in ("nanolase ", "CUDA", "CPU", "rk45"):
        check(word in text, word, "is not in", text)
    text = succeed(folder, "--help").stdout
    for word in ("run", "check", "show", "keys", "info", "--resume", "--csv", "-j", "-b", "-s", "Exit codes"):
        check(word in text, word, "is not in", text)
    check("nanolase" in succeed(folder, "--version").stdout, "version")


def test_shipped_configurations(folder):
    names = sorted((ROOT / "configs").glob("*.ini"))
    if not names:
        raise Skip("there is no configs/*.ini")
    for path in names:
        text = succeed(folder, "check", path).stdout
        check("points:" in text, path.name, text)


def test_ini_syntax(folder):
    """Comments, blanks, DOS line ends and indentation change nothing."""
    plain, = solve(folder, SMALL).text
    dressed = "# comment\n" + SMALL.replace("t_c = 1", "  t_c=1   ; tunnelling").replace("\n", "\r\n") + "; end"
    same(solve(folder, dressed).text[0], plain, "results with comments and DOS line ends")
    indented = "\n".join(line if line.startswith("[") else "   " + line for line in SMALL.split("\n"))
    same(solve(folder, indented).text[0], plain, "results with indented keys")


def test_messages(folder):
    name = ini(folder, SMALL)
    quiet = succeed(folder, "run", name, "-q")
    check(quiet.stderr == quiet.stdout == "", "-q prints", quiet.stderr, quiet.stdout)
    plain = succeed(folder, "run", name)
    check(plain.stdout == "" and "\r" not in plain.stderr, plain)
    check(all(line.startswith("nanolase: ") for line in plain.stderr.strip().split("\n")), plain.stderr)
    check("out.h5" in plain.stderr, "where the result is:", plain.stderr)


def test_progress_line_on_a_terminal(folder):
    try:
        master, slave = pty.openpty()
    except OSError as error:
        raise Skip(f"this machine gives no terminals: {error}") from None
    settings = sets({"grid.n_c": 64, "sweep.t_c": "linspace(0, 1, 80)", "phase.D_p": 0.05, "steady.method": "rre"})
    process = subprocess.Popen([str(PROGRAM), "run", ini(folder, SMALL), "-j", "1", *settings], cwd=folder,
                               env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    seen = b""
    try:
        while select.select([master], [], [], 60)[0]:
            seen += os.read(master, 4096)
    except OSError:
        pass  # the other end is closed
    os.close(master)
    check(process.wait(60) == 0, seen)
    for word in (b"\r", b" of 80 points", b"residual", b"dt = ", b"t = ", b"to go"):
        check(word in seen, word, "is not in", seen)


if __name__ == "__main__":
    if not PROGRAM.exists():
        sys.exit("FAILED test_cli: build/nanolase is not built; run make")
    sys.exit(run_tests([(n, f) for n, f in list(globals().items()) if n.startswith("test_")], sys.argv[1:]))
