"""What the baselines for the master equation share: Eq. (6) for one laser on the command line, and the line they print.

Rates in units of kappa, B renormalised (Eq. 9). The drive is H = epsilon (a + a^+).
"""
import argparse
import json
import math
import time
from collections import namedtuple

Laser = namedtuple("Laser", "A B C epsilon levels")


def parse(description, **choices):
    """The command line; choices: further options, each a list of words of which the first is the default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cooperativity", type=float, default=1.1, help="C_p")
    parser.add_argument("--gamma", type=float, default=3500, help="pumping of the qubit")
    parser.add_argument("--epsilon", type=float, default=0.3, help="drive")
    parser.add_argument("--levels", type=int, default=420, help="Fock states kept")
    for name, words in choices.items():
        parser.add_argument("--" + name, choices=words, default=words[0])
    return parser.parse_args()


def laser(args):
    """Coefficients of Eq. (6): A = C_p, B = 2 A^2/(gamma C_p), C = 1."""
    A = args.cooperativity
    return Laser(A, 2 * A**2 / (args.gamma * args.cooperativity), 1.0, args.epsilon, args.levels)


def report(args, solve):
    """Times solve(laser), assembly included, and prints <a> and <n> as one line of JSON."""
    start = time.perf_counter()
    a, n = solve(laser(args))
    seconds = time.perf_counter() - start
    assert math.isfinite(n)
    print(json.dumps({"a": [complex(a).real, complex(a).imag], "n": float(n), "seconds": seconds}))
