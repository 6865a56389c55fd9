#!/usr/bin/env python3
"""Runs that are killed, at any time, in any method: what they leave is whole, and --resume gives the same numbers."""
import random
import shutil
import signal
import time

from cli_support import EVOLVE, SMALL, check, main, succeed
from crash_support import (EVOLVED, OFTEN, RUNS, SWEPT, command, contents, faulty_disk, finish, forget_faulty_disk,
                           identical, launch, nothing_left, resume_option, write)

KILLED = -signal.SIGKILL
KILLS = 4  # in each kind of run
LONG = {**SWEPT, **EVOLVED, "sweep.t_c": "0.5", "run.t_end": 200, "run.save_every": 10}  # one point, half a second


def uninterrupted(folder, text, values):
    """The result, the exit code, and the time that it takes."""
    begin = time.monotonic()
    code, messages = finish(launch(folder, command(write(folder, text), values, "whole.h5")))
    check(code in (0, 1), messages)
    return contents(folder / "whole.h5"), code, time.monotonic() - begin


def start_again(folder, values, environment=None):
    """Starts the run, or goes on with what is there."""
    return launch(folder, command("run.ini", values, "out.h5", *resume_option(folder, "out.h5")), environment)


# ---- at any time ----

def stop_once(folder, values, number, longest, chance):
    """Sends the signal at any time; whether it came before the end."""
    process = start_again(folder, values)
    time.sleep(chance.uniform(0, longest))
    process.send_signal(number)
    code, messages = finish(process)
    check(code in (-number, 0, 1), f"exit code {code} after signal {number}:", messages)
    stopped = code == -number or "go on with --resume" in messages
    if (folder / "out.h5").exists():
        contents(folder / "out.h5")  # it can be read
    return stopped


def end_and_compare(folder, values, whole, wanted):
    code, messages = finish(start_again(folder, values))
    check(code == wanted, f"exit code {code} instead of {wanted}:", messages)
    identical(contents(folder / "out.h5"), whole, "a resumed and an uninterrupted run")
    nothing_left(folder, "out.h5", "whole.h5")
    (folder / "out.h5").unlink()


def stop_and_resume(folder, text, values, numbers, chance):
    """A chain of runs that go on from each other, stopped by one signal each; begun anew where one gets to its end."""
    whole, wanted, duration = uninterrupted(folder, text, values)
    longest, left = 0.5 * duration, list(numbers)
    for _ in range(10 * len(numbers)):
        if not left:
            break
        if stop_once(folder, values, left[-1], longest, chance):
            left.pop()
        else:
            end_and_compare(folder, values, whole, wanted)
            longest /= 2
    end_and_compare(folder, values, whole, wanted)
    check(not left, "runs end before signals", left, "reach them")


def test_stopped_at_any_time(folder):
    """Every kind of run: kills, and a signal that asks for an end, upon which points at work are finished first."""
    failures, chance, kills = [], random.Random(7), 0
    for k, (kind, (text, values)) in enumerate(RUNS.items()):
        place = folder / kind
        place.mkdir()
        numbers = KILLS * [signal.SIGKILL]
        numbers.insert(chance.randint(0, KILLS), (signal.SIGTERM, signal.SIGINT)[k % 2])
        try:
            stop_and_resume(place, text, values, numbers, chance)
            kills += KILLS
        except AssertionError as why:
            failures.append(f"{kind}: {why}")
    check(not failures, "\n" + "\n".join(failures))
    check(kills >= 50, kills)
    print(f"note: {kills} runs killed at any time, resumed, and to the last bit as without")


# ---- inside of saves ----

# At the n-th of these calls, on files whose path begins so, the process ends: before it, or in the middle of a write.
SAVES = {"out.h5.part": ("open", "write", "fsync", "rename"),              # the result
         "out.h5.state/": ("open", "write", "fsync", "rename", "unlink"),  # points at work
         "out.h5.state": ("mkdir", "rmdir"),
         "out.h5~": ("link", "rename"),                                    # the former result, put aside
         "": ("fsync",)}                                                   # the folder, after a rename
TWICE = ("out.h5.part", "out.h5.state/")


