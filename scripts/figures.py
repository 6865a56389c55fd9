#!/usr/bin/env python3
"""Draws the figures of the paper, and a plot of any other result, from files that `nanolase run` wrote.

    figures.py FILE.h5 [FILE.h5 ...] [-d OUTDIR] [--format png|pdf]

The name of the configuration (fig3, fig4, fig5a ...) tells which figure a file holds; any other file, and one whose
sweep was changed, gets a plot of every observable against what was swept. Files that make one figure of the paper
(fig5a, b and c; fig6-*; figB1a-*) are drawn together too where several are given. Points that did not converge are
drawn hollow (lines), crossed out (points) or hatched (maps) and counted in the title.
"""
import argparse
import configparser
import math
import os
import sys

import h5py
import numpy as np
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

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


class Problem(Exception):
    """What is wrong with a file, in one line."""


# ---- reading ----

def text_of(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Result:
    """One result file: axes in sweep order, and datasets by name."""

    def __init__(self, path):
        self.path = path
        self.stem = os.path.splitext(os.path.basename(path))[0]
        if not os.path.exists(path):
            raise Problem(f"{path}: no such file; `nanolase run` writes it")
        try:
            self.file = h5py.File(path, "r")
        except OSError:
            raise Problem(f"{path}: not a readable HDF5 file; give a file that `nanolase run` wrote") from None
        self.name = text_of(self.file.attrs.get("name", self.stem))
        names = text_of(self.file.attrs.get("axes", "")).split(",")
        self.axes = {name: self.data("axes/" + name) for name in names if name}
        self.shape = tuple(len(values) for values in self.axes.values())
        self.converged = self.shaped("convergence/converged", self.shape) != 0
        self.config = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
        self.config.optionxform = str
        self.config.read_string(text_of(self.file.attrs.get("config", "")))

    def data(self, name):
        if name not in self.file:
            raise Problem(f"{self.path}: no dataset {name}{self.remedy(name)}")
        return self.file[name][()]

    @staticmethod
    def remedy(name):
        if name.startswith("fields/"):
            return "; run again with -s output.fields=yes"
        return "; give a file that `nanolase run` wrote"

    def shaped(self, name, shape):
        """The dataset, whose leading dimensions must be `shape`."""
        data = np.asarray(self.data(name))
        if data.shape[:len(shape)] != shape:
            raise Problem(f"{self.path}: {name} has the shape {data.shape}, the axes have {shape}")
        return data

    def observable(self, name):
        return self.shaped("observables/" + name, self.shape)

    def field(self, name):
        return self.shaped("fields/" + name, self.shape)

    def names(self, group):
        return list(self.file[group]) if group in self.file else []

    def setting(self, section, key):
        try:
            return self.config.getfloat(section, key)
        except (configparser.Error, ValueError):
            return math.nan

    def unconverged_note(self):
        """Empty where every point converged."""
        bad = int(np.count_nonzero(~self.converged))
        return f"{bad} of {self.converged.size} points not converged" if bad else ""


# ---- drawing ----

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


# ---- the paper's figures ----

def mean_field(result, C_p, gamma):
    """n_0, Eq. 15; zero below the lasing threshold."""
    kappa = result.setting("laser", "kappa")
    renormalised = result.config.getboolean("laser", "renormalise", fallback=True)
    B_r = 1 if renormalised else C_p  # B in place of B/C_p, Eq. 9: in units of B_r
    return np.maximum(C_p - 1, 0) * gamma / (2 * C_p * kappa * B_r)


def radial_distribution(result):
    """r_0 and R(r), Eqs. C.8 and C.9, from the cooperativity and gamma/kappa of [laser]."""
    C_p = result.setting("laser", "cooperativity")
    if not C_p > 1:
        raise Problem(f"{result.path}: cooperativity = {C_p:g} is below the lasing threshold, so R(r) has no peak; "
                      "use cooperativity > 1")
    n_0 = mean_field(result, C_p, result.setting("laser", "gamma"))
    r_0, sigma = math.sqrt(n_0), math.sqrt(C_p / (C_p - 1)) / 2
    return r_0, sigma, lambda r: np.exp(-(r - r_0)**2 / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * r_0 * sigma)


def draw_fig3(result, figure):
    """P_1(alpha_1) in the complex plane, one panel per t_c, on one colour scale."""
    theta, marginals = result.data("fields/theta"), result.field("P_theta1")
    r_0, sigma, R = radial_distribution(result)
    reach = r_0 + 3.2 * sigma
    x = np.linspace(-reach, reach, 401)
    re, im = np.meshgrid(x, x)
    radius, angle = np.hypot(re, im), np.arctan2(im, re)
    highest = np.nanmax(marginals) * R(r_0)
    columns = min(len(marginals), 4)
    panels = figure.subplots(math.ceil(len(marginals) / columns), columns, squeeze=False, sharex=True, sharey=True)
    for i, (ax, t_c, P) in enumerate(zip(panels.flat, result.axes["t_c"], marginals)):
        density = R(radius) * np.interp(angle, theta, P, period=2 * math.pi)
        mesh = ax.imshow(density, origin="lower", extent=(-reach, reach, -reach, reach), cmap=density_colours(), vmin=0,
                         vmax=highest, interpolation="bilinear")
        ax.add_patch(plt.Circle((0, 0), r_0, fill=False, ls=":", lw=0.6, ec=GREY))
        if not result.converged[i]:
            ax.add_patch(plt.Rectangle((-reach, -reach), 2 * reach, 2 * reach, fill=False, hatch="xxx", ec=GREY))
        letter(ax, "abcdefghijklmnop"[i % 16])
        ax.set_title(rf"$t_c/\kappa = {t_c:g}$")
        ax.set_xlabel(r"$\mathrm{Re}\,\alpha_1$")
    for ax in panels.flat[len(marginals):]:
        ax.set_visible(False)
    for ax in panels[:, 0]:
        ax.set_ylabel(r"$\mathrm{Im}\,\alpha_1$")
    figure.colorbar(mesh, ax=panels, label=r"$P_1(\alpha_1)$", shrink=0.75 if len(marginals) <= columns else 0.9,
                    pad=0.01)


def draw_fig4(result, figure):
    """Coherence, its cos and sin parts, and the correlation against t_c; a line style per D_p."""
    D_p, t_c = result.axes.values()
    coherence, correlation = result.observable("coherence1"), result.observable("correlation")
    locked = result.observable("exp_i_theta1")
    a, b, c = figure.subplots(1, 3, sharex=True)
    order = np.argsort(D_p)[::-1]  # the smallest diffusion continuous, as in the paper
    for d, style in zip(order, line_styles(len(D_p))):
        good = result.converged[d]
        line(a, t_c, coherence[d], good, color=BLACK, ls=style, label=rf"$D_p/\kappa = {D_p[d]:g}$")
        complex_lines(b, t_c, locked[d], good, ls=style)
        complex_lines(c, t_c, correlation[d], good, ls=style)
    a.legend(loc="upper right")
    colour_legend(b, r"$\langle\cos\theta_1\rangle$", r"$\langle\sin\theta_1\rangle$")
    colour_legend(c, "Re", "Im")
    a.set_ylabel(r"$|\langle a_1\rangle|^2/n_0$")
    b.set_ylabel(r"$\langle a_1\rangle/\sqrt{n_0}$")
    c.set_ylabel(symbol("correlation"))
    for ax, text in zip((a, b, c), "abc"):
        letter(ax, text)
        mark_threshold(ax, result)
        ax.set_xlabel(symbol("t_c"))
        ax.set_xlim(min(t_c), max(t_c))
    a.set_ylim(0, 1.05)


def draw_fig5_panel(result, ax):
    """Average coherence over t_c and phi_2."""
    t_c, phi2 = result.axes.values()
    mesh = colour_map(ax, t_c, phi2 / math.pi, result.observable("coherence"), result.converged, cmap=COHERENCE_MAP,
                      vmin=0, vmax=1)
    ax.set_xlabel(symbol("t_c"))
    ax.set_title(rf"$D_p/\kappa = {result.setting('phase', 'D_p'):g}$")
    letter(ax, result.name[-1])
    return mesh


def draw_fig5(results, figure):
    """One or more maps side by side with one colour bar."""
    if len(results) == 1:
        figure.set_size_inches(3.4, 2.7)
    panels = figure.subplots(1, len(results), squeeze=False, sharey=True)[0]
    for ax, result in zip(panels, results):
        mesh = draw_fig5_panel(result, ax)
    panels[0].set_ylabel(r"$\phi_2/\pi$")
    figure.colorbar(mesh, ax=panels, label="coherence $C$", pad=0.01)


METHODS = {"gutzwiller": "Gutzwiller", "phase-selfconsistent": "self-consistent phases"}


def weak_coupling(result, t_c):
    """n_1 and n_2 by Eq. 31 with the sign that Eq. 6 implies: n_1 - n_2 ~ n_J sin(phi_1 - phi_2)."""
    C_p, gamma, kappa, epsilon, phi1, phi2 = (result.setting("laser", key) for key in
                                              ("cooperativity", "gamma", "kappa", "epsilon", "phi1", "phi2"))
    n_0 = mean_field(result, C_p, gamma)
    driven = n_0 + math.sqrt(n_0) * epsilon / (kappa * (C_p - 1))
    half = t_c * n_0 / (kappa * (C_p - 1)) * math.sin(phi1 - phi2)
    return driven + half, driven - half


def draw_fig6(results, figure):
    """Photon numbers and their relative imbalance against t_c; filled points for Gutzwiller, hollow ones for phases."""
    a, b = figure.subplots(1, 2)
    lasers = (("n1", BLUE), ("n2", RED))
    for result in results:
        t_c, equation = result.axes["t_c"], result.config.get("model", "equation")
        filled = equation == "gutzwiller"
        style = {"marker": "o" if filled else "s", "ms": 3, "lw": 0.6, "ls": "-" if filled else ":", "mew": 0.7,
                 "label": METHODS.get(equation, equation)}
        for name, colour in lasers:
            style["mfc"] = colour if filled else "white"
            crossed_line(a, result, t_c, result.observable(name), color=colour, **style)
        style["mfc"] = BLACK if filled else "white"
        crossed_line(b, result, t_c, result.observable("relative_imbalance"), color=BLACK, **style)
    first, t_c = results[0], np.asarray(results[0].axes["t_c"])
    C_p = first.setting("laser", "cooperativity")
    if C_p > 1:
        n1, n2 = weak_coupling(first, t_c)
        limits = b.get_ylim()
        b.plot(t_c, (n1 - n2) / (n1 + n2), color=GREY, ls="-", label="weak coupling, Eq. 31", zorder=1)
        b.set_ylim(limits)
        n_0 = mean_field(first, C_p, first.setting("laser", "gamma"))
        threshold = first.setting("laser", "epsilon") / math.sqrt(n_0)
        for ax in (a, b):
            ax.axvline(threshold, color=GREY, lw=0.8, ls="--", zorder=0)
    handles = [Line2D([], [], color=colour, lw=0.6, marker="o", ms=3) for _, colour in lasers]
    handles.append(Line2D([], [], color=GREY, lw=0.8, ls="--"))
    a.legend(handles, [symbol(name) for name, _ in lasers] + [r"$t_c=|\epsilon|/\sqrt{n_0}$"], loc="best")
    low, high = b.get_ylim()
    b.set_ylim(low - 0.12 * (1 + len(results)) * (high - low), high)  # room for the legend
    b.legend(loc="lower right", handlelength=1.6)  # clear of the dashed line
    a.set_ylabel("photon number")
    b.set_ylabel(symbol("relative_imbalance"))
    for ax, text in zip((a, b), "ab"):
        letter(ax, text)
        ax.set_xlabel(symbol("t_c"))
        ax.set_xmargin(0.015)


def crossed_line(ax, result, x, y, **style):
    """A line with markers; a cross strikes out each point that did not converge."""
    ax.plot(x, y, **style)
    bad = ~result.converged
    ax.plot(np.asarray(x)[bad], np.asarray(y)[bad], "x", color=BLACK, ms=6, mew=0.9)


def draw_fig7(result, figure):
    """Sensitivity of the imbalance to the phase, and the uncertainty of the phase, against C_p; a colour per gamma."""
    gammas, C_p = (np.asarray(values) for values in result.axes.values())
    slope, slope_analytic = -result.observable("d_imbalance_dphi"), -result.observable("d_imbalance_dphi_analytic")
    uncertainty = [result.observable("phase_uncertainty" + end) for end in ("", "_analytic", "_eq38")]
    a, b = figure.subplots(1, 2)
    lasing = C_p > 1 - 1e-9
    for i in np.argsort(gammas)[::-1]:
        colour = GAMMA_COLOURS[list(np.sort(gammas)[::-1]).index(gammas[i]) % len(GAMMA_COLOURS)]
        good = result.converged[i]
        line(a, C_p, slope[i], good, color=colour, label=rf"$\gamma/\kappa = {gammas[i]:g}$")
        a.plot(C_p[lasing], slope_analytic[i][lasing], color=colour, ls="--")
        line(b, C_p, uncertainty[0][i], good, color=colour)
        for values, style in zip(uncertainty[1:], ("--", ":")):
            b.plot(C_p[lasing], values[i][lasing], color=colour, ls=style, zorder=3 if style == ":" else 2)
    handles, labels = a.get_legend_handles_labels()
    a.legend(handles + [Line2D([], [], color=GREY, ls="--")], labels + [r"$n_J$, Eq. 36"], loc="upper right", ncols=2)
    a.set_ylim(0, 1.3 * a.get_ylim()[1])
    b.legend([Line2D([], [], color=GREY, ls=style) for style in ("-", "--", ":")],
             ["computed", "Eq. 38 with corrected Eq. 37", "Eq. 38 as printed"], loc="best")
    a.set_ylabel(r"$-\,\partial\langle n_1-n_2\rangle/\partial(\phi_2-\phi_1)$")
    b.set_ylabel(symbol("phase_uncertainty"))
    b.set_yscale("log")
    b.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    b.yaxis.set_major_formatter("{x:g}")
    b.yaxis.set_minor_formatter(NullFormatter())
    for ax, text in zip((a, b), "ab"):
        letter(ax, text)
        ax.set_xlabel(symbol("cooperativity"))
        ax.set_xlim(min(C_p), max(C_p))


def draw_figB1a(results, figure):
    """Photon number of one laser against C_p: a line for Eq. 1, points for Eq. 6."""
    ax = figure.subplots()
    for result in sorted(results, key=lambda r: r.name, reverse=True):  # qubit, photon
        C_p, n = result.axes["cooperativity"], result.observable("n1")
        if result.config.get("model", "local") == "qubit":
            line(ax, C_p, n, result.converged, color=BLUE, label="photons and qubit, Eq. 1")
        else:
            crossed_line(ax, result, C_p, n, color=YELLOW, marker="o", ms=4, ls="none", label="photons alone, Eq. 6")
    ax.set_xlim(0, max(max(result.axes["cooperativity"]) for result in results) * 1.02)
    ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])  # whole points at zero
    ax.set_xlabel(symbol("cooperativity"))
    ax.set_ylabel(r"$\langle n\rangle$")
    ax.legend(loc="upper left")


