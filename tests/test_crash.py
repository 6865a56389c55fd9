#!/usr/bin/env python3
"""Runs that are killed, at any time and in any method: what they leave is whole, and --resume ends with the same numbers."""
import random
import signal
import time

from cli_support import EVOLVE, SMALL, check, main
from crash_support import (EVOLVED, OFTEN, RUNS, SWEPT, command, contents, faulty_disk, finish, forget_faulty_disk, identical,
                           launch, nothing_left, resume_option, write)

KILLED = -signal.SIGKILL
LONG = {**SWEPT, **EVOLVED, "sweep.t_c": "0.5", "run.t_end": 200, "run.save_every": 10}  # one point, half a second


def uninterrupted(folder, text, values):
    """The result, and the time that it takes."""
    begin = time.monotonic()
    code, messages = finish(launch(folder, command(write(folder, text), values, "whole.h5")))
    check(code in (0, 1), messages)
    return contents(folder / "whole.h5"), code, time.monotonic() - begin


def kill_and_resume(folder, text, values, kills, chance):
    whole, wanted, duration = uninterrupted(folder, text, values)
    for _ in range(kills):
        process = launch(folder, command("run.ini", values, "out.h5", *resume_option(folder, "out.h5")))
        time.sleep(chance.uniform(0, 0.8 * duration))
        process.kill()
        code, messages = finish(process)
        check(code in (KILLED, 0, 1), f"exit code {code}:", messages)
        if (folder / "out.h5").exists():
            contents(folder / "out.h5")  # it can be read
    code, messages = finish(launch(folder, command("run.ini", values, "out.h5", *resume_option(folder, "out.h5"))))
    check(code == wanted, f"exit code {code} instead of {wanted}:", messages)
    identical(contents(folder / "out.h5"), whole, "a resumed and an uninterrupted run")
    nothing_left(folder, "out.h5", "whole.h5")


def test_kills_at_any_time(folder):
    """Three in each kind of run, one after the other."""
    failures, chance = [], random.Random(7)
    for kind, (text, values) in RUNS.items():
        place = folder / kind
        place.mkdir()
        try:
            kill_and_resume(place, text, values, 3, chance)
        except AssertionError as why:
            failures.append(f"{kind}: {why}")
    check(not failures, "\n" + "\n".join(failures))


def kill_inside_of_saves(folder, values, kills):
    """Runs to the end, from kill to kill; returns their number, and the exit code."""
    environment, code = {**faulty_disk(folder), "FAULTY_ERROR": "0"}, KILLED
    while code == KILLED and kills < 80:
        first = 5 + 17 * kills % 89  # keeping a state takes some twenty calls, so most runs get further
        options = resume_option(folder, "out.h5")
        code, messages = finish(launch(folder, command("run.ini", values, "out.h5", *options),
                                       {**environment, "FAULTY_FIRST": str(first)}))
        kills += code == KILLED
    return kills, code, messages


def test_kills_inside_of_saves(folder):
    """In the n-th of the calls that write. One long point, which would never end if it began again each time."""
    values, kills = {**LONG, "run.t_end": 300}, 0
    whole, wanted, _ = uninterrupted(folder, SMALL, values)
    while kills < 12:
        kills, code, messages = kill_inside_of_saves(folder, values, kills)
        check(code == wanted, f"exit code {code} after {kills} kills:", messages)
        identical(contents(folder / "out.h5"), whole, f"a run that was killed {kills} times and an uninterrupted one")
        nothing_left(folder, "out.h5", "whole.h5")
        (folder / "out.h5").unlink()
    forget_faulty_disk(folder)
    print(f"{kills} kills inside of saves")



def stopped(folder):
    """Runs LONG, but ends it by two signals; returns the file of the point at work."""
    arguments = command(write(folder, SMALL), {**LONG, "output.checkpoint": 100}, "out.h5")
    arguments.remove("-q")
    process = launch(folder, arguments)
    process.stderr.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    code, messages = finish(process)
    check(code == 1 and "--resume" in messages, f"exit code {code}:", messages)
    state, = (folder / "out.h5.state").iterdir()
    return state


def resumed(folder, out="out.h5"):
    arguments = command("run.ini", LONG, out, "--resume")
    arguments.remove("-q")
    code, messages = finish(launch(folder, arguments))
    check(code == 0, f"exit code {code}:", messages)
    return messages


def test_a_second_signal_keeps_the_point_at_work(folder):
    whole, _, _ = uninterrupted(folder, SMALL, LONG)
    stopped(folder)
    messages = resumed(folder)
    check("1 point goes on" in messages, messages)
    identical(contents(folder / "out.h5"), whole, "a resumed and an uninterrupted run")
    nothing_left(folder, "out.h5", "whole.h5")


def test_damaged_and_foreign_states_are_left_alone(folder):
    """Their points start again, and the run says so."""
    whole, _, _ = uninterrupted(folder, SMALL, LONG)
    state = stopped(folder)
    good, result = state.read_bytes(), (folder / "out.h5").read_bytes()
    changed = bytearray(good)
    changed[len(good) // 2] ^= 4
    for name, data in (("cut off", good[:-100]), ("changed", bytes(changed)), ("empty", b""), ("whole", good)):
        (folder / "out.h5").write_bytes(result)
        state.parent.mkdir(exist_ok=True)
        state.write_bytes(data)
        messages = resumed(folder)
        check(("goes on" if name == "whole" else "start again") in messages, name, messages)
        identical(contents(folder / "out.h5"), whole, name)
        nothing_left(folder, "out.h5", "whole.h5")


def test_a_forgotten_resume_loses_no_state(folder):
    """What a run without --resume finds goes aside with the former result, and can be resumed there."""
    whole, _, _ = uninterrupted(folder, SMALL, LONG)
    stopped(folder)
    code, messages = finish(launch(folder, command("run.ini", {**EVOLVE, **OFTEN}, "out.h5")))
    check(code == 0 and (folder / "out.h5~.state").is_dir(), messages)
    messages = resumed(folder, "out.h5~")
    check("1 point goes on" in messages, messages)
    identical(contents(folder / "out.h5~"), whole, "what was resumed")


if __name__ == "__main__":
    main(globals())