def check_what_is_left(folder, former, what):
    """The former result or a part of this one, whole in any case, and the former one in its place or beside it."""
    contents(folder / "out.h5")
    kept = folder / "out.h5~"
    is_former = (folder / "out.h5").read_bytes() == former
    check(is_former or kept.read_bytes() == former, what, "the former result is lost")
    return is_former


def test_kills_at_each_step_of_a_save(folder):
    """Of a run that has a former result to keep; the next goes on, or begins where the file is still the former one."""
    values = {**SWEPT, **EVOLVED, "sweep.t_c": "0.5, 1", "grid.n_c": 24, "run.t_end": 30}
    whole, wanted, _ = uninterrupted(folder, SMALL, values)
    succeed(folder, "run", "run.ini", "-o", "out.h5", "-q")
    former, environment = (folder / "out.h5").read_bytes(), faulty_disk(folder)
    for place, call, first in [(place, call, n) for place in SAVES for call in SAVES[place]
                               for n in ((1, 2) if place in TWICE else (1,))]:
        what = f"{call} {first} of {place or 'the folder'}:"
        faults = {"FAULTY_ERROR": "0", "FAULTY_CALL": call, "FAULTY_FIRST": str(first),
                  "FAULTY_FOLDER": f"{folder}/{place}" if place else str(folder)}
        code, messages = finish(launch(folder, command("run.ini", values, "out.h5"), {**environment, **faults}))
        check(code == KILLED, what, f"exit code {code}, the run does not come there:", messages)
        resume = [] if check_what_is_left(folder, former, what) else ["--resume"]
        code, messages = finish(launch(folder, command("run.ini", values, "out.h5", *resume)))
        check(code == wanted, what, f"exit code {code} instead of {wanted}:", messages)
        identical(contents(folder / "out.h5"), whole, what)
        check(check_what_is_left(folder, former, what) is False, what)
        begun_anew = [] if resume else ["out.h5~.state"]  # what was kept before the file was there
        nothing_left(folder, "out.h5", "whole.h5", *begun_anew)
        shutil.rmtree(folder / "out.h5~.state", ignore_errors=True)
        (folder / "out.h5~").rename(folder / "out.h5")
    forget_faulty_disk(folder)


def kill_one_after_the_other(folder, values, kills):
    """Runs to the end, from kill to kill; returns their number, and the exit code."""
    environment, code = {**faulty_disk(folder), "FAULTY_ERROR": "0"}, KILLED
    while code == KILLED and kills < 80:
        first = 5 + 17 * kills % 89  # keeping a state takes some twenty calls, so most runs get further
        code, messages = finish(start_again(folder, values, {**environment, "FAULTY_FIRST": str(first)}))
        kills += code == KILLED
    return kills, code, messages


def test_one_kill_after_the_other(folder):
    """At the n-th call that writes, of one long point, which would never end if it began again each time."""
    values, kills = {**LONG, "run.t_end": 150}, 0
    whole, wanted, _ = uninterrupted(folder, SMALL, values)
    while kills < 6:
        kills, code, messages = kill_one_after_the_other(folder, values, kills)
        check(code == wanted, f"exit code {code} after {kills} kills:", messages)
        identical(contents(folder / "out.h5"), whole, f"a run that was killed {kills} times and an uninterrupted one")
        nothing_left(folder, "out.h5", "whole.h5")
        (folder / "out.h5").unlink()
    forget_faulty_disk(folder)


# ---- points at work when a run is stopped ----

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


def test_states_beside_another_run_s_result(folder):
    """A long point is resumed though none is finished, and what was in the file before is kept."""
    whole, _, _ = uninterrupted(folder, SMALL, LONG)
    succeed(folder, "run", "run.ini", "-o", "out.h5", "-q")
    former = (folder / "out.h5").read_bytes()
    process = launch(folder, command("run.ini", LONG, "out.h5"))
    while not (folder / "out.h5~").exists():
        check(process.poll() is None, "the run ends before its first state is kept")
        time.sleep(0.01)
    process.kill()
    finish(process)
    check((folder / "out.h5~").read_bytes() == former, "the former result is lost")
    messages = resumed(folder)
    check("1 point goes on" in messages, messages)
    identical(contents(folder / "out.h5"), whole, "a resumed and an uninterrupted run")


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
