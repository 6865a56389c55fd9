#!/usr/bin/env python3
"""Draws the figures of the paper, and a plot of any other result, from files that `nanolase run` wrote.

    figures.py FILE.h5 [FILE.h5 ...] [-d OUTDIR] [--format png|pdf]

The name of the configuration (fig3, fig4, fig5a ...) tells which figure a file holds; any other file, and one whose
sweep was changed, gets a plot of every observable against what was swept. Files that make one figure of the paper
(fig5a, b and c; fig6-*; figB1a-*) are drawn together too where several are given. Points that did not converge are
drawn hollow (lines), crossed out (points) or hatched (maps) and counted in the title.
"""
import argparse
import os
import sys

import figure_paper as paper
from figure_generic import draw_generic, generic_data
from figure_parts import STYLE, WIDTH, new_figure, note, plt, save
from result_file import Result, exit_code

# name: (drawing function, the axes it needs, height and width in inches)
FIGURES = {
    "quickstart": (paper.draw_quickstart, ("t_c",), 4.6, WIDTH),
    "fig3": (paper.draw_fig3, ("t_c",), 2.15, WIDTH),
    "fig4": (paper.draw_fig4, ("D_p", "t_c"), 2.4, WIDTH),
    "fig7": (paper.draw_fig7, ("gamma", "cooperativity"), 2.8, WIDTH),
    "gap": (paper.draw_gap, ("D_p", "t_c"), 2.6, WIDTH),
    "gap-threshold": (paper.draw_gap_threshold, ("D_p",), 2.8, 3.6),
    "figB1b": (paper.draw_figB1b, ("gamma", "cooperativity"), 2.8, 3.6),
}
# Figures of one or more files, whose names begin with the figure's.
GROUPS = {
    "fig5": (paper.draw_fig5, ("t_c", "phi2"), 2.35, WIDTH),
    "fig6": (paper.draw_fig6, ("t_c",), 2.8, WIDTH),
    "figB1a": (paper.draw_figB1a, ("cooperativity",), 2.8, 3.6),
}


def group_of(name):
    """The figure of several files that the name belongs to, as fig6-gutzwiller to fig6 and fig5a to fig5."""
    for group in GROUPS:
        rest = name[len(group):]
        if name.startswith(group) and (rest.startswith("-") or rest in ("a", "b", "c")):
            return group
    return None


def figure_name(result):
    """The figure that the file holds: by its configuration, else by its own name; None for a generic plot."""
    for name in (result.name, result.stem):
        entry = FIGURES.get(name) or GROUPS.get(group_of(name))
        if entry and tuple(result.axes) == entry[1]:
            return name
    return None


def draw_one(result, options):
    name = figure_name(result)
    if name in FIGURES:
        draw, _, height, width = FIGURES[name]
        figure = new_figure(height, width)
        draw(result, figure)
    elif name:
        draw, _, height, width = GROUPS[group_of(name)]
        figure = new_figure(height, width)
        draw([result], figure)
    elif generic_data(result) is None:
        print(f"{result.path}: nothing was swept, so there is nothing to plot; `nanolase show` prints the values")
        return
    else:
        figure = new_figure(2.4)
        words = draw_generic(result, figure)
        if words:
            figure.supxlabel("at " + words, fontsize=9)
    note(figure, [result])
    save(figure, result.stem, options)


def draw_together(results, options):
    """One picture of all files of a figure, where several were given."""
    for group, (draw, _, height, width) in GROUPS.items():
        members = {figure_name(result): result for result in results if group_of(figure_name(result) or "") == group}
        if len(members) < 2:
            continue
        members = [members[name] for name in sorted(members)]
        figure = new_figure(height, width)
        draw(members, figure)
        note(figure, members)
        save(figure, group, options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE.h5", help="result of `nanolase run`")
    parser.add_argument("-d", dest="outdir", metavar="OUTDIR", default=".", help="folder for the pictures (default: .)")
    parser.add_argument("--format", choices=("png", "pdf"), default="png", help="kind of picture (default: png)")
    return parser.parse_args()


def draw_all(options):
    os.makedirs(options.outdir, exist_ok=True)
    results = [Result(path) for path in options.files]
    for result in results:
        draw_one(result, options)
    draw_together(results, options)


def main():
    options = arguments()
    plt.rcParams.update(STYLE)
    return exit_code("figures.py", options.outdir, lambda: draw_all(options))


if __name__ == "__main__":
    sys.exit(main())