def draw_figB1b(result, figure):
    """Photon number over gamma/kappa against C_p, a line per gamma, and the mean field."""
    gammas, C_p = (np.asarray(values) for values in result.axes.values())
    size = gammas / result.setting("laser", "kappa")
    n = result.observable("n1")
    ax = figure.subplots()
    colours = plt.get_cmap("viridis_r")(np.linspace(0.15, 0.9, len(gammas)))
    for i, colour in zip(np.argsort(gammas), colours):
        line(ax, C_p, n[i] / size[i], result.converged[i], color=colour, label=rf"$\gamma/\kappa = {size[i]:g}$")
    fine = np.union1d(C_p, [1.0]) if min(C_p) < 1 < max(C_p) else C_p
    ax.plot(fine, mean_field(result, fine, 1) * result.setting("laser", "kappa"), color=BLACK, ls="--", lw=0.9,
            label="mean field")
    ax.set_xlim(min(C_p), max(C_p))
    ax.set_ylim(bottom=0)
    ax.set_xlabel(symbol("cooperativity"))
    ax.set_ylabel(r"$\langle n\rangle\kappa/\gamma$")
    ax.legend(loc="upper left")


def draw_gap(result, figure):
    """Decay rate and frequency of the slowest mode against t_c, a colour per D_p."""
    D_p, t_c = result.axes.values()
    rate, frequency = result.observable("gap_re"), result.observable("gap_im")
    a, b = figure.subplots(1, 2, sharex=True)
    for d, colour in zip(np.argsort(D_p)[::-1], GAMMA_COLOURS):
        line(a, t_c, rate[d], result.converged[d], color=colour, marker="o", ms=2, label=rf"$D_p/\kappa = {D_p[d]:g}$")
        # Real modes and complex pairs are different branches: no line from one to the other.
        for branch in (frequency[d] > 0, frequency[d] == 0):
            line(b, t_c, np.where(branch, frequency[d], np.nan), result.converged[d], color=colour, marker="o", ms=2)
    a.set_ylabel(symbol("gap_re"))
    b.set_ylabel(symbol("gap_im"))
    a.legend(loc="upper right")
    for ax, text in zip((a, b), "ab"):
        letter(ax, text)
        mark_threshold(ax, result)
        ax.set_xlabel(symbol("t_c"))
        ax.set_xlim(min(t_c), max(t_c))
        ax.set_ylim(bottom=0)


