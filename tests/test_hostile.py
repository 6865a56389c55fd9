#!/usr/bin/env python3
"""What careless or hostile users give: files that are none, bytes that are no text, numbers beyond all measure."""
import os
import threading

import h5py
import numpy as np

from cli_support import Skip, assert_refused, check, collect, ini, main, nanolase, solve, succeed

SMALL = "[phase]\nD_p = 0.2\nepsilon_over_r0 = 1\n[grid]\nn_c = 24\n[steady]\ntolerance = 1e-3\n"  # seven lines

# bytes of a configuration: the line that the message must name, words that it must hold
BAD_BYTES = {
    "NUL within a number": (b"[grid]\nn_c = 24\x000\n", 2, "byte 9", "0x00"),
    "NUL at the start": (b"\x00[grid]\nn_c = 24\n", 1, "0x00"),
    "a file of NULs": (bytes(5000), 1, "0x00"),
    "UTF-16": ("[grid]\nn_c = 24\n".encode("utf-16"), 1, "0x00", "plain text"),
    "an executable": (b"\x7fELF\x02\x01\x01" + bytes(100), 1, "0x7f"),
    "an HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(100), 1, "neither|0x"),
    "escape sequence": (b"[grid]\n\x1b[2Jn_c = 24\n", 2, "0x1b"),
    "carriage return within a line": (b"[grid]\nn_c = 24\rorder = 4\n", 2, "0x0d"),
    "form feed in a list": (b"[sweep]\nt_c = 1,\x0c2\n", 2, "0x0c"),
    "a line without an end": (b"[sweep]\nt_c = " + b"1, " * 100000, 2, "longer"),
    "comma for a decimal point": (b"[phase]\nD_p = 0,5\n", 2, "0,5", "number"),
    "minus of another font": ("[laser]\nt_c = \u22125\n".encode(), 2, "number"),
    "key after a section": (b"[laser] t_c = 4\n", 1, "t_c = 4", "line of its own"),
    "section within a value": (b"[laser\nt_c] = 4\n", 1, "bracket"),
    "minus nothing": (b"[phase]\nD_p = -0\n", 2, "above 0"),
    "denormal": (b"[phase]\nD_p = 1e-320\nepsilon_over_r0 = 1\n", 0, "n_c|radii|D_p"),
    "more than an int": (b"[grid]\nn_c = 4294967320\n", 2, "out of range"),
    "as large as a double can be": (b"[grid]\nn_c = 1.7976931348623157e308\n", 2, "out of range"),
    "a billion points": (b"[sweep]\nt_c = linspace(0, 1, 1e9)\n", 2, "1000000"),
    "a range that overflows": (b"[sweep]\nt_c = linspace(-1e308, 1e308, 3)\n", 2, "out of range"),
    "a list of too many lines": (b"[sweep]\nt_c = 1\n" + b"  0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n" * 1000001, 1000002,
                                 "10000000"),
    "radius beyond rounding": (b"[model]\nequation = amplitude\n[laser]\nkappa = 1e-19\n", 0, "points|extent"),
    "photons beyond rounding": (b"[model]\nequation = gutzwiller\nlocal = qubit\nsites = 1\n[laser]\nkappa = 1e-19\n",
                                0, "levels|gamma"),
    "nine sweeps": (b"[sweep]\n" + b"".join(b"%s = 8\n" % k for k in (b"t_c", b"phi1", b"phi2", b"D_p", b"r1", b"r2",
                                                                      b"n_c", b"order", b"gamma")),
                    10, "8 sweep axes"),
}
# overrides: words
BAD_OVERRIDES = {
    "output.file=a\nb.h5": ("one line", "0x0a"),
    "output.file=x.h5\n[laser]\nt_c = 3": ("one line",),
    "sweep.t_c=1,\n2": ("one line",),
    "laser.t_c=\x1b[2J": ("0x1b",),
    "output.file=a ;b.h5": ("comment",),
    "output.file=" + "x" * 400: ("longer",),
    "laser.t_c=1,5": ("number",),
    "laser.t_c=0x": ("number",),
    "laser.t_c=1e400": ("finite",),
    "laser." + "x" * 5000 + "=1": ("SECTION.KEY=VALUE",),
    "laser.t_c=" + "9" * 5000: ("finite",),
    "sweep.t_c=" + "1," * 60000: ("number",),
}


def refuse(folder, arguments, code, words):
    for command in ("check", "run"):
        assert_refused(folder, [command, *arguments], code, words)


def test_bytes_that_are_no_configuration(folder):
    failures = []
    for name, (content, line, *words) in BAD_BYTES.items():
        (folder / "bad.ini").write_bytes(content)
        place = f"bad.ini:{line}: " if line else "bad.ini"
        collect(failures, name, refuse, folder, ["bad.ini"], 2, [place, *words])
    check(not failures, len(failures), "of", len(BAD_BYTES), "\n" + "\n".join(failures))


def test_hostile_overrides(folder):
    failures = []
    ini(folder, SMALL)
    for text, words in BAD_OVERRIDES.items():
        collect(failures, repr(text[:40]), refuse, folder, ["run.ini", "-s", text], 2, ["-s ", *words])
    check(not failures, "\n" + "\n".join(failures))


def test_messages_hold_no_control_characters(folder):
    """A terminal would obey them."""
    (folder / "bad.ini").write_bytes(b"[\x1b[2J]\n")
    for arguments in (["check", "bad.ini"], ["check", "bad.ini", "-s", "model.equation=\x1b[2J"]):
        said = nanolase(folder, *arguments).stderr
        check("\x1b" not in said, repr(said))


