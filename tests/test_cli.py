#!/usr/bin/env python3
"""The commands and messages of the program.

    scripts/find-python.sh prints a python with numpy and h5py
    python3 tests/test_cli.py [WORD...]     only tests whose name contains a word
"""
import os
import pty
import re
import select
import subprocess

from cli_support import (ENVIRONMENT, LASER, PROGRAM, ROOT, SMALL, Skip, check, ini, main, nanolase, same, sets,
                         solve, succeed)


def test_keys_is_a_configuration(folder):
    text = succeed(folder, "keys").stdout
    ini(folder, text, "keys.ini")
    free = r"[0-9]+ in the [^ ]+ GB free here"  # which changes from one moment to the next
    resolved, default = (re.sub(free, "", succeed(folder, "check", name).stdout)
                         for name in ("keys.ini", ini(folder, "", "empty.ini")))
    check(resolved == default, "keys does not print the defaults")
    wanted = {line.split("=")[0].strip() for line in resolved.split("\n") if "=" in line and not line.startswith(";")}
    lines = text.split("\n")
    for key in wanted:
        place = next((k for k, line in enumerate(lines) if line.startswith(key + " =")), None)
        check(place and lines[place - 1].startswith("; "), key, "is not explained")


def test_check_prints_the_plan(folder):
    name = ini(folder, SMALL + "[sweep]\nt_c = linspace(0, 1, 3)\n")
    text = succeed(folder, "check", name, "-s", "phase.r1=1.25").stdout
    for word in ("r1 = 1.25", "D_p = 0.2", "points: 3", "memory", "work", "n_0 = ", "[sweep]"):
        check(word in text, word, "is not in", text)
    check(os.listdir(folder) == [name], "check writes files:", os.listdir(folder))


def test_order_follows_the_grid(folder):
    """Left alone with the grid's size, the order is the one that needs few points; with points given, the paper's."""
    for text, wanted in (("", "n_c: 104 to 104, order 8"), ("n_c = 100\n", "n_c: 100 to 100, order 2"),
                         ("n_c = 100\norder = 6\n", "n_c: 100 to 100, order 6")):
        name = ini(folder, "[laser]\nt_c = 1\nphi2 = 0\n[phase]\nD_p = 0.005\nepsilon_over_r0 = 1\n[grid]\n" + text)
        printed = succeed(folder, "check", name).stdout
        check(wanted in printed, wanted, "is not in", printed)


def test_check_of_a_laser(folder):
    text = succeed(folder, "check", ini(folder, LASER), "-s", "fock.levels=auto").stdout
    check("n_initial = auto" in text and "levels: 91 to 91" in text and "rkc" in text, text)


def test_info_help_and_version(folder):
    text = succeed(folder, "info").stdout
    for word in ("nanolase ", "CUDA", "CPU", "rk45"):
        check(word in text, word, "is not in", text)
    text = succeed(folder, "--help").stdout
    for word in ("run", "check", "show", "keys", "info", "--resume", "--csv", "-j", "-b", "-s", "Exit codes"):
        check(word in text, word, "is not in", text)
    check("nanolase" in succeed(folder, "--version").stdout, "version")


def test_shipped_configurations(folder):
    names = sorted((ROOT / "configs").glob("*.ini"))
    if not names:
        raise Skip("there is no configs/*.ini")
    for path in names:
        text = succeed(folder, "check", path).stdout
        check("points:" in text, path.name, text)


def test_ini_syntax(folder):
    """Comments, blanks, DOS line ends and indentation change nothing."""
    plain, = solve(folder, SMALL).text
    dressed = "# comment\n" + SMALL.replace("t_c = 1", "  t_c=1   ; tunnelling").replace("\n", "\r\n") + "; end"
    same(solve(folder, dressed).text[0], plain, "results with comments and DOS line ends")
    indented = "\n".join(line if line.startswith("[") else "   " + line for line in SMALL.split("\n"))
    same(solve(folder, indented).text[0], plain, "results with indented keys")


def test_show_table(folder):
    solve(folder, SMALL, {"sweep.t_c": "0, 1"})
    lines = succeed(folder, "show", "out.h5").stdout.rstrip().split("\n")
    check(len(lines) == 9 and "t_c" in lines[0] and "coherence" in lines[0] and "converged" in lines[0], lines)
    check("2 of 2" in lines[-1] and lines[1].split()[0] == "0" and lines[2].split()[0] == "1", lines)


def test_full_standard_output_is_an_error(folder):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    solve(folder, SMALL)
    for arguments in (("show", "out.h5", "--csv"), ("keys",), ("check", "run.ini")):
        with open("/dev/full", "w") as full:
            code = nanolase(folder, *arguments, stdout=full).returncode
        check(code == 4, " ".join(arguments), "to a full device ends with", code)


def test_messages(folder):
    name = ini(folder, SMALL)
    quiet = succeed(folder, "run", name, "-q")
    check(quiet.stderr == quiet.stdout == "", "-q prints", quiet.stderr, quiet.stdout)
    plain = succeed(folder, "run", name)
    check(plain.stdout == "" and "\r" not in plain.stderr, plain)
    check(all(line.startswith("nanolase: ") for line in plain.stderr.strip().split("\n")), plain.stderr)
    check("out.h5" in plain.stderr, "where the result is:", plain.stderr)


def test_progress_line_on_a_terminal(folder):
    try:
        master, slave = pty.openpty()
    except OSError as error:
        raise Skip(f"this machine gives no terminals: {error}") from None
    settings = sets({"grid.n_c": 64, "sweep.t_c": "linspace(0, 1, 80)", "phase.D_p": 0.05, "steady.method": "rre"})
    process = subprocess.Popen([str(PROGRAM), "run", ini(folder, SMALL), "-j", "1", *settings], cwd=folder,
                               env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    seen = b""
    try:
        while select.select([master], [], [], 60)[0]:
            seen += os.read(master, 4096)
    except OSError:
        pass  # the other end is closed
    os.close(master)
    check(process.wait(60) == 0, seen)
    for word in (b"\r", b" of 80 points", b"residual", b"dt = ", b"t = ", b"to go"):
        check(word in seen, word, "is not in", seen)


if __name__ == "__main__":
    main(globals())