def draw_gap_threshold(result, figure):
    """Both parts of the slowest eigenvalue against D_p at threshold, with D_p^(1/3) through the smallest one."""
    D_p, = result.axes.values()
    ax = figure.subplots()
    order = np.argsort(D_p)
    for name, colour in (("gap_re", BLUE), ("gap_im", RED)):
        values = result.observable(name)
        line(ax, D_p, values, result.converged, color=colour, marker="o", ms=3, label=symbol(name))
        ax.plot(D_p[order], values[order[0]] * (D_p[order] / D_p[order[0]])**(1 / 3), color=GREY, ls=":",
                label=r"$\propto D_p^{1/3}$" if name == "gap_im" else None)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(symbol("D_p"))
    ax.set_ylabel(r"slowest mode at $t_c = |\epsilon|/r_0$")
    ax.legend(loc="upper left")


def draw_quickstart(result, figure):
    """Coherence, mean field, correlation and the distribution of theta_1 against t_c."""
    t_c, theta, P = result.axes["t_c"], result.data("fields/theta"), result.field("P_theta1")
    (a, b), (c, d) = figure.subplots(2, 2, sharex=True)
    line(a, t_c, result.observable("coherence"), result.converged, color=BLACK)
    complex_lines(b, t_c, result.observable("exp_i_theta1"), result.converged)
    complex_lines(c, t_c, result.observable("correlation"), result.converged)
    colour_legend(b, r"$\langle\cos\theta_1\rangle$", r"$\langle\sin\theta_1\rangle$")
    colour_legend(c, "Re", "Im")
    # From -pi to pi, so that the locked phase -pi/2 and its way to 0 lie in the middle.
    theta = np.where(theta >= math.pi, theta - 2 * math.pi, theta)
    order = np.argsort(theta)
    mesh = colour_map(d, t_c, theta[order] / math.pi, P[:, order], result.converged[:, None], cmap=density_colours(),
                      vmin=0)
    figure.colorbar(mesh, ax=d, label=r"$P(\theta_1)$", pad=0.02)
    for ax, text, label in zip((a, b, c, d), "abcd", ("coherence $C$", r"$\langle a_1\rangle/\sqrt{n_0}$",
                                                     symbol("correlation"), symbol("theta1"))):
        letter(ax, text)
        mark_threshold(ax, result)
        ax.set_ylabel(label)
        ax.set_xlim(min(t_c), max(t_c))
    for ax in (c, d):
        ax.set_xlabel(symbol("t_c"))
    a.set_ylim(0, 1.05)
    d.set_yticks(np.arange(-1, 0.9, 0.5))