def test_harmless_oddities(folder):
    """Hexadecimal numbers, a byte order mark, DOS line ends, no end of the last line, accents in comments, a blank at
    the end of an override: all mean what they seem to."""
    plain = solve(folder, SMALL).text[0]
    odd = b"\xef\xbb\xbf" + SMALL.replace("24", "0x18 ; gro\u00dfz\u00fcgig").rstrip("\n").replace("\n",
                                                                                                   "\r\n").encode()
    (folder / "odd.ini").write_bytes(odd)
    succeed(folder, "run", "odd.ini", "-q", "-j", "1", "-o", "odd.h5", "-s", "phase.D_p=0.2  ")
    check(succeed(folder, "show", "odd.h5", "--csv").stdout == succeed(folder, "show", "out.h5", "--csv").stdout, plain)


def test_text_of_a_run_reproduces_it(folder):
    """Names with blanks and quotes survive the way into the file and back."""
    ini(folder, SMALL)
    succeed(folder, "run", "run.ini", "-q", "-s", "output.file=a 'b' = [c].h5")
    with h5py.File(folder / "a 'b' = [c].h5") as f:
        (folder / "again.ini").write_text(f.attrs["config"])
    succeed(folder, "run", "again.ini", "-q", "--resume")


def test_endless_files(folder):
    for path in ("/dev/zero", "/dev/urandom"):
        if os.path.exists(path):
            for command in ("check", "run"):
                assert_refused(folder, [command, path], 2, [path])
            assert_refused(folder, ["show", path], 4, [path])


def test_pipes(folder):
    """A configuration may come through one; a result may not, and nobody waits for it."""
    if not hasattr(os, "mkfifo"):
        raise Skip("this system has no pipes with names")
    os.mkfifo(folder / "pipe")
    ini(folder, SMALL)
    assert_refused(folder, ["show", "pipe"], 4, ["pipe"])
    assert_refused(folder, ["run", "run.ini", "-o", "pipe"], 2, ["pipe"])
    writer = threading.Thread(target=(folder / "pipe").write_text, args=(SMALL,), daemon=True)
    writer.start()
    check("n_c = 24" in succeed(folder, "check", "pipe", timeout=60).stdout, "not read")
    writer.join(60)


def test_devices_as_output(folder):
    ini(folder, SMALL)
    for path in ("/dev/full", "/dev/null", "/dev/tty"):
        if os.path.exists(path):
            assert_refused(folder, ["run", "run.ini", "-o", path], 2, [path])


# ---- results that nobody's run has made ----

def damaged(folder, name, change):
    """A copy of out.h5, changed."""
    (folder / name).write_bytes((folder / "out.h5").read_bytes())
    with h5py.File(folder / name, "r+") as f:
        change(f)
    return name


def replace(path, **more):
    def change(f):
        del f[path]
        f.create_dataset(path, **more)
    return change


def test_crafted_results(folder):
    """Shapes that no memory holds, elements that are no numbers, names that a terminal would obey."""
    solve(folder, SMALL, {"sweep.t_c": "0, 1, 2"})
    text = h5py.string_dtype()
    changes = {
        "points.h5": replace("axes/t_c", shape=(1 << 61,), chunks=(1024,), dtype="f8"),
        "gigabytes.h5": replace("axes/t_c", shape=(1 << 33,), chunks=(1024,), dtype="f8"),
        "parts.h5": replace("observables/correlation", data=np.zeros(3, dtype=[("x", "f8"), ("y", "f8")])),
        "texts.h5": replace("observables/correlation", data=["a", "b", "c"], dtype=text),
        "short.h5": replace("observables/coherence", data=np.zeros(2)),
        "group.h5": lambda f: (f.pop("observables/coherence"), f.create_group("observables/coherence")),
        "escape.h5": lambda f: f["observables"].create_dataset("\x1b[2J", data=np.zeros(3)),
        "comma.h5": lambda f: f["observables"].create_dataset("a,b", data=np.zeros(3)),
        "loop.h5": lambda f: f["observables"].__setitem__("again", f["observables"]),
    }
    failures = []
    for name, change in changes.items():
        damaged(folder, name, change)
        for options in ([], ["--csv"]):
            collect(failures, name, assert_refused, folder, ["show", name, *options], 4, [name])
    check(not failures, "\n" + "\n".join(failures))


def test_crafted_results_are_not_resumed(folder):
    """Numbers that no counter holds, and a configuration that is too long for the message."""
    solve(folder, SMALL, {"sweep.t_c": "0, 1, 2"})
    settings = ["-s", "sweep.t_c=0, 1, 2"]
    text = np.frombuffer(b"[grid]\n" + b"\x1b[2J" + b"k" * 3000 + b" = 1\n", dtype="u1")
    changes = {
        "status.h5": replace("convergence/status", data=np.array([1, np.nan, 1])),
        "steps.h5": replace("convergence/steps", data=np.array([1, 1e19, 1])),
        "less.h5": replace("convergence/rhs", data=np.array([1, -1, 1])),
        "marks.h5": replace("convergence/status", data=np.array([1, 60, 1])),
        "text.h5": replace("configuration", data=text),
    }
    failures = []
    for name, change in changes.items():
        damaged(folder, name, change)
        collect(failures, name, assert_refused, folder, ["run", "run.ini", "-o", name, "--resume", *settings], 4,
                [name])
        check("\x1b" not in nanolase(folder, "run", "run.ini", "-o", name, "--resume", *settings).stderr, name)
    check(not failures, "\n" + "\n".join(failures))


if __name__ == "__main__":
    main(globals())
