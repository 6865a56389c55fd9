#!/usr/bin/env python3
"""The spectral gap and method = krylov, from the command line."""

import h5py
import numpy as np

from cli_support import (SANITIZED, Skip, check, close, ini, main, nanolase, same, sets, show, solve,
                         succeed)

# Equation 16 at D_p = 0.2 on a small grid.
TEXT = """
[laser]
phi1 = 0
phi2 = 0
[phase]
D_p = 0.2
epsilon_over_r0 = 1
[grid]
n_c = 24
order = 8
[steady]
gap = yes
method = krylov
[sweep]
t_c = 0.5, 1, 3
"""


def dense_gap(t_c, n=20, D=0.2):
    """The leading eigenvalue but 0 of the same equation in Fourier space."""
    k = np.fft.fftfreq(n, 1 / n)
    F = np.fft.fft(np.eye(n))
    d = np.real(np.linalg.inv(F) @ np.diag(1j * np.where(k == -n / 2, 0, k)) @ F)
    d2 = np.real(np.linalg.inv(F) @ np.diag(-k**2) @ F)
    theta = 2 * np.pi * np.arange(n) / n
    a, b = np.meshgrid(theta, theta, indexing="ij")
    v1 = t_c * np.cos(b - a) - np.cos(a)
    v2 = t_c * np.cos(a - b) - np.cos(b)
    one = np.eye(n)
    L = D * (np.kron(d2, one) + np.kron(one, d2)) - np.kron(d, one) * v1.ravel() - np.kron(one, d) * v2.ravel()
    values = np.linalg.eigvals(L)
    values = np.delete(values, np.argmin(abs(values)))
    return values[np.argmax(values.real)]


def test_gap_of_the_phase_equation(folder):
    table = solve(folder, TEXT)
    for row in table.rows:
        wanted = dense_gap(row["t_c"])
        close(row["gap_re"], -wanted.real, 2e-5, "gap_re")
        close(row["gap_im"], abs(wanted.imag), 2e-5, "gap_im")
        check(row["converged"] == 1 and row["residual"] <= 1e-9, row)
    with h5py.File(folder / "out.h5") as f:
        for name in ("gap_re", "gap_im"):
            check(f["observables"][name].attrs["description"] and f["observables"][name].shape == (3,), name)


def test_every_method_gives_the_same(folder):
    krylov = solve(folder, TEXT)
    for method in ("relax", "rre"):
        other = solve(folder, TEXT, {"steady.method": method})
        for a, b in zip(krylov.rows, other.rows):
            close(a["gap_re"], b["gap_re"], 1e-7, "gap_re by", method)
            close(a["coherence"], b["coherence"], 1e-8, "coherence by", method)
    without = solve(folder, TEXT, {"steady.gap": "no"})
    check("gap_re" not in without.header and krylov[0]["rhs"] > without[0]["rhs"], without.header)


def test_threads_do_not_matter(folder):
    same(solve(folder, TEXT).text, solve(folder, TEXT, {}, "-j", "2", out="two.h5").text,
         "runs on one thread and on two")


def test_resume_keeps_gaps(folder):
    whole = solve(folder, TEXT)
    succeed(folder, "run", ini(folder, TEXT), "-o", "out.h5", "-q", "--resume")
    same(show(folder, "out.h5").text, whole.text, "a finished run and the same resumed")


def test_cuda_backend(folder):
    if not SANITIZED.exists():
        raise Skip("build/sanitized/nanolase is not built")
    values = {"sweep.t_c": "1", "grid.n_c": 12, "phase.D_p": 0.5}
    cpu = solve(folder, TEXT, values)[0]
    cuda = solve(folder, TEXT, values, "-b", "cuda", out="cuda.h5", program=SANITIZED)[0]
    close(cuda["gap_re"], cpu["gap_re"], 1e-7, "gap_re")
    close(cuda["coherence"], cpu["coherence"], 1e-8, "coherence")


def test_check_counts_the_subspace(folder):
    def megabytes(values):
        text = succeed(folder, "check", ini(folder, TEXT), *sets(values)).stdout
        return float(text.split("memory: ")[1].split()[0])
    check(megabytes({}) > 2 * megabytes({"steady.method": "relax", "steady.gap": "no"}), "memory of the subspace")
    check(megabytes({"steady.method": "relax"}) > 2 * megabytes({"steady.method": "relax", "steady.gap": "no"}), "gap")


def test_what_does_not_converge_is_marked(folder):
    table = solve(folder, TEXT, {"steady.max_time": 0.01, "phase.D_p": 0.03, "sweep.t_c": "3"}, code=1)
    check(table[0]["converged"] == 0 and np.isnan(table[0]["gap_re"]), table[0])


def test_refusals(folder):
    for text, word in (("[model]\nequation = gutzwiller\n[steady]\ngap = yes\n", "linear"),
                       ("[run]\nmode = evolve\n[steady]\ngap = yes\n", "evolve")):
        done = nanolase(folder, "check", ini(folder, text))
        check(done.returncode == 2 and ":4:" in done.stderr and word in done.stderr, done.stderr)


if __name__ == "__main__":
    main(globals())
