#!/usr/bin/env python3
"""The critical scaling at threshold: scripts/critical_exponent.py on laws known in advance, and the program's numbers.

    python3 tests/test_critical_exponent.py [WORD...]     only tests whose name contains a word
"""
import contextlib
import io
import math
import subprocess
import sys

import numpy as np

from cli_support import LONGEST, ROOT, check, close, ini, run_tests, solve, succeed

sys.path.insert(0, str(ROOT / "scripts"))
import critical_exponent as scaling  # noqa: E402

# y = 1 - |<a>|^2/n_0 at t_c = epsilon/r_0 = 1, from an independent Fourier-spectral sparse solve.
TABLE = {0.02: 0.0983241976, 0.01: 0.0640282619, 0.005: 0.0415590055, 0.002: 0.0233847458, 0.001: 0.0151051213,
         0.0005: 0.0097440442}
D = np.geomspace(0.1, 1e-4, 31)
MODEL = {model.name: model for model in scaling.MODELS}


def table():
    return np.array(list(TABLE)), np.array(list(TABLE.values()))


def report(D, y, **more):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        scaling.analyse(D, y, **more)
    return text.getvalue()


# ---- laws known in advance ----

def check_recovers(name, y, tolerance=1e-9, **wanted):
    fit = scaling.Fit(MODEL[name], D, y)
    for parameter, value in wanted.items():
        close(fit[parameter], value, tolerance, name, parameter)
    check(fit.rms < 1e-9, name, "leaves", fit.rms)


def test_each_model_recovers_its_own_law(_):
    L, third = np.log(1 / D), D**(1 / 3)
    check_recovers("power", 1.3 * D**0.61, a=1.3, beta=0.61)
    check_recovers("log", D**(2 / 3) * (1.1 + 0.05 * L), a=1.1, b=0.05)
    check_recovers("corrected power", D**0.6 * (1.6 - 0.8 * third), 1e-6, a=1.6, d=-0.8, beta=0.6)
    check_recovers("twice corrected power", D**0.6 * (1.6 - 0.8 * third + 0.2 * third**2), 1e-5, a=1.6, e=0.2, beta=0.6)
    law = 1.1 + 0.05 * L + third**2 * (-0.2 - 0.1 * L)
    check_recovers("corrected log", D**(2 / 3) * law, a=1.1, b=0.05, e=-0.2, f=-0.1)
    check_recovers("free corrected log", D**0.65 * law, 1e-4, a=1.1, b=0.05, e=-0.2, f=-0.1, beta=0.65)


def test_local_quantities(_):
    middle, exponent = scaling.local_exponents(D, 2 * D**0.6)
    check(np.allclose(exponent, 0.6, atol=1e-12) and np.allclose(middle, np.sqrt(D[1:] * D[:-1])), exponent)
    slope = scaling.log_slope(D, D**(2 / 3) * (1 + 0.05 * np.log(1 / D)))[1]
    check(np.allclose(slope, 0.05, atol=1e-10), slope)
    fit = scaling.Fit(MODEL["log"], D, D**(2 / 3) * (1 + 0.05 * np.log(1 / D)))
    close(fit.exponent(1e-3), 2 / 3 - 0.05 / (1 + 0.05 * math.log(1e3)), 1e-7, "exponent of the law with a logarithm")


def test_the_law_that_made_the_points_is_favoured(_):
    ripple = 1 + 1e-7 * np.cos(7 * np.arange(len(D)))
    for law, words in ((1.3 * D**0.61, "favour D^beta (a + d"),
                       (D**(2 / 3) * (1.1 + 0.05 * np.log(1 / D)), "favour D^(2/3) (a + b L")):
        text = report(D, law * ripple)
        check(words in text, words, "\n", text)
        check("the law's own" not in text, text)


def test_errors_cover_noise(_):
    """Noise of known strength: in most of many trials the truth lies within two standard errors."""
    noise, inside = np.random.default_rng(1), 0
    for _ in range(100):
        fit = scaling.Fit(MODEL["power"], D, 1.3 * D**0.61 * (1 + 1e-3 * noise.standard_normal(len(D))))
        inside += abs(fit["beta"] - 0.61) < 2 * fit.error("beta")
    check(88 <= inside <= 100, "within two standard errors:", inside)


