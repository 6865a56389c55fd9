"""A plot of any result: every observable against what was swept."""
import math

import numpy as np
import matplotlib.pyplot as plt

from figure_parts import BLACK, GENERIC_MAP, WIDTH, colour_map, line, symbol
from result_file import Problem

def real_parts(result, group, shape):
    """(label, values) of every dataset of the group, complex ones as two."""
    for name in result.names(group):
        data = result.shaped(f"{group}/{name}", shape)
        if np.iscomplexobj(data):
            yield "Re " + symbol(name), data.real
            yield "Im " + symbol(name), data.imag
        else:
            yield symbol(name), data


def is_logarithmic(values):
    values = np.asarray(values, dtype=float)
    if len(values) < 3 or values.min() <= 0 or values.max() < 5 * values.min():
        return False
    return np.ptp(np.diff(np.log(values))) < 1e-6


def first_of_leading(axes, keep):
    """The index that fixes all axes but the last `keep` at their first value, and the words that say so."""
    leading = list(axes)[:-keep]
    words = ", ".join(f"{symbol(name)} = {axes[name][0]:g} (first of {len(axes[name])})" for name in leading)
    return (0,) * len(leading), words


def draw_generic_lines(ax, axes, values, converged):
    """Over the last axis; of a second last one, a line per value."""
    names = list(axes)
    x = axes[names[-1]]
    if len(names) == 1:
        line(ax, x, values, converged, color=BLACK)
    else:
        colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(values)))
        for v, y, good, colour in zip(axes[names[0]], values, converged, colours):
            line(ax, x, y, good, color=colour, label=f"{symbol(names[0])} = {v:g}")
    ax.set_xlabel(symbol(names[-1]))
    if is_logarithmic(x):
        ax.set_xscale("log")
    if constant_range(values):
        ax.set_ylim(constant_range(values))


def constant_range(values):
    """Limits for a constant, which would else be magnified to its rounding errors; None for anything else."""
    values = values[np.isfinite(values)]
    if values.size and np.ptp(values) < 1e-9 * max(1, abs(values).max()):
        return values.mean() - 1, values.mean() + 1
    return None


def draw_generic_map(ax, axes, values, converged):
    (x_name, x), (y_name, y) = axes.items()
    mesh = colour_map(ax, x, y, values, converged, cmap=GENERIC_MAP)
    if constant_range(values):
        mesh.set_clim(*constant_range(values))
    ax.set_xlabel(symbol(x_name))
    ax.set_ylabel(symbol(y_name))
    if is_logarithmic(x):
        ax.set_xscale("log")
    if is_logarithmic(y):
        ax.set_yscale("log")
    ax.figure.colorbar(mesh, ax=ax, pad=0.02)


def generic_data(result):
    """Group, axes (time last for a series), which points converged; None where nothing varies."""
    axes = {name: values for name, values in result.axes.items() if len(values) > 1}
    converged = result.converged.reshape(tuple(len(values) for values in axes.values()))
    group = "observables"
    if "series" in result.file:
        group = "series"
        axes["t"] = result.data("time")
        converged = converged[..., None]
    return (group, axes, converged) if axes else None


def draw_generic(result, figure):
    """A panel for every real observable: lines over one axis (or few times many), maps over two."""
    group, axes, converged = generic_data(result)
    full_shape = result.shape + ((len(axes["t"]),) if group == "series" else ())
    shape = tuple(len(values) for values in axes.values())
    panels = [(label, values.reshape(shape)) for label, values in real_parts(result, group, full_shape)
              if np.isfinite(values).any()]
    if not panels:
        raise Problem(f"{result.path}: no observables; give a file that `nanolase run` wrote")
    converged = np.broadcast_to(converged, shape)
    index, words = first_of_leading(axes, 2)
    axes = dict(list(axes.items())[-2:])
    few_lines = len(axes) == 1 or (group == "series" and len(list(axes.values())[0]) <= 6)
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure.set_size_inches(WIDTH, 0.4 + 2.0 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (label, values) in zip(grid, panels):
        draw = draw_generic_lines if few_lines else draw_generic_map
        draw(ax, axes, values[index], converged[index])
        ax.set_title(label)
    for ax in grid[len(panels):]:
        ax.set_visible(False)
    if few_lines and len(axes) == 2:
        grid[0].legend(loc="best")
    return words
