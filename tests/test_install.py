#!/usr/bin/env python3
"""What `make install` leaves: a program, a library to build against, and papers that say what the program can do."""
import os
import re
import shlex
import shutil
import subprocess

from cli_support import ENVIRONMENT, LONGEST, PROGRAM, ROOT, Skip, check, main, nanolase, same, succeed

CONFIG = """
[laser]
phi2 = 0
[phase]
D_p = 0.2
epsilon_over_r0 = 1
[grid]
n_c = 24
order = 8
[sweep]
t_c = 0, 0.5, 2
"""
PREFIX = "opt/lasers"


def output(command, folder=ROOT, code=0, environment=ENVIRONMENT):
    done = subprocess.run(list(map(str, command)), cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LONGEST)
    check(done.returncode == code, *command, f"\nexit code {done.returncode}:", done.stdout, done.stderr)
    return done.stderr if code else done.stdout


def make(folder, target):
    """With or without CUDA and MPI as build/ has it, so that nothing is built again."""
    nvcc, archs, mpi = (ROOT / "build" / "with").read_text().split("\n")[:3]
    return output(["make", target, f"DESTDIR={folder}", f"PREFIX=/{PREFIX}", f"NVCC={nvcc}", f"CUDA_ARCHS={archs}",
                   "MPI=yes" if mpi else "MPI=no"])


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def options_of_help():
    """Of --help, both names of every option; and the commands, from its usage."""
    text = succeed(ROOT, "--help").stdout
    options = re.findall(r"^ +(-\S), (--[a-z]+)", text, re.M) + re.findall(r"^ +(--[a-z]+)()", text, re.M)
    commands = re.findall(r"^(?:Usage|  or): +nanolase \[OPTION\.\.\.\] ([a-z]+)", text, re.M)
    check(len(options) >= 11 and len(commands) >= 5, "--help has changed its form:", text)
    return [name for pair in options for name in pair if name], commands


