#!/usr/bin/env python3
"""How y = 1 - |<a>|^2/n_0 falls with D_p at threshold, t_c = epsilon/r_0: local exponents, fits, a picture.

    critical_exponent.py FILE.h5 [FILE.h5 ...] [-d OUTDIR] [--format png|pdf] [--largest D_p]

Reads what `nanolase run` wrote for sweeps over D_p (configs/fig4d.ini, critical-scaling.ini), all files as one set of
points, and compares ways in which y may vanish. y is computed, not sampled: what a fit leaves over is the model's
error, not noise. So the intervals say how well a model of that form determines its numbers, not how likely it is true;
how its numbers move from window to window, and how well it foretells points it was not fitted to, says more.
"""
import argparse
import math
import os
import sys

import numpy as np

from figure_parts import BLACK, BLUE, GREY, RED, STYLE, YELLOW, letter, new_figure, note, plt, save
from result_file import Problem, Result, exit_code

PAPER, THEORY = 0.63, 2 / 3  # the paper's exponent; that of the degenerate fixed point's scale D^(1/3), squared
NUMERICAL = 1e-6  # of y, what the runs aim at; residuals below it mean nothing


# ---- the data ----

def points_of(result):
    """D = D_p/(epsilon/r_0), y and n_c of a file's converged points."""
    if "D_p" not in result.axes or any(len(v) > 1 for name, v in result.axes.items() if name != "D_p"):
        raise Problem(f"{result.path}: not a sweep over D_p alone; run configs/critical-scaling.ini")
    drive = fixed(result, "phase", "epsilon_over_r0")
    if not math.isclose(fixed(result, "laser", "t_c"), drive, rel_tol=1e-9):
        raise Problem(f"{result.path}: not at threshold; give t_c = epsilon_over_r0")
    if not math.isclose(fixed(result, "laser", "phi1"), fixed(result, "laser", "phi2"), abs_tol=1e-9):
        raise Problem(f"{result.path}: the drives differ in phase; give phi1 = phi2")
    good = result.converged.ravel()
    return np.column_stack([result.axes["D_p"] / drive, 1 - result.observable("coherence").ravel()])[good]


def fixed(result, section, key):
    """A setting, or the one value of an axis."""
    return result.axes[key][0] if key in result.axes else result.setting(section, key)


def collect(results):
    """All points by falling D, each D once: the last file's."""
    by_D = {}
    for result in results:
        by_D.update({D: y for D, y in points_of(result)})
    D = np.array(sorted(by_D, reverse=True))
    y = np.array([by_D[d] for d in D])
    if len(D) < 5 or not (D > 0).all() or not (y > 0).all():
        raise Problem("fewer than five converged points with D_p and 1 - coherence above zero; sweep D_p further")
    return D, y


def local_exponents(D, y):
    """d ln y/d ln D between neighbours, and where."""
    return np.sqrt(D[1:] * D[:-1]), np.diff(np.log(y)) / np.diff(np.log(D))


def log_slope(D, y):
    """d(y/D^(2/3))/d ln(1/D) between neighbours: b of the law with a logarithm; grows for ever if beta < 2/3."""
    return np.sqrt(D[1:] * D[:-1]), np.diff(y / D**THEORY) / np.diff(-np.log(D))


# ---- the models ----

class Model:
    """y = D^beta sum_i c_i term_i(D), with beta free where it is None."""

    def __init__(self, name, words, beta, *terms):
        self.name, self.words, self.beta, self.terms = name, words, beta, terms
        self.count = len(terms) + (beta is None)


def one(D):
    return np.ones_like(D)


def logarithm(D):
    return -np.log(D)


def first(D):
    return D**(1 / 3)


def second(D):
    return D**(2 / 3)


def second_logarithm(D):
    return -np.log(D) * D**(2 / 3)


# The fixed point's scale is D^(1/3), so corrections go with its powers.
MODELS = [
    Model("power", "c D^beta", None, one),
    Model("log", "D^(2/3) (a + b ln 1/D)", THEORY, one, logarithm),
    Model("corrected power", "D^beta (a + d D^(1/3))", None, one, first),
    Model("twice corrected power", "D^beta (a + d D^(1/3) + e D^(2/3))", None, one, first, second),
    Model("corrected log", "D^(2/3) (a + b L + D^(2/3) (e + f L))", THEORY, one, logarithm, second, second_logarithm),
    Model("free corrected log", "D^beta (a + b L + D^(2/3) (e + f L))", None, one, logarithm, second, second_logarithm),
]
BETA, SYMBOL = "beta", {one: "a", logarithm: "b", first: "d", second: "e", second_logarithm: "f"}


