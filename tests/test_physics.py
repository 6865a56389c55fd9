#!/usr/bin/env python3
"""Steady states and evolutions as a user computes them: against independent numbers and closed forms."""
import cmath
import math

from cli_support import (EVOLVE, LASER, SMALL, bessel, case_settings, check, close, main, reference_cases,
                         reference_error, sets, solve, succeed)


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


def test_locked_start_is_the_locked_state(folder):
    """Without tunnelling Eq. 18 is the steady state: an evolution from it goes nowhere on any grid."""
    base = {**EVOLVE, "laser.phi1": 0.4, "laser.t_c": 0, "phase.D_p": 0.05, "phase.epsilon_over_r0": 1}
    for n_c, order, error in (("auto", "auto", 1e-5), (64, 8, 1e-6), (100, 2, 1e-3)):
        for row in solve(folder, "", {**base, "grid.n_c": n_c, "grid.order": order}).rows:
            wanted = bessel(1, 20) / bessel(0, 20) * cmath.exp(1j * (0.4 - math.pi / 2))
            close(row["exp_i_theta1"], wanted, error if row["t"] else min(error, 1e-7), f"n_c = {n_c}, t = {row['t']}")


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

def test_steady_state_of_a_laser(folder):
    """Sparse direct solve; the drive's phase turns <a> alone."""
    table = solve(folder, LASER, {"sweep.phi1": "0, 0.7"})
    for row, phi in zip(table.rows, (0, 0.7)):
        check(row["converged"] == 1 and row["residual"] <= 1e-9, row)
        close(row["a1"], -3.4091397609108074j * cmath.exp(1j * phi), 1e-8, "<a>")
        close(row["n1"], 20.215962304710658, 1e-7, "<n>")
        close(row["var_n1"], 61.436137000616895, 1e-6, "variance")
        close(row["coherence1"], abs(row["a1"]) ** 2 / (200 * 0.2 / 2.4), 1e-12, "coherence")


if __name__ == "__main__":
    main(globals())
