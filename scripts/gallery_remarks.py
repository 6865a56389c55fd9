"""What of each figure of the paper agrees, what differs and why, with the numbers taken from the results themselves.

ENTRIES lists the sections of the gallery in order. An entry's `remarks` gets its results by name and gives two lists of
sentences in HTML: what agrees, what differs or goes further.
"""
import math
from collections import namedtuple

import numpy as np

from compare_levels import EXACT, LEVELS, relative_deviation, values_of

# files: names of configurations; picture: its stem, tried in order; paper: what the figure shows there.
Entry = namedtuple("Entry", "title files pictures paper remarks")


def largest(x):
    return float(np.nanmax(np.abs(x)))


def first_below(t, values, share=0.5):
    """Least t at which values fall below that share of the first, by linear interpolation; None: never."""
    below = np.flatnonzero(values < share * values[0])
    if not len(below):
        return None
    i = below[0]
    return float(np.interp(share * values[0], [values[i], values[i - 1]], [t[i], t[i - 1]]))


def bessel_ratio(x):
    """I_1(x)/I_0(x) by quadrature over the period, which converges exponentially."""
    theta = np.linspace(0, 2 * math.pi, 4096, endpoint=False)
    weight = np.exp(x * (np.cos(theta) - 1))
    return float(np.sum(np.cos(theta) * weight) / np.sum(weight))


def fig3(r):
    r = r["fig3"]
    z, t_c = r.observable("exp_i_theta1"), r.axes["t_c"]
    exact = bessel_ratio(r.setting("phase", "epsilon_over_r0") / r.setting("phase", "D_p"))
    turned = ", ".join(f"{abs(np.angle(value)) / math.pi:.2f} π at t_c = {t:g}" for value, t in zip(z, t_c))
    return ([f"Without tunnelling the phase is locked at φ − π/2 = 0; the closed form I<sub>1</sub>/I<sub>0</sub> gives "
             f"|⟨e<sup>iθ</sup>⟩| = {exact:.4f}, the run {abs(z[0]):.4f} on the paper's grid.",
             f"The peak turns towards π/2 and widens: mean phase {turned}."],
            ["The radial factor R(r) needs C<sub>p</sub>, which the paper does not print; C<sub>p</sub> = 2 agrees with "
             "its D<sub>p</sub>. Another one changes the width of the ring alone."])


def fig4(r):
    r = r["fig4"]
    t_c, C = r.axes["t_c"], r.observable("coherence1")
    steepest = [t_c[np.argmin(np.gradient(row, t_c))] for row in C]
    words = "; ".join(f"D<sub>p</sub> = {D:g}: at t_c = {t:.2f}, and {np.interp(1, t_c, row):.3f} at t_c = 1"
                      for D, t, row in zip(r.axes["D_p"], steepest, C))
    half_correlation = r.observable("correlation")[:, -1].real
    exact = [bessel_ratio(1 / D)**2 for D in r.axes["D_p"]]
    return ([f"The coherence falls at t_c = ε/r<sub>0</sub> = 1, the more abruptly the smaller D<sub>p</sub>. It falls most "
             f"steeply: {words}.",
             f"At t_c = 0 it is that of the closed form to {largest(C[:, 0] - exact):.0e}.",
             "Below threshold the locked phase turns from −π/2 towards 0: sin θ goes over into cos θ."],
            ["A grid of order 8 with 96 points an axis in place of order 2 with 500: its error is smaller.",
             f"The correlation stays: at t_c = {t_c[-1]:g} it is "
             + " and ".join(f"{value:.2f}" for value in half_correlation) + ". The phases are lost one by one, their "
             "difference is not wholly."])


def fig4d(r):
    r = r["fig4d"]
    D, y = r.axes["D_p"], 1 - r.observable("coherence")
    slope = np.polyfit(np.log(D), np.log(y), 1)[0]
    return ([f"A straight line through these points has the exponent {slope:.3f}; the paper gives 0.63."],
            ["The points are not quite on a line: see the scaling study below."])


def scaling(r):
    r = r["critical-scaling"]
    D, y = (np.asarray(v)[np.argsort(r.axes["D_p"])[::-1]] for v in (r.axes["D_p"], 1 - r.observable("coherence")))
    local = np.diff(np.log(y)) / np.diff(np.log(D))
    return ([f"Around D<sub>p</sub> = 0.002 the local exponent is {np.interp(-math.log(0.002), -np.log(D[1:]), local):.3f}."],
            [f"It goes on rising, from {local[0]:.3f} to {local[-1]:.3f} at D<sub>p</sub> = {D[-1]:.1g}. The data favour "
             "D<sub>p</sub><sup>2/3</sup> (a + b ln 1/D<sub>p</sub>), to which the degenerate fixed point at threshold "
             "leads, over a power law; README.md has the comparison."])