# ---- any other file ----

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


# ---- which figure ----

# name: (drawing function, the axes it needs, height and width in inches)
FIGURES = {
    "quickstart": (draw_quickstart, ("t_c",), 4.6, WIDTH),
    "fig3": (draw_fig3, ("t_c",), 2.15, WIDTH),
    "fig4": (draw_fig4, ("D_p", "t_c"), 2.4, WIDTH),
    "fig7": (draw_fig7, ("gamma", "cooperativity"), 2.8, WIDTH),
    "gap": (draw_gap, ("D_p", "t_c"), 2.6, WIDTH),
    "gap-threshold": (draw_gap_threshold, ("D_p",), 2.8, 3.6),
    "figB1b": (draw_figB1b, ("gamma", "cooperativity"), 2.8, 3.6),
}
# Figures of one or more files, whose names begin with the figure's.
GROUPS = {
    "fig5": (draw_fig5, ("t_c", "phi2"), 2.35, WIDTH),
    "fig6": (draw_fig6, ("t_c",), 2.8, WIDTH),
    "figB1a": (draw_figB1a, ("cooperativity",), 2.8, 3.6),
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


def new_figure(height, width=WIDTH):
    return plt.figure(figsize=(width, height), layout="constrained")


def save(figure, stem, options):
    path = os.path.join(options.outdir, f"{stem}.{options.format}")
    figure.savefig(path)
    plt.close(figure)
    print(path)


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


def main():
    options = arguments()
    plt.rcParams.update(STYLE)
    try:
        os.makedirs(options.outdir, exist_ok=True)
        results = [Result(path) for path in options.files]
        for result in results:
            draw_one(result, options)
        draw_together(results, options)
    except Problem as problem:
        print(f"figures.py: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"figures.py: {error.filename or options.outdir}: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
