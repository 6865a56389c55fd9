#!/usr/bin/env python3
"""Disks that fill up, break or vanish: nothing that was there is lost, and neither is what was computed."""
import os
import shutil
import subprocess
import time

from cli_support import ENVIRONMENT, EVOLVE, LONGEST, PROGRAM, SMALL, Skip, check, ini, main, nanolase, succeed
from crash_support import (EVOLVED, SWEPT, command, contents, faulty_disk, finish, forget_faulty_disk, identical,
                           launch, nothing_left, write)

VALUES = {**SWEPT, **EVOLVE, "sweep.t_c": "0.3, 1", "grid.n_c": 24}
ENOSPC, EIO = "28", "5"
FOR_GOOD = "1000000"


class Case:
    """A folder with a former result, the numbers of the new one, and a disk that can be made to fail."""

    def __init__(self, folder):
        self.folder = folder
        name = write(folder, SMALL)
        succeed(folder, "run", name, "-o", "out.h5", "-q")
        self.former = (folder / "out.h5").read_bytes()
        finish(launch(folder, command(name, VALUES, "whole.h5")))
        self.whole = contents(folder / "whole.h5")
        self.elsewhere = folder.parent / (folder.name + "-elsewhere")
        self.elsewhere.mkdir()
        self.environment = {**faulty_disk(folder), "TMPDIR": str(self.elsewhere)}

    def run(self, first, count, error):
        faults = {"FAULTY_FIRST": str(first), "FAULTY_COUNT": count, "FAULTY_ERROR": error}
        return finish(launch(self.folder, command("run.ini", VALUES, "out.h5"), {**self.environment, **faults}))

    def put_back(self):
        (self.folder / "out.h5").write_bytes(self.former)
        (self.folder / "out.h5~").unlink(missing_ok=True)
        for path in self.elsewhere.iterdir():
            path.unlink()

    def close(self):
        forget_faulty_disk(self.folder)
        shutil.rmtree(self.elsewhere)


def check_outcome(case, code, messages, what):
    """After success the result is there; the former one is where it was, or kept where one of this run is there."""
    out = case.folder / "out.h5"
    check(code == 0 or code in (2, 4) and "out.h5" in messages, what, f"exit code {code}:", messages)
    if code == 0:
        identical(contents(out), case.whole, what)
    if out.read_bytes() != case.former:
        contents(out)
        check((case.folder / "out.h5~").read_bytes() == case.former, what, "the former result is not kept")
    rescued = list(case.elsewhere.iterdir())
    if rescued:
        check(code == 4 and rescued[0].name in messages, what, messages)
        identical(contents(rescued[0]), case.whole, what)
    nothing_left(case.folder, "out.h5", "whole.h5")
    return bool(rescued)


def each_call(folder, count, error, stride):
    """Tries a failure at every stride-th call of a run, until there are no more; says how the runs ended."""
    case, ends = Case(folder), {"done": 0, "refused": 0, "rescued": 0}
    try:
        for first in range(1, 2000, stride):
            code, messages = case.run(first, count, error)
            rescued = check_outcome(case, code, messages, f"failing from call {first}")
            ends["done" if code == 0 else "rescued" if rescued else "refused"] += 1
            if code == 0 and "cannot be written" not in messages and count == FOR_GOOD:
                break
            if first > 60 and count != FOR_GOOD:
                break
            case.put_back()
    finally:
        case.close()
    return ends


def test_disk_full_for_good(folder):
    """From the n-th call on: the results are elsewhere, or the run was refused before it began."""
    ends = each_call(folder, FOR_GOOD, ENOSPC, 4)
    check(ends["rescued"] >= 2 and ends["done"] >= 1, ends)


def test_disk_fails_once(folder):
    """In the n-th call: told, tried again, and the result is where it belongs."""
    ends = each_call(folder, "1", EIO, 3)
    check(ends["done"] >= 15, ends)


def test_read_only_folder(folder):
    """Refused before any work; root, who may write anywhere, tries as somebody else."""
    name = ini(folder, SMALL)
    (folder / "sealed").mkdir()
    (folder / "sealed").chmod(0o555)
    folder.chmod(0o755)
    other = {"user": 65534} if os.geteuid() == 0 else {}
    try:
        run = subprocess.run([PROGRAM, "run", name, "-o", "sealed/out.h5"], cwd=folder, env=ENVIRONMENT, text=True,
                             capture_output=True, timeout=LONGEST, **other)
    except PermissionError:
        raise Skip("nobody else may run the program here") from None
    check(run.returncode == 2 and "permission" in run.stderr, run.returncode, run.stderr)


def test_limited_file_size(folder):
    """The kernel's own refusal: a file may not grow beyond 4 KiB."""
    name = ini(folder, SMALL)
    run = nanolase(folder, "-c", f"ulimit -f 4; trap '' XFSZ; exec {PROGRAM} run {name} -o out.h5 -q",
                   program="/bin/bash")
    check(run.returncode == 4 and "File too large" in run.stderr, run.returncode, run.stderr)
    nothing_left(folder, "none")


def test_folder_removed_under_a_run(folder):
    """Where it was there is nothing to write to any more; the results are where there is room."""
    name, elsewhere = ini(folder, SMALL), folder / "elsewhere"
    elsewhere.mkdir()
    (folder / "gone").mkdir()
    whole = command(name, {**SWEPT, **EVOLVED}, "whole.h5")
    finish(launch(folder, whole))
    process = launch(folder, command(name, {**SWEPT, **EVOLVED}, "gone/out.h5"),
                     {**ENVIRONMENT, "TMPDIR": str(elsewhere)})
    while not (folder / "gone" / "out.h5").exists():
        time.sleep(0.005)
    while (folder / "gone").exists():
        shutil.rmtree(folder / "gone", ignore_errors=True)
    code, messages = finish(process)
    check(code == 4 and "elsewhere" in messages, code, messages)
    rescued, = elsewhere.iterdir()
    identical(contents(rescued), contents(folder / "whole.h5"), "what was rescued")


def test_result_removed_under_a_run(folder):
    """It is written anew."""
    name = ini(folder, SMALL)
    values = {**SWEPT, **EVOLVED}
    finish(launch(folder, command(name, values, "whole.h5")))
    process = launch(folder, command(name, values, "out.h5"))
    while not (folder / "out.h5").exists():
        time.sleep(0.005)
    (folder / "out.h5").unlink()
    code, messages = finish(process)
    check(code == 0, code, messages)
    identical(contents(folder / "out.h5"), contents(folder / "whole.h5"), "the result")


if __name__ == "__main__":
    main(globals())