def fig5(results):
    lines = []
    for r in results.values():
        t_c, phi2, C = r.axes["t_c"], np.asarray(r.axes["phi2"]), r.observable("coherence")
        at = [first_below(t_c, C[:, np.argmin(abs(phi2 - value))]) for value in (0, math.pi / 2)]
        words = " and at ".join(("no t_c up to %g" % t_c[-1]) if t is None else f"t_c = {t:.2f}" for t in at)
        lines.append(f"D<sub>p</sub> = {r.setting('phase', 'D_p'):g}: C has fallen by half at {words}")
    return (["Driven in phase or in antiphase the coherence is lost near t_c = ε/r<sub>0</sub>; near "
             "φ<sub>2</sub> = π/2 it holds to larger t_c, the more so the smaller D<sub>p</sub>. For φ<sub>2</sub> = 0 and "
             "for π/2: " + "; ".join(lines) + "."],
            ["The grids are the paper's. At (c) their error in C is up to 3e-5 at threshold."])


def fig6(r):
    gutzwiller = r["fig6-gutzwiller"]
    t_c = np.asarray(gutzwiller.axes["t_c"])
    C_p, gamma, epsilon = (gutzwiller.setting("laser", key) for key in ("cooperativity", "gamma", "epsilon"))
    n_J = gamma / (C_p * gutzwiller.setting("laser", "kappa")**2)
    threshold = epsilon / math.sqrt((C_p - 1) * gamma / (2 * C_p))
    relative = {name: result.observable("relative_imbalance") for name, result in r.items()}
    peak = {name: (t_c[np.argmax(abs(v))], largest(v)) for name, v in relative.items()}
    slopes = [result.observable("imbalance")[1] / (n_J * t_c[1]) for result in r.values()]
    low = t_c <= 0.5 * threshold
    apart = largest((relative["fig6-gutzwiller"] - relative["fig6-selfconsistent"])[low])
    return ([f"The imbalance grows with t_c in proportion to n<sub>J</sub>, saturates near t_c = ε/√n<sub>0</sub> = "
             f"{threshold:.4f} and falls off; it is largest, relative to n<sub>1</sub> + n<sub>2</sub>, at t_c = "
             f"{peak['fig6-gutzwiller'][0]:.4f} ({peak['fig6-gutzwiller'][1]:.2f}, Gutzwiller) and "
             f"{peak['fig6-selfconsistent'][0]:.4f} ({peak['fig6-selfconsistent'][1]:.2f}, self-consistent phases).",
             f"Up to half the threshold the two ways differ by at most {apart:.3f} in the relative imbalance."],
            [f"Sign: n<sub>1</sub> − n<sub>2</sub> ≈ n<sub>J</sub> sin(φ<sub>1</sub> − φ<sub>2</sub>), the opposite of "
             f"Eqs. 29 and 31, and {abs(slopes[0]):.2f} and {abs(slopes[1]):.2f} of that estimate at small t_c.",
             "The paper's iterations for the Gutzwiller product end at t_c = 0.025. Newton's method finds solutions on "
             f"both sides, to t_c = {t_c[-1]:g}: the limit is the iteration's, not the ansatz's.",
             "The paper does not print C<sub>p</sub>; 1.1 gives the threshold that it draws."])


def fig7(r):
    r = r["fig7"]
    C_p, slope = r.axes["cooperativity"], -r.observable("d_imbalance_dphi")
    share = slope / abs(r.observable("d_imbalance_dphi_analytic"))
    peaks = "; ".join(f"γ = {g:g} κ: {row.max():.2f} at C<sub>p</sub> = {C_p[np.argmax(row)]:.3f}"
                      for g, row in zip(r.axes["gamma"], slope))
    return ([f"The response to the phase is largest just above C<sub>p</sub> = 1, closer to it for larger γ: {peaks}.",
             f"It stays below Eq. 36 and approaches it: {share[:, -1].min():.2f} to {share[:, -1].max():.2f} of it "
             f"at C<sub>p</sub> = {C_p[-1]:g}."],
            ["Sign: ∂⟨n<sub>1</sub> − n<sub>2</sub>⟩/∂(φ<sub>2</sub> − φ<sub>1</sub>) is negative; drawn is its magnitude.",
             "(b) goes beyond the paper: δφ with the computed standard deviation of n<sub>1</sub> − n<sub>2</sub>, which is "
             "√(γ/κ) for independent lasers, √2 below Eq. 37 as printed. At this t_c it is several rad.",
             "Eq. 6 has no meaningful cutoff for γ = 200 κ above C<sub>p</sub> = 1.47, where the axis ends."])


def figB1a(r):
    qubit, photon = r["figB1a-qubit"], r["figB1a-photon"]
    C_p, n = np.asarray(photon.axes["cooperativity"]), photon.observable("n1")
    exact = np.interp(C_p, qubit.axes["cooperativity"], qubit.observable("n1"))
    exact_relation = qubit.setting("laser", "kappa") / qubit.setting("laser", "gamma") * qubit.observable("n1")
    return ([f"The photons alone (Eq. 6, B → B<sub>r</sub>) follow photons and qubit (Eq. 1): n differs by at most "
             f"{largest(n - exact):.2f} of up to {n.max():.0f}, {abs(n - exact)[-1] / n[-1]:.1%} at C<sub>p</sub> = "
             f"{C_p[-1]:g}.",
             f"The exact relation Tr ρ<sub>gg</sub> = κ⟨n⟩/γ (B.5) holds to "
             f"{largest(qubit.observable('ground_population1') - exact_relation):.0e}."],
            ["Variances differ, though the paper does not show them: compare <code>var_n1</code>."])


