#!/usr/bin/env python3
"""scripts/gallery.py: every section of the page, from small runs of the configurations that make it.

    python3 tests/test_gallery.py [WORD...]     only tests whose name contains a word
"""
import math
import re
import subprocess
import sys

import numpy as np

from cli_support import LONGEST, PROGRAM, ROOT, bessel, check, close, run_tests, sets, succeed

sys.path.insert(0, str(ROOT / "scripts"))
import gallery_remarks  # noqa: E402

LASER = {"laser.gamma": 200, "laser.cooperativity": 1.2, "fock.levels": 90}
# What makes a run of the configuration a small one, the swept axes staying the same.
SMALL = {
    "fig3": {"grid.n_c": 32, "grid.order": 8},
    "fig4": {"grid.n_c": 48, "sweep.t_c": "linspace(0, 4, 9)", "sweep.D_p": "0.2, 0.1"},
    "fig4d": {"sweep.D_p": "logspace(-0.5, -1.5, 5)", "grid.accuracy": 1e-4},
    "critical-scaling": {"sweep.D_p": "logspace(-0.5, -1.5, 6)", "grid.accuracy": 1e-4},
    "fig5a": {"sweep.t_c": "linspace(0, 4, 5)", "sweep.phi2": "linspace(0, 6.283185307179586, 5)"},
    "fig6-gutzwiller": {**LASER, "sweep.t_c": "linspace(0, 0.1, 5)"},
    "fig6-selfconsistent": {**LASER, "sweep.t_c": "linspace(0, 0.1, 5)", "grid.n_c": 24},
    "fig7": {"sweep.gamma": "200, 150", "sweep.cooperativity": "1.1, 1.2", "steady.tolerance": 1e-4},
    "figB1a-qubit": {"laser.gamma": 200, "sweep.cooperativity": "linspace(0.5, 1.4, 5)"},
    "figB1a-photon": {"laser.gamma": 200, "sweep.cooperativity": "linspace(0.5, 1.4, 4)"},
    "figB1b": {"sweep.gamma": "200, 500", "sweep.cooperativity": "linspace(0.9, 1.3, 3)"},
    "gap": {"grid.n_c": 32, "sweep.D_p": "0.2", "sweep.t_c": "0, 0.5, 2"},
    "gap-threshold": {"sweep.D_p": "logspace(-0.3, -1.3, 4)", "grid.accuracy": 1e-4},
}
SMALL.update({name: {**SMALL["fig5a"], "grid.n_c": 24, "grid.order": 8, "phase.D_p": 0.3}
              for name in ("fig5b", "fig5c")})
SCALING = ("fig4d", "critical-scaling")
# Few photons, so that few levels do.
LEVELS = {"gamma = 70": "gamma = 60", "cooperativity = 1.1": "cooperativity = 1.05",
          "tolerance = 1e-5": "tolerance = 1e-3",
          "t_c = 0, 0.05, 0.1, 0.2, 0.4": "t_c = 0, 0.1"}


def run(folder, name, changes=None, **more):
    succeed(folder, "run", ROOT / "configs" / f"{name}.ini", *sets({**SMALL[name], **(changes or {})}), "-q", "-o",
            f"{name}.h5", **more)


def script(folder, name, *arguments, code=0):
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / name), *arguments, "-d", "."], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LONGEST)
    check(done.returncode == code, name, "exit code", done.returncode, done.stderr)
    return done


def draw(folder, names):
    script(folder, "figures.py", *(f"{name}.h5" for name in names if name not in SCALING))
    for name in set(names) & set(SCALING):
        script(folder, "critical_exponent.py", f"{name}.h5")


def compare_levels(folder):
    text = (ROOT / "configs" / "levels.ini").read_text(encoding="utf-8")
    for old, new in LEVELS.items():
        check(text.count(old) == 1, old)
        text = text.replace(old, new)
    (folder / "levels.ini").write_text(text, encoding="utf-8")
    script(folder, "compare_levels.py", "levels.ini", str(PROGRAM))


def text_of(section):
    return re.sub(r"<[^>]*>", "", section)


def sections(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    return page, dict(re.findall(r'<section id="([^"]*)">(.*?)</section>', page, re.S))


def test_whole_page(folder):
    for name in SMALL:
        run(folder, name)
    draw(folder, SMALL)
    compare_levels(folder)
    levels = [f"levels-{level}" for level in gallery_remarks.LEVELS]
    script(folder, "gallery.py", *(f"{name}.h5" for name in [*SMALL, *levels]))
    page, found = sections(folder)
    check(len(found) == len(gallery_remarks.ENTRIES), list(found))
    check("Not run" not in page and "nan" not in text_of(page).lower().split(), "a number is missing")
    for picture in re.findall(r'<img src="([^"]*)"', page):
        check((folder / picture).stat().st_size > 1000, picture)
    for name, values in SMALL.items():
        check(f"{name}.ini: " in page, name, "is not said to have made anything")
        check(all(key.split(".")[1] in page for key in values), name)
    for level in levels:
        check(f"levels.ini ({level}.h5): " in page, level, "is not said to have made anything")
    exact = bessel(1, 10) / bessel(0, 10)
    stated = re.findall(r"0\.\d{4}", text_of(found["fig--3"]))
    close(float(stated[0]), exact, 6e-5, "closed form")
    close(float(stated[1]), exact, 6e-5, "run")


def test_missing_files_and_pictures_and_failed_points(folder):
    run(folder, "fig3")
    script(folder, "gallery.py", "fig3.h5", code=2)  # no picture yet
    run(folder, "fig3", {"steady.method": "relax", "steady.max_time": 1e-3}, code=1)
    draw(folder, ["fig3"])
    script(folder, "gallery.py", "fig3.h5")
    page, found = sections(folder)
    check(list(found) == ["fig--3"] and "fig4.ini" in page.split("Not run:")[1], list(found))
    check("points not converged" in found["fig--3"], "failed points are not mentioned")


def test_helpers(_):
    t = np.linspace(0, 2, 5)
    close(gallery_remarks.first_below(t, np.array([1, 0.9, 0.6, 0.4, 0.1])), 1.25, 1e-12, "half")
    check(gallery_remarks.first_below(t, np.ones(5)) is None, "never below")
    for x in (0.3, 10, 200):
        close(gallery_remarks.bessel_ratio(x), bessel(1, x) / bessel(0, x) if x < 50 else 1 - 1 / (2 * x), 1e-5, x)
    close(gallery_remarks.largest([-3, math.nan, 2]), 3, 0, "largest")


if __name__ == "__main__":
    sys.exit(run_tests([(n, f) for n, f in list(globals().items()) if n.startswith("test_")], sys.argv[1:]))
