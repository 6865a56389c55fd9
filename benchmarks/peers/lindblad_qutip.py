#!/usr/bin/env python3
"""Baseline: Eq. (6) for one laser with QuTiP, its steady-state solver or time evolution.

Eq. (6) has a negative rate, so it is no list of collapse operators: the Liouvillian is put together as a superoperator.
QuTiP's ladder operators are cut at N levels; a a^+ of such matrices would be 0 at the highest level, where the
operator's own element is N. So a a^+ is written as a^+a + 1, and a a a^+ a^+ as (a^+a + 1)(a^+a + 2); the other
products keep their elements when cut.
"""
import numpy as np
import qutip

from lindblad import parse, report


def dissipator(jump, number):
    """2 O rho O^+ - O^+O rho - rho O^+O, given O and O^+O."""
    return 2 * qutip.sprepost(jump, jump.dag()) - qutip.spre(number) - qutip.spost(number)


def generator(laser, a, n, field):
    """Of the laser that a and n = a^+a belong to, with H = conj(field) a + field a^+."""
    one = qutip.qeye_like(n)
    up, more = a.dag(), n + one
    drive = np.conj(field) * a + field * up
    return (laser.C * dissipator(a, n) + (laser.A + laser.B / 2) * dissipator(up, more)
            + laser.B / 2 * (dissipator(more, more * more) - dissipator(up * up, more * (n + 2 * one)))
            - 1j * (qutip.spre(drive) - qutip.spost(drive)))


def whole(laser):
    return generator(laser, qutip.destroy(laser.levels), qutip.num(laser.levels), laser.epsilon)


def moments(laser, rho):
    """<a> and <n>, of trace 1."""
    a, n = qutip.destroy(laser.levels), qutip.num(laser.levels)
    trace = rho.tr()
    return qutip.expect(a, rho) / trace, (qutip.expect(n, rho) / trace).real


def steady(laser):
    return moments(laser, qutip.steadystate(whole(laser), method="direct"))


def evolve(laser):
    """From the vacuum, with QuTiP's own tolerances, to a time at which a decay rate of 0.1 has left 5e-5."""
    time = 100
    start = qutip.fock_dm(laser.levels, 0)
    options = {"nsteps": 10**9, "store_states": False, "store_final_state": True, "progress_bar": ""}
    result = qutip.mesolve(whole(laser), start, np.array([0.0, time]), options=options)
    return moments(laser, result.final_state)


def main():
    args = parse(__doc__.split("\n")[0], method=["steadystate", "mesolve"])
    report(args, steady if args.method == "steadystate" else evolve)


if __name__ == "__main__":
    main()