def figB1b(r):
    r = r["figB1b"]
    C_p = np.asarray(r.axes["cooperativity"])
    mean_field = np.maximum(C_p - 1, 0) / (2 * C_p)
    apart = "; ".join(f"{largest(n / g - mean_field):.4f} (γ = {g:g} κ)"
                      for g, n in zip(r.axes["gamma"], r.observable("n1")))
    return ([f"nκ/γ tends to the mean field as γ/κ grows; the largest distance is at C<sub>p</sub> = 1: {apart}."],
            ["The distance at C<sub>p</sub> = 1 falls as (γ/κ)<sup>−1/2</sup>, as the figures show."])


def gap(r):
    r = r["gap"]
    t_c, rate = np.asarray(r.axes["t_c"]), r.observable("gap_re")
    least = int(np.argmin(r.axes["D_p"]))
    below = (t_c > 0) & (t_c < 0.85)
    apart = largest(rate[least][below] / np.sqrt(1 - t_c[below]**2) - 1)
    return ([], [f"Beyond the paper: the slowest decay rate. Locked phases relax at √((ε/r<sub>0</sub>)² − t_c²), to "
                 f"{apart:.1%} up to t_c = 0.8 at D<sub>p</sub> = {r.axes['D_p'][least]:g}; above threshold it is of the order "
                 f"of D<sub>p</sub>: {rate[least][-1]:.4f} at t_c = {t_c[-1]:g}."])


def gap_threshold(r):
    r = r["gap-threshold"]
    D = np.asarray(r.axes["D_p"])
    small = np.argsort(D)[:4]
    slopes = [np.polyfit(np.log(D[small]), np.log(r.observable(name)[small]), 1)[0] for name in ("gap_re", "gap_im")]
    return ([],
            ["Beyond the paper: at threshold the fixed point is degenerate, and both parts of the slowest eigenvalue "
                 f"close as D<sub>p</sub><sup>1/3</sup>; over the four smallest D<sub>p</sub> the exponents are "
                 f"{slopes[0]:.3f} and {slopes[1]:.3f}."])


def levels(r):
    exact = r[level_file(EXACT)]
    deviations = "; ".join(
        level + ": " + ", ".join(f"{relative_deviation(values_of(r[level_file(level)], name), values_of(exact, name)):.1%}"
                                 for name in ("n1", "imbalance", "coherence1", "correlation"))
        for level in LEVELS if level != EXACT)
    return ([], ["Beyond the paper: the exact master equation of both lasers, and what each approximation to it leaves out. "
                 "Largest deviations of n<sub>1</sub>, n<sub>1</sub> − n<sub>2</sub>, |⟨a<sub>1</sub>⟩|² and "
                 f"⟨a<sub>1</sub>⁺a<sub>2</sub>⟩ in parts of the largest exact value: {deviations}.",
                 "The phase equations are for many photons, and there are few here; the Gutzwiller product loses the "
                 "correlations that tunnelling makes."])


def level_file(level):
    return f"levels-{level}"

ENTRIES = [
    Entry("Fig. 3", ("fig3",), ("fig3",), "Distribution of the field of one laser for growing tunnelling.", fig3),
    Entry("Fig. 4 (a) to (c)", ("fig4",), ("fig4",), "The transition from phase locked to not phase locked.", fig4),
    Entry("Fig. 4 (d)", ("fig4d",), ("fig4d",), "The coherence at threshold as the lasers grow.", fig4d),
    Entry("Fig. 5", ("fig5a", "fig5b", "fig5c"), ("fig5",), "Coherence over tunnelling and drive phase.", fig5),
    Entry("Fig. 6", ("fig6-gutzwiller", "fig6-selfconsistent"), ("fig6",),
          "The Josephson imbalance against tunnelling, by the Gutzwiller product and by self-consistent phases.", fig6),
    Entry("Fig. 7", ("fig7",), ("fig7",), "How strongly the imbalance answers to the phase between the drives.", fig7),
    Entry("Fig. B1 (a)", ("figB1a-qubit", "figB1a-photon"), ("figB1a",),
          "Photon number of one laser, with its qubit and without.", figB1a),
    Entry("Fig. B1 (b)", ("figB1b",), ("figB1b",), "Photon number of one laser against its mean field.", figB1b),
    Entry("Scaling at threshold", ("critical-scaling",), ("critical-scaling",), "Fig. 4 (d) taken further.", scaling),
    Entry("Spectral gap", ("gap",), ("gap",), "How fast the slowest mode decays.", gap),
    Entry("Gap at threshold", ("gap-threshold",), ("gap-threshold",), "How the gap closes.", gap_threshold),
    Entry("Levels of description", tuple(map(level_file, LEVELS)), ("levels",),
          "One set of parameters from phases alone to the exact master equation.", levels),
]
