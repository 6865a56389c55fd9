"""What both baselines share: the parameters of Eq. (14) on the command line, and the line they print.

Units: rates in units of kappa, radii in units of r_0. Site j has the diffusion D_p/r_j^2, the drive epsilon/r_j
and the tunnelling t_c r_j'/r_j, so that r1 = r2 = 1 is Eq. (16) with epsilon standing for epsilon/r_0.
"""
import argparse
import json
import time
from collections import namedtuple

# Each field but t_c is a pair, one entry per nanolaser.
Phase = namedtuple("Phase", "D drive tunnel phi")


def phase(D_p, t_c=0.0, epsilon=1.0, phi1=0.0, phi2=0.0, r1=1.0, r2=1.0):
    """Coefficients of the phase equation, Eq. (14)."""
    return Phase(D=(D_p / r1**2, D_p / r2**2),
                 drive=(epsilon / r1, epsilon / r2),
                 tunnel=(t_c * r2 / r1, t_c * r1 / r2),
                 phi=(phi1, phi2))


def parser(description, size, default, size_help):
    """The command line; `size` names the option that sets the resolution."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--D_p", type=float, default=0.1, help="phase diffusion of a laser of radius 1")
    result.add_argument("--t_c", type=float, default=0.0, help="photon tunnelling")
    result.add_argument("--epsilon", type=float, default=1.0, help="drive on a laser of radius 1")
    result.add_argument("--phi1", type=float, default=0.0, help="drive phase of laser 1")
    result.add_argument("--phi2", type=float, default=0.0, help="drive phase of laser 2")
    result.add_argument("--r1", type=float, default=1.0, help="radius of laser 1")
    result.add_argument("--r2", type=float, default=1.0, help="radius of laser 2")
    result.add_argument(size, type=int, default=default, help=size_help)
    return result


def report(args, size, solve):
    """Times solve(phase, size), assembly included, and prints the moments as one line of JSON."""
    parameters = phase(args.D_p, args.t_c, args.epsilon, args.phi1, args.phi2, args.r1, args.r2)
    start = time.perf_counter()
    exp1, exp2, exp21 = (complex(z) for z in solve(parameters, size))
    seconds = time.perf_counter() - start
    print(json.dumps({"exp_i_theta1": [exp1.real, exp1.imag],
                      "exp_i_theta2": [exp2.real, exp2.imag],
                      "exp_i_theta21": [exp21.real, exp21.imag],
                      "coherence": (abs(exp1)**2 + abs(exp2)**2) / 2,
                      "seconds": seconds}))
