#!/usr/bin/env python3
"""Baseline: steady state of Eq. (14) by a Fourier-Galerkin method and a sparse direct solve.

P = sum_kl p_kl e^{i(k theta_1 + l theta_2)}, |k|, |l| <= K. The drift holds single harmonics only, so every mode is
coupled to six neighbours: (k +- 1, l -+ 1) by the tunnelling, (k +- 1, l) and (k, l +- 1) by the drives.
The steady state is smooth and the error falls faster than any power of 1/K.
"""
import math

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from phase_baselines import parser, report


def shift(K, by):
    """Takes p to q with q_k = p_{k + by}; modes beyond K are zero."""
    return sparse.eye(2 * K + 1, k=by, format="csr")


def drifts(phase, K):
    """v_1 and v_2 as operators on the modes: v_1 = t_c cos(theta_2 - theta_1) - drive cos(theta_1 - phi_1)."""
    up, down, one = shift(K, 1), shift(K, -1), shift(K, 0)
    # e^{i(theta_2 - theta_1)} raises l and lowers k, so p_{k+1, l-1} feeds (k, l).
    cos21 = 0.5 * (sparse.kron(up, down) + sparse.kron(down, up))
    cos_phi = [0.5 * (np.exp(-1j * phi) * down + np.exp(1j * phi) * up) for phi in phase.phi]
    v1 = phase.tunnel[0] * cos21 - phase.drive[0] * sparse.kron(cos_phi[0], one)
    v2 = phase.tunnel[1] * cos21 - phase.drive[1] * sparse.kron(one, cos_phi[1])
    return v1, v2


def generator(phase, K):
    """dp/dt = sum_j (-D_j k_j^2 - i k_j v_j) p."""
    k = np.arange(-K, K + 1)
    k1, k2 = np.repeat(k, 2 * K + 1), np.tile(k, 2 * K + 1)
    v1, v2 = drifts(phase, K)
    diffusion = sparse.diags(-phase.D[0] * k1**2 - phase.D[1] * k2**2)
    return diffusion - 1j * (sparse.diags(k1) @ v1 + sparse.diags(k2) @ v2)


def solve(phase, K):
    """<e^{i theta_1}>, <e^{i theta_2}>, <e^{i(theta_2 - theta_1)}> in the steady state."""
    n = 2 * K + 1
    centre = K * n + K
    # The row of p_00 is zero, since probability is conserved: it takes the normalisation p_00 = 1.
    pin = sparse.coo_matrix(([1.0], ([centre], [centre])), shape=(n * n, n * n))
    right = np.zeros(n * n, dtype=complex)
    right[centre] = 1
    lu = splu((generator(phase, K) + pin).tocsc(), permc_spec="MMD_AT_PLUS_A",
              diag_pivot_thresh=1e-3, options={"SymmetricMode": True})
    p = lu.solve(right).reshape(n, n)
    # <e^{i theta_1}> = p_{-1, 0}, and so on, with p_00 = 1.
    return p[K - 1, K], p[K, K - 1], p[K + 1, K - 1]


def enough_modes(phase):
    """K for an error near 1e-10: six over the width sqrt(D/drive) of a locked phase. Tunnelling changes it little."""
    sharpest = max(drive / D for drive, D in zip(phase.drive, phase.D))
    return math.ceil(6 * math.sqrt(sharpest)) + 4


def main():
    args = parser(__doc__.split("\n")[0], "--modes", 0,
                  "highest Fourier mode K of each phase; 0: from the parameters").parse_args()
    report(args, args.modes, lambda phase, K: solve(phase, K or enough_modes(phase)))


if __name__ == "__main__":
    main()