def test_foretelling(_):
    law = D**(2 / 3) * (1.1 + 0.05 * np.log(1 / D))
    close(scaling.foretell(MODEL["log"], D, law), 0, 1e-9, "the right law")
    check(abs(scaling.foretell(MODEL["power"], D, law)) > 1e-3, "a wrong law foretells too well")
    check(math.isnan(scaling.foretell(MODEL["log"], D[:6], law[:6])), "too few points to foretell from")


def test_windows(_):
    found = scaling.windows(D)
    check(len(found) == 5 and all(10 <= np.count_nonzero(w) <= 11 for w in found), [np.count_nonzero(w) for w in found])


# ---- the known values ----

def test_table(_):
    x, y = table()
    exponent = scaling.local_exponents(x, y)[1]
    close(exponent[0], 0.6188, 1e-4, "local exponent at D = 0.014")
    close(exponent[-1], 0.6324, 1e-4, "local exponent at D = 0.0007")
    close(scaling.Fit(MODEL["power"], x, y)["beta"], 0.63, 0.005, "the paper's exponent")
    close(scaling.Fit(MODEL["log"], x, y)["b"], 0.05, 0.015, "factor of the logarithm")


def test_program_gives_the_table(folder):
    rows = solve(folder, (ROOT / "configs" / "fig4d.ini").read_text(),
                 {"sweep.D_p": ", ".join(map(str, TABLE))}).rows
    for row in rows:
        y = TABLE[row["D_p"]]
        check(row["converged"] == 1, row)
        close((1 - row["coherence"]) / y, 1, 1e-6, f"y at D_p = {row['D_p']}")


# ---- the script on files ----

SMALL = {"sweep.D_p": "logspace(-0.7, -1.7, 6)"}


def analyse(folder, *arguments, code=0):
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "critical_exponent.py"), *arguments], cwd=folder,
                          capture_output=True, text=True, timeout=LONGEST)
    check(done.returncode == code, f"exit code {done.returncode} instead of {code}:", done.stderr)
    return done.stdout if code == 0 else done.stderr


def test_files_are_read_together_and_drawn(folder):
    for name, values in (("fig4d", SMALL), ("critical-scaling", {"sweep.D_p": "0.01, 0.005"})):
        text = (ROOT / "configs" / f"{name}.ini").read_text()
        succeed(folder, "run", ini(folder, text, f"{name}.ini"), "-o", f"{name}.h5", "-q", "-s",
                "sweep.D_p=" + values["sweep.D_p"])
    check("Fits to 6 points" in analyse(folder, "fig4d.h5", "-d", "pictures"), "six points of one file")
    check("Fits to 8 points" in analyse(folder, "critical-scaling.h5", "fig4d.h5", "-d", "pictures"), "of both")
    check("Fits to 5 points" in analyse(folder, "critical-scaling.h5", "fig4d.h5", "--largest", "0.06"),
          "the smaller ones")
    for name in ("fig4d.png", "critical-scaling.png"):
        check((folder / "pictures" / name).stat().st_size > 10000, name)


def test_refusals(folder):
    text = "[laser]\nt_c = 1\nphi1 = 0\nphi2 = 0\n[phase]\nepsilon_over_r0 = 1\n[grid]\nn_c = 24\norder = 8\n"
    cases = ({"sweep.D_p": "0.5, 0.4", "laser.t_c": 0.5, "words": "not at threshold"},
             {"sweep.t_c": "0.5, 1", "phase.D_p": 0.5, "words": "not a sweep over D_p"},
             {"sweep.D_p": "0.5, 0.4", "laser.phi2": 1, "words": "differ in phase"},
             {"sweep.D_p": "0.5, 0.4", "words": "fewer than five"})
    for case in cases:
        words = case.pop("words")
        solve(folder, text, case)
        said = analyse(folder, "out.h5", code=2)
        check(words in said and said.startswith("critical_exponent.py: "), said)
    check("no such file" in analyse(folder, "absent.h5", code=2), "a file that is not there")


if __name__ == "__main__":
    sys.exit(run_tests([(name, test) for name, test in list(globals().items()) if name.startswith("test_")],
                       sys.argv[1:]))
