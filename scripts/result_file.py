"""Result files of `nanolase run`, as the scripts that draw and compare them read them."""
import configparser
import math
import os
import sys

import h5py
import numpy as np


class Problem(Exception):
    """What is wrong with a file, in one line."""


def text_of(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Result:
    """One result file: axes in sweep order, and datasets by name."""

    def __init__(self, path):
        self.path = path
        self.stem = os.path.splitext(os.path.basename(path))[0]
        if not os.path.exists(path):
            raise Problem(f"{path}: no such file; `nanolase run` writes it")
        try:
            self.file = h5py.File(path, "r")
        except OSError:
            raise Problem(f"{path}: not a readable HDF5 file; give a file that `nanolase run` wrote") from None
        self.name = text_of(self.file.attrs.get("name", self.stem))
        names = text_of(self.file.attrs.get("axes", "")).split(",")
        self.axes = {name: self.data("axes/" + name) for name in names if name}
        self.shape = tuple(len(values) for values in self.axes.values())
        self.converged = self.shaped("convergence/converged", self.shape) != 0
        self.config = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
        self.config.optionxform = str
        self.config.read_string(text_of(self.file.attrs.get("config", "")))

    def data(self, name):
        if name not in self.file:
            raise Problem(f"{self.path}: no dataset {name}{self.remedy(name)}")
        return self.file[name][()]

    @staticmethod
    def remedy(name):
        if name.startswith("fields/"):
            return "; run again with -s output.fields=yes"
        return "; give a file that `nanolase run` wrote"

    def shaped(self, name, shape):
        """The dataset, whose leading dimensions must be `shape`."""
        data = np.asarray(self.data(name))
        if data.shape[:len(shape)] != shape:
            raise Problem(f"{self.path}: {name} has the shape {data.shape}, the axes have {shape}")
        return data

    def observable(self, name):
        return self.shaped("observables/" + name, self.shape)

    def field(self, name):
        return self.shaped("fields/" + name, self.shape)

    def names(self, group):
        return list(self.file[group]) if group in self.file else []

    def setting(self, section, key):
        try:
            return self.config.getfloat(section, key)
        except (configparser.Error, ValueError):
            return math.nan

    def unconverged_note(self):
        """Empty where every point converged."""
        bad = int(np.count_nonzero(~self.converged))
        return f"{bad} of {self.converged.size} points not converged" if bad else ""


def exit_code(script, outdir, work):
    """Does the work; 0, or 2 with a line that says what is wrong with a file or folder."""
    try:
        work()
    except Problem as problem:
        print(f"{script}: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{script}: {error.filename or outdir}: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0
