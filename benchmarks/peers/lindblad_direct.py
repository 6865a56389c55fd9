#!/usr/bin/env python3
"""Baseline: steady state of Eq. (6) for one laser from its assembled superoperator and a sparse LU.

N^2 complex unknowns rho_mn. The elements are those of the infinite operators, cut to N levels.

--ordering COLAMD is what SciPy does by default: the equation of rho_00 gives way to Tr rho = 1, a full row.
The others fix a population near the largest instead and normalise afterwards, so that the pattern stays sparse and
nearly symmetric: MMD is the better of SciPy's own orderings, dissection cuts the square of elements in halves, and
these again. What leaves through the cutoff then returns to the vacuum, so that the solution is that of the first way.
"""
import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu, spsolve

from lindblad import parse, report


def generator(laser):
    """The matrix of d rho/dt, with rho_mn at m N + n."""
    N = laser.levels
    number = np.arange(N)
    a = sparse.diags(np.sqrt(number[1:]), 1, format="csr")
    up, one = a.T.tocsr(), sparse.identity(N)
    m, n = np.repeat(number, N), np.tile(number, N)
    A, B, C = laser.A, laser.B, laser.C
    # O rho O^+ is kron(O, O) for real O; these products of cut ladder operators have the infinite ones' elements.
    L = sparse.diags(-A * (m + n + 2.0) - C * (m + n) + B * (m + 1.0) * (n + 1))
    L = L + (2 * A + B) * sparse.kron(up, up) + 2 * C * sparse.kron(a, a) - B * sparse.kron(up @ up, up @ up)
    drive = laser.epsilon * (a + up)
    return (L - 1j * (sparse.kron(drive, one) - sparse.kron(one, drive))).tocsr()


def moments(laser, rho):
    """<a> and <n>, of trace 1."""
    rho = rho.reshape(laser.levels, laser.levels)
    n = np.arange(laser.levels)
    trace = np.trace(rho)
    return np.sqrt(n[1:]) @ np.diag(rho, -1) / trace, (n @ np.diag(rho) / trace).real


def with_trace(laser):
    """The textbook's way: one row replaced by the trace."""
    N = laser.levels
    L = generator(laser).tolil()
    L[0, :] = 0
    L[0, np.arange(N) * (N + 1)] = 1
    right = np.zeros(N * N, dtype=complex)
    right[0] = 1
    return spsolve(L.tocsc(), right)


def dissection(N):
    """Orders the elements of an N x N square by nested dissection. L reaches two elements along diagonals, one across:
    cuts between the diagonals, m - n constant, are two wide, those between the antidiagonals four."""
    m, n = np.divmod(np.arange(N * N), N)
    x, y = m - n, m + n

    def order(points):
        if len(points) < 64:
            return [points]
        width = {0: np.ptp(x[points]), 1: np.ptp(y[points])}
        best = None
        for axis, z, cut in ((0, x, 1), (1, y, 4)):
            if width[axis] <= 2 * cut:
                continue
            middle = int(np.median(z[points]))
            low, high = points[z[points] < middle], points[z[points] >= middle + cut]
            inside = points[(z[points] >= middle) & (z[points] < middle + cut)]
            if len(low) and len(high) and (best is None or len(inside) < len(best[2])):
                best = (low, high, inside)
        if best is None:
            return [points]
        return order(best[0]) + order(best[1]) + [best[2]]

    return np.concatenate(order(np.arange(N * N)))


def with_pin(laser, ordering):
    """The population near the maximum fixed: a sparse matrix of symmetric pattern."""
    N = laser.levels
    L = generator(laser)
    diagonal = np.arange(N) * (N + 1)
    leak = np.asarray(L[diagonal].sum(axis=0)).ravel()
    lost = diagonal[-2:]  # the levels that the cutoff loses population from
    L = L - sparse.coo_matrix((leak[lost], (np.zeros(2, dtype=int), lost)), shape=L.shape).tocsr()
    n0 = min(max(int((laser.A - laser.C) / laser.B), 0), N - 1)
    point = n0 * (N + 1)
    weight = abs(L[point, point])
    others = np.ones(N * N)
    others[point] = 0
    pin = sparse.coo_matrix(([weight], ([point], [point])), shape=L.shape)
    right = np.zeros(N * N, dtype=complex)
    right[point] = weight
    M = (sparse.diags(others) @ L + pin).tocsc()
    symmetric = {"diag_pivot_thresh": 1e-3, "options": {"SymmetricMode": True}}
    if ordering == "MMD":
        return splu(M, permc_spec="MMD_AT_PLUS_A", **symmetric).solve(right)
    order = dissection(N)
    rho = np.empty(N * N, dtype=complex)
    rho[order] = splu(M[order][:, order].tocsc(), permc_spec="NATURAL", **symmetric).solve(right[order])
    return rho


def main():
    args = parse(__doc__.split("\n")[0], ordering=["COLAMD", "MMD", "dissection"])
    report(args, lambda laser: moments(laser, with_trace(laser) if args.ordering == "COLAMD"
                                       else with_pin(laser, args.ordering)))


if __name__ == "__main__":
    main()
