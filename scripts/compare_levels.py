#!/usr/bin/env python3
"""One set of parameters at every level of description: what each approximation leaves out against the exact dimer.

    compare_levels.py CONFIG.ini NANOLASE [-d OUTDIR] [--levels a,b,...] [-j THREADS] [--format png|pdf]

Runs the sweep of CONFIG (over one key of [laser]) with each equation of the table LEVELS, leaves the results and one
picture, CONFIG's name with .png, in OUTDIR, and prints a table in Markdown: the largest deviation of each level from
the exact dimer over the sweep, of each observable. A level without the exact dimer beside it is drawn and not compared.
Points that did not converge are left out, and counted.
"""
import argparse
import os
import subprocess
import sys

import numpy as np

from figure_parts import BLACK, BLUE, RED, STYLE, SYMBOLS, WIDTH, YELLOW, plt
from result_file import Problem, Result

EXACT = "dimer"
# What each level needs beside the configuration: equation, and keys that only it reads.
LEVELS = {
    "phase": (["model.equation=phase", "grid.n_c=auto", "grid.order=8"], "phase, radii $r_0$", YELLOW, ":"),
    "phase-selfconsistent": (["model.equation=phase-selfconsistent", "grid.n_c=auto", "grid.order=8"],
                             "phase, own radii", YELLOW, "-"),
    "amplitude": (["model.equation=amplitude", "grid.points=16", "grid.order=4"], "amplitude", BLUE, "--"),
    "gutzwiller": (["model.equation=gutzwiller"], "Gutzwiller", RED, "--"),
    "gutzwiller-qubit": (["model.equation=gutzwiller", "model.local=qubit"], "Gutzwiller, qubit", RED, ":"),
    EXACT: (["model.equation=dimer"], "exact", BLACK, "-"),
}
OBSERVABLES = ["n1", "n2", "imbalance", "coherence1", "coherence2", "correlation"]


def run(config, program, level, folder, threads):
    """The result file of one level; Problem where it does not run."""
    out = os.path.join(folder, f"{stem_of(config)}-{level}.h5")
    settings = [word for setting in LEVELS[level][0] for word in ("-s", setting)]
    command = [program, "run", config, "-o", out, "-q", *settings] + (["-j", str(threads)] if threads else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise Problem(f"{level}: {done.stderr.strip()}")
    result = Result(out)
    if len(result.axes) != 1:
        raise Problem(f"{config}: has {len(result.axes)} sweep axes; give one, over a key of [laser]")
    return result


def stem_of(config):
    return os.path.splitext(os.path.basename(config))[0]


def values_of(result, name):
    """The observable where it converged, NAN elsewhere; None where the level has none."""
    if name not in result.names("observables"):
        return None
    return np.where(result.converged, result.observable(name), np.nan)


# ---- the table ----

def relative_deviation(values, exact):
    """The largest over the sweep, over the largest exact value."""
    return np.nanmax(np.abs(values - exact)) / np.nanmax(np.abs(exact))


def deviation(values, exact):
    """The largest over the sweep as it is, and relative."""
    if values is None or np.all(np.isnan(values - exact)):
        return "-"
    return f"{np.nanmax(np.abs(values - exact)):.2g} ({100 * relative_deviation(values, exact):.2g} %)"


def table(results):
    exact = results[EXACT]
    lines = ["| largest deviation | " + " | ".join(OBSERVABLES) + " |", "|---" * (len(OBSERVABLES) + 1) + "|"]
    for level, result in results.items():
        if level != EXACT:
            row = [deviation(values_of(result, name), values_of(exact, name)) for name in OBSERVABLES]
            lines.append(f"| {level} | " + " | ".join(row) + " |")
    return "\n".join(lines)


# ---- the picture ----

def draw_panel(axes, results, name):
    for level, result in results.items():
        values = values_of(result, name)
        (x,) = result.axes.values()
        _, label, colour, style = LEVELS[level]
        if values is None:
            continue
        marker = "o" if level == EXACT else None
        axes.plot(x, np.real(values), color=colour, linestyle=style, marker=marker, markersize=3, label=label)
        if np.iscomplexobj(values):
            axes.plot(x, np.imag(values), color=colour, linestyle=style, marker=marker, markersize=3, alpha=0.5)
    axes.set_ylabel(SYMBOLS.get(name, name) + (" (Im: pale)" if name == "correlation" else ""))


def draw(results, path):
    key = next(iter(next(iter(results.values())).axes))
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(2, 3, figsize=(WIDTH, 4.3), sharex=True, constrained_layout=True)
        for axes, name in zip(grid.flat, OBSERVABLES):
            draw_panel(axes, results, name)
        for axes in grid[1]:
            axes.set_xlabel(SYMBOLS.get(key, key))
        handles = {label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels())}
        figure.legend(handles.values(), handles.keys(), loc="lower center", bbox_to_anchor=(0.5, 1), ncol=3)
        figure.savefig(path, bbox_inches="tight")
        plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("nanolase")
    parser.add_argument("-d", "--outdir", default=".")
    parser.add_argument("--levels", default=",".join(LEVELS), help="of " + ", ".join(LEVELS))
    parser.add_argument("-j", "--threads", type=int, default=0)
    parser.add_argument("--format", choices=["png", "pdf"], default="png")
    options = parser.parse_args()
    levels = options.levels.split(",")
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        parser.error(f"no level {unknown[0]}; there are {', '.join(LEVELS)}")
    os.makedirs(options.outdir, exist_ok=True)
    results = {}
    for level in levels:
        results[level] = run(options.config, options.nanolase, level, options.outdir, options.threads)
        left_out = np.count_nonzero(~results[level].converged)
        if left_out:
            print(f"compare_levels: {level}: {left_out} points did not converge and are left out", file=sys.stderr)
    path = os.path.join(options.outdir, f"{stem_of(options.config)}.{options.format}")
    draw(results, path)
    if EXACT in results:
        print(table(results))
    print(f"\npicture: {path}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, Problem) as why:
        sys.exit(f"compare_levels: {why}")
