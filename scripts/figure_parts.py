"""What figures are made of: style, names of quantities, lines, maps and marks."""
import math
import os

import numpy as np
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D

BLUE, RED, YELLOW, BLACK, GREY = "#0072B2", "#D55E00", "#E69F00", "#000000", "#888888"
GAMMA_COLOURS = [BLUE, RED, YELLOW, BLACK, GREY]  # of Fig. 7, from the largest gamma on
COHERENCE_MAP, GENERIC_MAP = "viridis", "cividis"
WIDTH = 6.9  # inches, the text width of a page

STYLE = {
    "font.family": "serif", "font.serif": ["STIXGeneral"], "mathtext.fontset": "stix", "font.size": 9,
    "axes.titlesize": 9, "axes.labelsize": 10, "legend.fontsize": 8, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "axes.linewidth": 0.6, "lines.linewidth": 1.2, "xtick.direction": "in", "ytick.direction": "in",
    "xtick.top": True, "ytick.right": True, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "legend.frameon": False, "legend.handlelength": 2.2, "hatch.linewidth": 0.5, "savefig.dpi": 300,
    "pdf.fonttype": 42,
}

# How a key or observable is written. Others appear by their name.
SYMBOLS = {
    "t_c": r"$t_c/\kappa$", "phi1": r"$\phi_1$", "phi2": r"$\phi_2$", "D_p": r"$D_p/\kappa$",
    "epsilon": r"$|\epsilon|/\kappa$", "epsilon_over_r0": r"$|\epsilon|/r_0$", "cooperativity": r"$C_p$",
    "gamma": r"$\gamma/\kappa$", "n_c": r"$n_c$", "t": r"$\kappa t$", "theta1": r"$\theta_1/\pi$",
    "coherence": r"$C$", "coherence1": r"$|\langle a_1\rangle|^2/n_0$", "coherence2": r"$|\langle a_2\rangle|^2/n_0$",
    "correlation": r"$\langle a_1^\dagger a_2\rangle/n_0$", "exp_i_theta1": r"$\langle e^{i\theta_1}\rangle$",
    "exp_i_theta2": r"$\langle e^{i\theta_2}\rangle$",
    "exp_i_theta21": r"$\langle e^{i(\theta_2-\theta_1)}\rangle$", "a1": r"$\langle a_1\rangle$",
    "a2": r"$\langle a_2\rangle$", "n1": r"$\langle n_1\rangle$", "n2": r"$\langle n_2\rangle$",
    "imbalance": r"$\langle n_1\rangle-\langle n_2\rangle$",
    "relative_imbalance": r"$\langle n_1-n_2\rangle/\langle n_1+n_2\rangle$",
    "var_n1": r"Var $n_1$", "var_n2": r"Var $n_2$", "std_imbalance": r"$\Delta(n_1-n_2)$",
    "d_imbalance_dphi": r"$\partial\langle n_1-n_2\rangle/\partial(\phi_2-\phi_1)$",
    "phase_uncertainty": r"$\delta\phi$ (rad)", "purity1": r"Tr $\rho_1^2$",
    "gap_re": r"gap $-\mathrm{Re}\,\lambda/\kappa$", "gap_im": r"$|\mathrm{Im}\,\lambda|/\kappa$",
    "purity2": r"Tr $\rho_2^2$",
}


def new_figure(height, width=WIDTH):
    return plt.figure(figsize=(width, height), layout="constrained")


def save(figure, stem, options):
    path = os.path.join(options.outdir, f"{stem}.{options.format}")
    figure.savefig(path)
    plt.close(figure)
    print(path)


def density_colours():
    """White where the density is zero, then magma backwards."""
    colours = plt.get_cmap("magma_r")(np.linspace(0, 1, 256))
    blend = 1 - np.clip(1 - np.linspace(0, 5, 256), 0, 1)[:, None]**2  # smooth where it ends, at a fifth of the scale
    return ListedColormap(blend * colours + (1 - blend))


def symbol(name):
    return SYMBOLS.get(name, name.replace("_", " "))


def letter(ax, text, inside=False):
    """Panel letter, at the upper left above the frame or within it."""
    x, y, va = (0.03, 0.96, "top") if inside else (0.0, 1.02, "bottom")
    ax.text(x, y, f"({text})", transform=ax.transAxes, ha="left", va=va, fontsize=10)


def note(figure, results):
    """Says above the panels how many points did not converge, where any did not."""
    notes = [result.unconverged_note() for result in results]
    if len(results) > 1:
        notes = [f"{result.name}: {text}" for result, text in zip(results, notes) if text]
    text = "; ".join(text for text in notes if text)
    if text:
        figure.suptitle(text, fontsize=9, color=RED)


def line(ax, x, y, converged, **style):
    """A line; hollow circles stand on the points that did not converge."""
    drawn, = ax.plot(x, y, **style)
    bad = np.flatnonzero(~np.broadcast_to(converged, np.shape(y)))
    bad = bad[::math.ceil(len(bad) / 40) or 1]  # enough to see; a time series has very many
    ax.plot(np.asarray(x)[bad], np.asarray(y)[bad], "o", mfc="white", mec=drawn.get_color(), ms=4, mew=0.9,
            zorder=drawn.get_zorder() + 1)
    return drawn


def complex_lines(ax, x, z, converged, **style):
    """Real part blue, imaginary part black."""
    line(ax, x, np.real(z), converged, color=BLUE, **style)
    line(ax, x, np.imag(z), converged, color=BLACK, **style)


def colour_legend(ax, blue, black):
    ax.legend([Line2D([], [], color=BLUE), Line2D([], [], color=BLACK)], [blue, black], loc="best")


def edges(centres):
    """Cell boundaries about the centres."""
    centres = np.asarray(centres, dtype=float)
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def colour_map(ax, x, y, values, converged, **style):
    """values[i, j] at (x_i, y_j); hatched where not converged."""
    mesh = ax.pcolormesh(edges(x), edges(y), np.ma.masked_invalid(values).T, rasterized=True, **style)
    bad = ~np.broadcast_to(converged, np.shape(values))
    hatched = np.ma.masked_array(np.ones(bad.shape), ~bad)
    # One direction black, the other white: seen on any colour.
    for hatch, colour in (("//////", "black"), ("\\\\\\\\\\\\", "white")) if bad.any() else ():
        with matplotlib.rc_context({"hatch.color": colour}):
            ax.pcolor(edges(x), edges(y), hatched.T, hatch=hatch, alpha=0)
    # Cells reach half a step beyond the first and last value; the axes end at the values.
    for set_limits, ends in ((ax.set_xlim, x), (ax.set_ylim, y)):
        if len(ends) > 2:
            set_limits(min(ends), max(ends))
    return mesh


def mark_threshold(ax, result):
    """A thin line at t_c = epsilon/r_0, where locking is lost in the thermodynamic limit."""
    threshold = result.setting("phase", "epsilon_over_r0")
    if math.isfinite(threshold):
        ax.axvline(threshold, color=GREY, lw=0.6, ls=":", zorder=0)


def line_styles(count):
    """One style per line, the last one continuous and the one before dashed."""
    styles = ["-", "--", ":", "-."]
    return [styles[(count - 1 - i) % len(styles)] for i in range(count)]


def crossed_line(ax, result, x, y, **style):
    """A line with markers; a cross strikes out each point that did not converge."""
    ax.plot(x, y, **style)
    bad = ~result.converged
    ax.plot(np.asarray(x)[bad], np.asarray(y)[bad], "x", color=BLACK, ms=6, mew=0.9)