def golden_section(cost, low, high):
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-12:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if cost(left) < cost(right) else (left, high)
    return (low + high) / 2


class Fit:
    """Least squares of the relative deviations; parameters by name with the standard errors that the residuals
    imply."""

    def __init__(self, model, D, y):
        self.model = model
        beta = model.beta if model.beta is not None else self._best_beta(D, y)
        self.c, residual = self._linear(D, y, beta)
        self.beta, self.n = beta, len(D)
        self.rms = math.sqrt(np.mean(residual**2))
        self.aic = self._aic(residual)
        self.names = [SYMBOL[term] for term in model.terms]
        self.values = list(self.c)
        columns = self._columns(D, y, beta)
        if model.beta is None:
            self.names, self.values = [BETA] + self.names, [beta] + self.values
            columns = np.column_stack([columns @ self.c * np.log(D), columns])
        variance = np.sum(residual**2) / max(len(D) - model.count, 1)
        self.errors = np.sqrt(variance * np.diag(np.linalg.pinv(columns.T @ columns)))

    def _columns(self, D, y, beta):
        return np.column_stack([term(D) * D**beta / y for term in self.model.terms])

    def _linear(self, D, y, beta):
        columns = self._columns(D, y, beta)
        c = np.linalg.lstsq(columns, np.ones_like(y), rcond=None)[0]
        return c, columns @ c - 1

    def _best_beta(self, D, y):
        """The best of the minima that a fine grid brackets: there may be several, and narrow ones."""
        def cost(beta):
            return np.sum(self._linear(D, y, beta)[1]**2)
        grid = np.linspace(0.3, 1.1, 401)
        costs = [cost(beta) for beta in grid]
        brackets = [(grid[i - 1], grid[i + 1]) for i in range(1, len(grid) - 1)
                    if costs[i] <= min(costs[i - 1], costs[i + 1])]
        found = [golden_section(cost, *bracket) for bracket in brackets or [(0, 3)]]
        return min(found, key=cost)

    def _aic(self, residual):
        """Akaike's criterion for small samples, the residuals taken for Gaussian noise of unknown strength."""
        n, k = len(residual), self.model.count + 1
        floor = (1e-3 * NUMERICAL)**2  # a perfect fit has no logarithm
        return n * math.log(np.mean(residual**2) + floor) + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 1)

    def __call__(self, D):
        return D**self.beta * sum(c * term(D) for c, term in zip(self.c, self.model.terms))

    def exponent(self, D):
        step = 1e-4
        return (np.log(self(D * (1 + step))) - np.log(self(D * (1 - step)))) / (math.log1p(step) - math.log1p(-step))

    def __getitem__(self, name):
        return self.values[self.names.index(name)]

    def error(self, name):
        return self.errors[self.names.index(name)]


def windows(D, width=10.0):
    """Overlapping index sets a factor `width` wide, half of it apart, from the largest D on; those of five points."""
    top, found = D[0], []
    while top > D[-1] * width**0.75:
        chosen = (D <= top * (1 + 1e-9)) & (D >= top / width * (1 - 1e-9))
        if np.count_nonzero(chosen) >= 5:
            found.append(chosen)
        top /= math.sqrt(width)
    return found


def foretell(model, D, y, factor=10.0):
    """Relative error at the smallest D of the fit to the points above `factor` times it; NaN where they are too few."""
    known = D >= factor * D[-1] * (1 - 1e-9)
    if np.count_nonzero(known) < model.count + 2:
        return math.nan
    return float(Fit(model, D[known], y[known])(D[-1:])[0] / y[-1] - 1)


# ---- the report ----

def parameters(fit):
    """NAME = VALUE +- 2 standard errors, with as many digits as the error leaves."""
    def one_of(name, value, error):
        digits = 6 if error <= 0 else min(6, max(3, 1 - math.floor(math.log10(2 * error))))
        return f"{name} = {value:.{digits}f} +- {2 * error:.{digits}f}"
    return ", ".join(one_of(*p) for p in zip(fit.names, fit.values, fit.errors))