def complete(folder, line, program=PROGRAM):
    """What bash offers at the end of the line."""
    script = """
    set -u
    source "$1"
    COMP_LINE=$2 COMP_POINT=${#2}
    COMP_WORDS=("$3") COMP_CWORD=0
    _nanolase
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    return output(["bash", "-c", script, "bash", ROOT / "scripts" / "nanolase-completion.bash", line, program],
                  folder).split()


# ---- installation ----

def test_install_and_uninstall(folder):
    make(folder, "install")
    there, tree = files(folder), folder / PREFIX
    wanted = ["bin/nanolase", "lib/libnanolase.a", "lib/pkgconfig/nanolase.pc", "include/nanolase.h",
              "include/nanolase/portable.h", "include/nanolase/config.def", "share/nanolase/nanolase_reader.py",
              "share/man/man1/nanolase.1", "share/bash-completion/completions/nanolase"]
    wanted += [f"include/nanolase/{path.name}" for path in (ROOT / "include" / "nanolase").glob("*.h")]
    wanted += [f"share/nanolase/configs/{path.name}" for path in (ROOT / "configs").glob("*.ini")]
    same(there, sorted(f"{PREFIX}/{name}" for name in wanted), "installed files")
    check(os.access(tree / "bin" / "nanolase", os.X_OK), "the program cannot be run")
    readable = [name for name in there if (folder / name).stat().st_mode & 0o044 != 0o044]
    check(not readable, "not for all to read:", readable)
    succeed(folder, "check", tree / "share" / "nanolase" / "configs" / "quickstart.ini",
            program=tree / "bin" / "nanolase")
    make(folder, "uninstall")
    same(files(folder), [], "files after uninstall")
    check(not list(folder.rglob("*nanolase/*")), "folders of its own are left")


def test_uninstall_spares_what_is_not_its_own(folder):
    make(folder, "install")
    others = [folder / PREFIX / name for name in ("bin/other", "include/other.h", "lib/pkgconfig/other.pc",
                                                  "share/man/man1/other.1")]
    for path in others:
        path.write_text("")
    make(folder, "uninstall")
    same(files(folder), sorted(str(path.relative_to(folder)) for path in others), "files after uninstall")


def test_library_through_pkg_config(folder):
    """The example, moved away from the sources, and built with what pkg-config says and nothing else."""
    make(folder, "install")
    shutil.copy(ROOT / "tests" / "example_library.c", folder)
    (folder / "run.ini").write_text(CONFIG)
    environment = dict(ENVIRONMENT)
    path = [str(folder / PREFIX / "lib" / "pkgconfig"), environment.get("PKG_CONFIG_PATH", "")]
    environment["PKG_CONFIG_PATH"] = ":".join(filter(None, path))

    def ask(*what):
        return shlex.split(output(["pkg-config", *what, "nanolase"], folder, environment=environment))
    flags = ask("--cflags", "--libs")
    check(str(ROOT) not in " ".join(flags), "points back at the sources:", flags)
    version, = ask("--modversion")
    check(version in succeed(folder, "--version").stdout, "another version than the program's:", version)
    compiler = shlex.split(os.environ.get("CC", "gcc"))
    output([*compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "example_library.c", *flags, "-o",
            "example"], folder, environment=environment)

    succeed(folder, "run", "run.ini", "-b", "cpu", "-q")
    header, *rows = [line.split(",") for line in succeed(folder, "show", "out.h5", "--csv").stdout.split()]
    for name, columns in (("coherence", ["coherence"]), ("exp_i_theta21", ["exp_i_theta21_re", "exp_i_theta21_im"])):
        printed = output(["./example", "run.ini", name], folder).splitlines()
        check(len(printed) == len(rows) == 3, "points:", printed)
        for point, (line, row) in enumerate(zip(printed, rows)):
            index, *parts, status = line.split(" ", 3)
            wanted = [float(row[header.index(column)]) for column in columns]
            same((int(index), status), (point, "converged"), "point and status")
            same([float(x) for x in parts], (wanted + [0.0])[:2], f"{name}, point {point},")

    check("no observable 'coherent'" in output(["./example", "run.ini", "coherent"], folder, code=2), "what is missing")
    check("missing.ini" in output(["./example", "missing.ini", "coherence"], folder, code=2), "names the file")


def test_make_help_names_it(folder):
    text = output(["make", "help"])
    for word in ("make install", "make uninstall", "PREFIX", "DESTDIR"):
        check(word in text, word, "is not in", text)


# ---- papers ----

def test_man_page(folder):
    text = (ROOT / "scripts" / "nanolase.1").read_text().replace("\\-", "-")
    text = re.sub(r"\\f[BIR]", "", text)
    options, commands = options_of_help()
    for name in options:
        check(re.search(rf"^\.BR? .*{re.escape(name)}(?![a-z])", text, re.M), f"the man page lacks {name}")
    for name in commands:
        check(re.search(rf"^\.BI? {name}\b", text, re.M), f"the man page lacks {name}")
    for section in re.findall(r"^\[([a-z]+)\]", succeed(folder, "keys").stdout, re.M):
        check(f"[{section}]" in text, f"the man page lacks [{section}]")
    for code in range(5):
        check(re.search(rf"^\.B {code}$", text, re.M), f"the man page lacks exit code {code}")


def test_man_page_is_sound(folder):
    if not shutil.which("groff"):
        raise Skip("there is no groff here")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", ROOT / "scripts" / "nanolase.1"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=LONGEST)
    check(done.returncode == 0 and not done.stderr, done.stderr)
    check("Look before running" in done.stdout, done.stdout)


def test_completion_has_all(folder):
    options, commands = options_of_help()
    same(sorted(complete(folder, "nanolase ")), sorted(commands), "commands")
    same(sorted(complete(folder, "nanolase -")), sorted(options), "options")
    for command in commands:  # it offers what the program takes, and nothing else
        offered = complete(folder, f"nanolase {command} -")
        for name in options:
            if name in ("--help", "--usage", "--version", "-?", "-V") or not name.startswith("--"):
                continue
            value = {"--threads": "=1", "--backend": "=cpu", "--share": "=points", "--output": "=x",
                     "--set": "=x"}.get(name, "")
            done = nanolase(folder, command, name + value)
            check(("does not take" not in done.stderr) == (name in offered), command, name, offered, done.stderr)


def test_completion_of_values(folder):
    (folder / "configs").mkdir()
    for name in ("a.ini", "b.h5", "configs/c.ini"):
        (folder / name).write_text("")
    for line, wanted in (("nanolase r", ["run"]), ("nanolase run ", ["a.ini", "configs"]),
                         ("nanolase run configs/", ["configs/c.ini"]), ("nanolase show ", ["b.h5", "configs"]),
                         ("nanolase run -b c", ["cpu", "cuda"]), ("nanolase run --backend=c", ["cpu", "cuda"]),
                         ("nanolase run a.ini -s laser.phi", ["laser.phi1=", "laser.phi2="]),
                         ("nanolase check a.ini --set laser.eps", ["laser.epsilon="]),
                         ("nanolase run a.ini -s sweep.eps", ["sweep.epsilon=", "sweep.epsilon_over_r0="]),
                         ("nanolase run a.ini -s model.local=", ["photon", "qubit"]),
                         ("nanolase run a.ini -s output.fields=", ["no", "yes"]),
                         ("nanolase -s laser.t_c=1 ch", ["check"]), ("nanolase run a.ini -j ", [])):
        same(sorted(complete(folder, line)), wanted, line)
    keys = succeed(folder, "keys").stdout
    sections = re.findall(r"^\[([a-z]+)\]", keys, re.M)
    offered = [word for word in complete(folder, "nanolase run -s ") if not word.startswith("sweep.")]
    check(len(offered) == len(re.findall(r"^\w+ = ", keys, re.M)), "keys:", offered)
    check({word.split(".")[0] for word in offered} <= set(sections), sections)


if __name__ == "__main__":
    main(globals())
