"""What the tests of the command line share: running the program, reading its results, and the runner itself."""
import csv
import io
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "nanolase"
SANITIZED = ROOT / "build" / "sanitized" / "nanolase"  # the CUDA kernels compiled for the CPU, under ASan and UBSan
LONGEST, AT_ONCE = 300, 20  # seconds after which a run, or a refusal, counts as hanging

# Threads that wait for others sleep: on a busy machine, spinning would cost the tests minutes.
ENVIRONMENT = dict(os.environ, OMP_WAIT_POLICY="passive", LC_ALL="C")


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def check(condition, *what):
    """An assertion that no interpreter option turns off."""
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


def close(value, wanted, tolerance, *what):
    """|value - wanted| <= tolerance; false for NaN."""
    check(abs(value - wanted) <= tolerance, *what, f"is {value}, should be {wanted} to {tolerance:g}")


# ---- configurations ----

# Equation 16 at D_p = 0.2, t_c = epsilon/r_0 = 1 on a small grid: a hundredth of a second.
SMALL = """
[laser]
t_c = 1
phi2 = 0
[phase]
D_p = 0.2
epsilon_over_r0 = 1
[grid]
n_c = 24
order = 8
[steady]
tolerance = 1e-6
"""
EVOLVE = {"run.mode": "evolve", "run.t_end": 0.5, "run.save_every": 0.1, "run.initial": "locked"}
LASER = """
[model]
equation = gutzwiller
sites = 1
[laser]
cooperativity = 1.2
gamma = 200
epsilon = 0.3
[fock]
levels = 70
"""
PAIR_IN_TIME = {**EVOLVE, "model.sites": 2, "run.initial": "coherent", "run.n_initial": 2, "fock.levels": 44,
                "integrator.rtol": 1e-9, "laser.phi1": 0.3}


# ---- running ----

def sets(values):
    """-s options for {"section.key": value}."""
    out = []
    for key, value in values.items():
        out += ["-s", f"{key}={value!r}" if isinstance(value, float) else f"{key}={value}"]
    return out