def report_points(D, y):
    middle, slope = local_exponents(D, y)
    b = log_slope(D, y)[1]
    print("         D              y    exponent   d(y/D^2/3)/dln(1/D), between this and the next")
    for i in range(len(D)):
        after = f"  {slope[i]:10.6f}   {b[i]:10.6f}" if i < len(slope) else ""
        print(f"{D[i]:10.4e}  {y[i]:.10f}{after}")


def report_windows(D, y):
    power, log = MODELS[0], MODELS[1]
    print("\nWindow by window: the exponent of a power law, and the law with a logarithm (+- 2 standard errors)")
    for chosen in windows(D):
        x, z = D[chosen], y[chosen]
        p, l = Fit(power, x, z), Fit(log, x, z)
        print(f"  {x[0]:.1e} to {x[-1]:.1e}   beta = {p[BETA]:.4f} +- {2 * p.error(BETA):.4f} (rms {p.rms:.1e})"
              f"   a = {l['a']:.4f}, b = {l['b']:.4f} +- {2 * l.error('b'):.4f} (rms {l.rms:.1e})")


def report_fits(D, y):
    """Returns the fits to all points."""
    fits = [Fit(model, D, y) for model in MODELS]
    best = min(fit.aic for fit in fits)
    print(f"\nFits to {len(D)} points, D from {D[0]:.3g} to {D[-1]:.3g} (+- 2 standard errors; rms: relative)")
    for fit in fits:
        ahead = foretell(fit.model, D, y)
        print(f"  {fit.model.words:38s} rms {fit.rms:.2e}   AIC +{fit.aic - best:6.1f}   a decade on "
              f"{'   -   ' if math.isnan(ahead) else format(ahead, '+.1e')}   {parameters(fit)}")
    return fits


def compare(better, worse, ahead):
    """Two fits of as many parameters, the better one first."""
    if better.rms > worse.rms:
        better, worse = worse, better
    print(f"  {better.model.words} leaves {better.rms:.1e}, {worse.model.words} {worse.rms:.1e}: {worse.rms / better.rms:.1f} times"
          f" as much, AIC +{worse.aic - better.aic:.0f}.")
    if all(math.isfinite(ahead[fit.model.name]) for fit in (better, worse)):
        print(f"    Without the last decade they miss the smallest D by {abs(ahead[better.model.name]):.1e} and"
              f" {abs(ahead[worse.model.name]):.1e}.")
    return better


def report_verdict(fits, D, y):
    """Which law, at two parameters and at four; and what is to be made of that."""
    of = {fit.model.name: fit for fit in fits}
    ahead = {name: foretell(fit.model, D, y) for name, fit in of.items()}
    print("\nOf laws with as many parameters")
    winner = compare(of["power"], of["log"], ahead)
    if len(D) > MODELS[-1].count + 2:
        winner = compare(of["corrected log"], of["twice corrected power"], ahead)
        free = of["free corrected log"]
        print(f"  With its exponent free, the law with a logarithm takes {free[BETA]:.5f} +- {2 * free.error(BETA):.5f}.")
    print(f"The data favour {winner.model.words}.")
    if winner.rms > NUMERICAL:
        print(f"What it leaves is more than the {NUMERICAL:g} to which y is computed, so it is the law's own. AIC takes it for"
              " noise and\noverstates certainty; windows, --largest and the foretold points are the fairer measures.")


# ---- pictures ----

def finish(figure, results, options):
    note(figure, results)
    save(figure, results[0].stem, options)


def draw_paper(D, y):
    """Fig. 4 (d): points, and the straight line through them."""
    figure = new_figure(2.8, 3.6)
    ax = figure.subplots()
    fit = Fit(MODELS[0], D, y)
    x = np.geomspace(D[0], D[-1], 50)
    ax.plot(1 / x, fit(x), color=RED, label=rf"$\propto n_0^{{-{fit[BETA]:.3f}}}$")
    ax.plot(1 / D, y, "o", ms=3.5, color=BLACK, label=r"$t_c=|\epsilon|/r_0$")
    ax.set(xscale="log", yscale="log", xlabel=r"$|\epsilon|/(r_0 D_p) \propto n_0$", ylabel=Y_LABEL)
    ax.legend(loc="upper right")
    letter(ax, "d")
    return figure


