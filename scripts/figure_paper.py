"""The figures of the paper, and those of the configurations that stand beside them."""
import math

import numpy as np
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from figure_parts import (BLACK, BLUE, COHERENCE_MAP, GAMMA_COLOURS, GREY, RED, YELLOW, colour_legend, colour_map,
                          complex_lines, crossed_line, density_colours, letter, line, line_styles, mark_threshold,
                          symbol)
from result_file import Problem

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