def nanolase(folder, *arguments, program=PROGRAM, stdout=subprocess.PIPE, timeout=LONGEST):
    """Runs the program in `folder`; whatever it does, it must not crash."""
    try:
        done = subprocess.run([str(program), *map(str, arguments)], cwd=folder, env=ENVIRONMENT, text=True,
                              errors="replace",
                              stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{' '.join(map(str, arguments))}: still at work after {timeout} s") from None
    check(done.returncode >= 0, f"killed by signal {-done.returncode}:", arguments, done.stderr)
    check("Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr)
    return done


def succeed(folder, *arguments, code=0, **more):
    done = nanolase(folder, *arguments, **more)
    check(done.returncode == code, f"exit code {done.returncode} instead of {code}:", " ".join(map(str, arguments)),
          "\n" + done.stderr)
    return done


def start(folder, *arguments):
    """Starts a run that is to be interrupted; returns when its messages say that it is under way."""
    process = subprocess.Popen([str(PROGRAM), "run", *map(str, arguments)], cwd=folder, env=ENVIRONMENT,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    check("running on" in line, "the first line of a run is:", line)
    time.sleep(0.3)
    return process


def interrupt(process, number):
    """Ends a started run by a signal: exit code 1, and a hint at --resume."""
    process.send_signal(number)
    _, messages = process.communicate(timeout=LONGEST)
    check(process.returncode == 1, f"exit code {process.returncode} after a signal: {messages}")
    check("--resume" in messages, messages)


def ini(folder, text, name="run.ini"):
    path = Path(folder) / name
    path.write_text(text)
    return path.name


# ---- reading ----

class Table:
    """Columns of `nanolase show --csv`; complex ones under their own names, without _re and _im."""

    def __init__(self, text):
        lines = list(csv.reader(io.StringIO(text)))
        self.header, body = lines[0], lines[1:]
        check(all(len(row) == len(self.header) for row in body), "rows of another length than the header")
        self.text = [dict(zip(self.header, row)) for row in body]
        self.rows = [self._numbers(row) for row in self.text]

    @staticmethod
    def _numbers(row):
        numbers = {name: float(x) for name, x in row.items()}
        for name in row:
            if name.endswith("_re"):
                numbers[name[:-3]] = complex(numbers[name], numbers[name[:-3] + "_im"])
        return numbers

    def __getitem__(self, row):
        return self.rows[row]

    def __len__(self):
        return len(self.rows)

    def column(self, name):
        return [row[name] for row in self.rows]


def show(folder, result, program=PROGRAM):
    return Table(succeed(folder, "show", result, "--csv", program=program).stdout)


def solve(folder, text, values=None, *options, code=0, out="out.h5", program=PROGRAM):
    """Runs an ini text with overrides on one thread; returns the table of the result."""
    threads = [] if "-j" in options else ["-j", "1"]
    succeed(folder, "run", ini(folder, text), "-o", out, "-q", *threads, *sets(values or {}), *options, code=code,
            program=program)
    return show(folder, out, program)


OUTCOME = ("converged", "residual", "model_time", "steps", "rhs")


def same(a, b, what):
    """Two rows or tables of text: every number the same to the last bit."""
    check(a == b, what, "differ:\n", a, "\n", b)


def text_of(attribute):
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


def is_finished(folder, name):
    with h5py.File(folder / name) as f:
        return f["convergence/status"][()].ravel() != 0


def assert_described(f):
    """Description and units on every dataset of an HDF5 file."""
    missing = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            for attribute in ("description", "units"):
                if not item.attrs.get(attribute):
                    missing.append(f"{name}:{attribute}")
    f.visititems(visit)
    check(not missing, "missing:", missing)


def scales(dataset):
    """Names of the attached dimension scales, in order."""
    return [dim[0].name if len(dim) else None for dim in dataset.dims]


# ---- what is expected ----

def reference_cases():
    with open(Path(__file__).with_name("phase_steady.csv")) as f:
        rows = csv.DictReader(line for line in f if not line.startswith("#"))
        return [{k: float(x) for k, x in row.items()} for row in rows]


def reference_error(row, case):
    """Largest deviation of the three moments."""
    pairs = (("exp_i_theta1", "theta1"), ("exp_i_theta2", "theta2"), ("exp_i_theta21", "theta21"))
    return max(abs(row[name] - complex(case[short + "_re"], case[short + "_im"])) for name, short in pairs)


def case_settings(case):
    return {"laser.t_c": case["t_c"], "laser.phi1": case["phi1"], "laser.phi2": case["phi2"],
            "phase.D_p": case["D_p"], "phase.epsilon_over_r0": case["epsilon_over_r0"],
            "phase.r1": case["r1"], "phase.r2": case["r2"]}


def bessel(order, x):
    """I_order(x), modified Bessel function, by its series."""
    return sum((x / 2) ** (2 * k + order) / (math.factorial(k) * math.factorial(k + order)) for k in range(80))


def assert_refused(folder, arguments, code, words):
    """The program says why, in lines that begin with its name, and starts nothing."""
    before, what = sorted(os.listdir(folder)), " ".join(arguments)
    try:
        done = nanolase(folder, *arguments, timeout=AT_ONCE)
    finally:
        after = sorted(os.listdir(folder))
        for name in set(after) - set(before):
            os.unlink(Path(folder) / name)
    check(done.returncode == code, f"{what}: exit code {done.returncode} instead of {code}; {done.stderr!r}")
    lines = done.stderr.rstrip("\n").split("\n")
    check(lines[0].startswith("nanolase: ") and "points in" not in done.stderr, f"{what}: says {done.stderr!r}")
    for word in words:
        check(any(w in done.stderr for w in word.split("|")), f"{what}: no {word!r} in {done.stderr!r}")
    check(done.stdout == "", f"{what}: prints {done.stdout!r}")
    check(after == before, f"{what}: leaves {after}")


def collect(failures, name, test, *arguments):
    try:
        test(*arguments)
    except AssertionError as why:
        failures.append(f"{name}: {why}")


# ---- the runner ----

def run_tests(tests, chosen):
    """Runs functions test_* in their order, each in a folder of its own; returns the exit code."""
    failed = 0
    for name, test in tests:
        if chosen and not any(word in name for word in chosen):
            continue
        folder = Path(tempfile.mkdtemp(prefix="nanolase-test-"))
        begin = time.monotonic()
        try:
            test(folder)
        except Skip as why:
            print(f"SKIP {name}: {why}")
        except Exception as why:  # a test must not end the others
            failed += 1
            reason = " ".join(str(why).split())[:300]
            print(f"FAILED {name}: {reason}")
            print("    " + traceback.format_exc().replace("\n", "\n    "))
        else:
            print(f"ok {name}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("NANOLASE_TEST_TIMES"):
            print(f"    {time.monotonic() - begin:.2f} s", file=sys.stderr)
        sys.stdout.flush()
    return 1 if failed else 0


def main(names):
    """The tests among a file's names, or those whose name contains a word of the command line."""
    if not PROGRAM.exists():
        sys.exit(f"FAILED {Path(sys.argv[0]).stem}: build/nanolase is not built; run make")
    sys.exit(run_tests([(n, f) for n, f in names.items() if n.startswith("test_")], sys.argv[1:]))