Y_LABEL = r"$1-|\langle a\rangle|^2/n_0$"
D_LABEL = r"$D = D_p r_0/|\epsilon|$"


def draw_scaling(fits, D, y):
    """y with its fits; the local exponent; and what a logarithm's factor would be."""
    figure = new_figure(2.6)
    a, b, c = figure.subplots(1, 3)
    x = np.geomspace(D[0], D[-1], 200)
    shown = [(fit, colour, style) for fit in fits for name, colour, style in
             (("power", RED, "--"), ("log", BLUE, "-"), ("corrected log", YELLOW, "-.")) if fit.model.name == name]
    labels = {"power": rf"$cD^\beta$, $\beta={fits[0][BETA]:.3f}$", "log": r"$D^{2/3}(a+b\ln\frac{1}{D})$",
              "corrected log": r"$\ldots+D^{4/3}(e+f\ln\frac{1}{D})$"}
    for fit, colour, style in shown:
        a.plot(x, fit(x) / x**THEORY, color=colour, ls=style, label=labels[fit.model.name])
        b.plot(x, fit.exponent(x), color=colour, ls=style)
        c.plot(*log_slope(x, fit(x)), color=colour, ls=style)
    a.plot(D, y / D**THEORY, "o", ms=2.5, color=BLACK, zorder=3)
    b.plot(*local_exponents(D, y), "o", ms=2.5, color=BLACK, zorder=3)
    c.plot(*log_slope(D, y), "o", ms=2.5, color=BLACK, zorder=3)
    for value, text in ((PAPER, "0.63"), (THEORY, "2/3")):
        b.axhline(value, color=GREY, lw=0.6, ls=":", zorder=0)
        b.annotate(text, (1, value), xycoords=("axes fraction", "data"), xytext=(-3, 2), textcoords="offset points",
                   ha="right", fontsize=7, color=GREY)
    b.set_ylim(top=THEORY + 0.006)
    a.set(yscale="log", ylabel=f"({Y_LABEL})" + r"$\,/\,D^{2/3}$")
    a.yaxis.set_major_formatter("{x:g}")
    a.yaxis.set_minor_formatter("{x:g}")
    a.tick_params(axis="y", which="minor", labelsize=7)
    b.set(ylabel=r"$d\ln y\,/\,d\ln D$")
    c.set(ylabel=r"$d(y\,D^{-2/3})\,/\,d\ln(1/D)$")
    for ax, text in zip((a, b, c), "abc"):
        ax.set(xscale="log", xlabel=D_LABEL)
        letter(ax, text)
    a.legend(loc="best", fontsize=7)
    return figure


# ---- main ----

def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE.h5", help="result of `nanolase run`")
    parser.add_argument("-d", dest="outdir", metavar="OUTDIR", help="folder for the picture (default: no picture)")
    parser.add_argument("--format", choices=("png", "pdf"), default="png", help="kind of picture (default: png)")
    parser.add_argument("--largest", type=float, default=math.inf, metavar="D", help="fit only points up to this D")
    return parser.parse_args(words)


def analyse(D, y, largest=math.inf):
    """Prints the report; returns the fits."""
    report_points(D, y)
    chosen = D <= largest * (1 + 1e-9)
    if np.count_nonzero(chosen) < 5:
        raise Problem(f"fewer than five points with D up to {largest:g}; use a larger --largest")
    report_windows(D[chosen], y[chosen])
    fits = report_fits(D[chosen], y[chosen])
    report_verdict(fits, D[chosen], y[chosen])
    return fits


def report(options):
    results = [Result(path) for path in options.files]
    D, y = collect(results)
    fits = analyse(D, y, options.largest)
    if options.outdir:
        os.makedirs(options.outdir, exist_ok=True)
        plt.rcParams.update(STYLE)
        paper = len(results) == 1 and results[0].name == "fig4d"
        finish(draw_paper(D, y) if paper else draw_scaling(fits, D, y), results, options)


def main():
    options = arguments()
    return exit_code("critical_exponent.py", options.outdir, lambda: report(options))


if __name__ == "__main__":
    sys.exit(main())
