#!/usr/bin/env python3
"""Result files that are cut off, altered or another program's: a clear error or the right numbers."""
import random

import numpy as np

import h5py

from cli_support import AT_ONCE, SMALL, Table, check, main, nanolase, same, sets, show, solve, succeed

SWEEP = {"sweep.t_c": "0, 0.7390851332151607", "output.fields": "yes"}
ERROR = 4


def make(folder):
    """A finished result, its bytes, and what it shows."""
    table = solve(folder, SMALL, SWEEP)
    return (folder / "out.h5").read_bytes(), table.text


def look_at(folder, data, text, what):
    """Both readers at a damaged copy; the file must stay as it is unless it is read as it was written."""
    (folder / "damaged.h5").write_bytes(data)
    done = nanolase(folder, "show", "damaged.h5", "--csv", timeout=AT_ONCE)
    check(done.returncode in (0, ERROR), what, "exit code", done.returncode, done.stderr)
    if done.returncode == 0:
        same(Table(done.stdout).text, text, what)
    else:
        check("nanolase: damaged.h5: " in done.stderr and done.stdout == "", what, done.stderr, done.stdout)
    return done.returncode


def resume(folder, data, text, what):
    (folder / "damaged.h5").write_bytes(data)
    done = nanolase(folder, "run", "run.ini", "--resume", "-o", "damaged.h5", "-q", "-j", "1", *sets(SWEEP),
                    timeout=AT_ONCE)
    check(done.returncode in (0, 2, ERROR), what, "exit code", done.returncode, done.stderr)
    if done.returncode == 0:
        same(show(folder, "damaged.h5").text, text, what)
    else:
        check("damaged.h5" in done.stderr and (folder / "damaged.h5").read_bytes() == data, what, done.stderr)
    left = {path.name for path in folder.iterdir()} - {"run.ini", "out.h5", "damaged.h5", "damaged.h5~"}
    check(not left, what, "leaves", left)
    return done.returncode


def test_cut_off(folder):
    data, text = make(folder)
    lengths = sorted({0, 1, 8, 47, 48, 49, 100, 512, len(data) - 1, *range(0, len(data), len(data) // 25)})
    for length in lengths:
        check(look_at(folder, data[:length], text, f"{length} bytes") == ERROR, "cut at", length, "is shown")
    for length in lengths[::4]:
        check(resume(folder, data[:length], text, f"{length} bytes") != 0, "cut at", length, "is resumed")


def test_changed_bytes(folder):
    data, text = make(folder)
    chance, noticed = random.Random(12), 0
    for trial in range(150):
        changed = bytearray(data)
        first = chance.randrange(len(data))
        for place in range(first, min(len(data), first + chance.choice((1, 1, 1, 8, 64)))):
            changed[place] = chance.randrange(256) if trial % 2 else changed[place] ^ 1 << chance.randrange(8)
        reader = look_at if trial % 3 else resume
        noticed += reader(folder, bytes(changed), text, f"trial {trial}, byte {first}") != 0
    check(noticed > 15, "only", noticed, "of 150 were noticed")


def test_changed_values_are_noticed(folder):
    """Every number has a checksum: the numbers themselves are looked for in the file, and one bit of them turned."""
    data, text = make(folder)
    with h5py.File(folder / "out.h5") as f:
        numbers = [(resume, f["observables/coherence"][1]), (look_at, f["observables/coherence"][0]),
                   (resume, f["convergence/residual"][0]), (look_at, f["axes/t_c"][1]),
                   (resume, f["fields/P_theta"][1, 3, 4])]
    for reader, number in numbers:
        place = data.find(np.float64(number).tobytes())
        check(place >= 0, number, "is not in the file as it is")
        changed = bytearray(data)
        changed[place + 6] ^= 1
        check(reader(folder, bytes(changed), text, number) == ERROR, number, "was changed unnoticed")


def test_a_file_that_another_program_made(folder):
    make(folder)
    with h5py.File(folder / "foreign.h5", "w") as f:
        f["observables/coherence"] = np.arange(2.0)
    before = (folder / "foreign.h5").read_bytes()
    run = ["run", "run.ini", "-o", "foreign.h5"]
    for command in (["show", "foreign.h5"], run, [*run, "--resume"]):
        done = nanolase(folder, *command)
        check(done.returncode in (2, ERROR) and "foreign.h5" in done.stderr, command, done.returncode, done.stderr)
    check((folder / "foreign.h5").read_bytes() == before, "it was changed")


def test_a_changed_result_is_still_a_result(folder):
    """Checksums follow where h5py writes: people may add to their results."""
    _, text = make(folder)
    with h5py.File(folder / "out.h5", "r+") as f:
        f.attrs["note"] = "measured on Tuesday"
        f["mine"] = np.ones(3)
    same(show(folder, "out.h5").text, text, "with additions")
    succeed(folder, "run", "run.ini", "--resume", "-q", *sets(SWEEP))


if __name__ == "__main__":
    main(globals())
