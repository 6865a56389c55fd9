#!/usr/bin/env python3
"""Baseline: Eq. (6) for two lasers coupled by tunnelling with QuTiP's mesolve, from the vacuum.

Each laser's part is that of lindblad_qutip.py with its operators on the product space;
H = sum_j (conj(f_j) a_j + f_j a_j^+) - t_c (a_1^+ a_2 + a_2^+ a_1), f_j = epsilon e^{i phi_j}. Prints
n_1, <a_1^+ a_2>, the seconds for assembly and evolution, and the most memory that the process took, as one line of JSON.
"""
import argparse
import json
import resource
import time

import numpy as np
import qutip

from lindblad import laser
from lindblad_qutip import generator


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cooperativity", type=float, default=1.2, help="C_p")
    parser.add_argument("--gamma", type=float, default=200, help="pumping of the qubits")
    parser.add_argument("--epsilon", type=float, default=1, help="drive")
    parser.add_argument("--phi2", type=float, default=np.pi / 2, help="phase of the second drive; the first one's is 0")
    parser.add_argument("--t_c", type=float, default=0.5, help="tunnelling")
    parser.add_argument("--levels", type=int, default=10, help="Fock states kept of each laser")
    parser.add_argument("--t_end", type=float, default=0.4, help="time")
    parser.add_argument("--rtol", type=float, default=1e-6)
    parser.add_argument("--atol", type=float, default=1e-9)
    parser.add_argument("--method", default="adams", help="of mesolve")
    return parser.parse_args()


def pair(args):
    """The superoperator, and the operators whose means are printed."""
    own, N = laser(args), args.levels
    one, a, n = qutip.qeye(N), qutip.destroy(N), qutip.num(N)
    a1, n1, a2, n2 = qutip.tensor(a, one), qutip.tensor(n, one), qutip.tensor(one, a), qutip.tensor(one, n)
    exchange = -args.t_c * (a1.dag() * a2 + a2.dag() * a1)
    L = (generator(own, a1, n1, own.epsilon) + generator(own, a2, n2, own.epsilon * np.exp(1j * args.phi2))
         - 1j * (qutip.spre(exchange) - qutip.spost(exchange)))
    return L, {"n1": n1, "n2": n2, "a1dag_a2": a1.dag() * a2}


def main():
    args = parse()
    start = time.perf_counter()
    L, wanted = pair(args)
    assembled = time.perf_counter()
    vacuum = qutip.tensor(qutip.fock_dm(args.levels, 0), qutip.fock_dm(args.levels, 0))
    options = {"nsteps": 10**9, "store_states": False, "store_final_state": True, "progress_bar": "",
               "normalize_output": False,
               "method": args.method, "rtol": args.rtol, "atol": args.atol}
    rho = qutip.mesolve(L, vacuum, np.array([0.0, args.t_end]), options=options).final_state
    end = time.perf_counter()
    means = {name: complex(qutip.expect(operator, rho)) for name, operator in wanted.items()}
    print(json.dumps({**{name: [mean.real, mean.imag] for name, mean in means.items()},
                      "assembly": assembled - start, "seconds": end - start,
                      "GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


if __name__ == "__main__":
    main()
