#!/usr/bin/env python3
"""Reads results of nanolase into xarray.

    from nanolase_reader import open_result
    data = open_result("my.h5")
    data.coherence.where(data.converged).plot()

    python3 nanolase_reader.py OUT.h5      prints what is in it

Sweep axes and, of evolutions, the saved times are coordinates; observables, convergence and fields are variables, with
units and description as attributes. The attributes of the whole hold the configuration and what made the file.
Needs h5py and xarray.
"""
import sys

import h5py


def open_result(path):
    """An xarray.Dataset of all that the result file holds, in memory; ValueError where it is no result."""
    try:
        import xarray
    except ImportError:
        raise ImportError("nanolase_reader needs xarray: pip install xarray, or apt install python3-xarray; h5py alone "
                          "reads the file too, see README.md") from None
    with h5py.File(path, "r") as f:
        if "nanolase_result" not in f.attrs:
            raise ValueError(f"{path} is no result of nanolase")
        coordinates, variables = {}, {}
        for axis in filter(None, _text(f.attrs["axes"]).split(",")):
            coordinates[axis] = ((axis,), f["axes"][axis][()], _attributes(f["axes"][axis]))
        if "time" in f:
            coordinates["time"] = (("time",), f["time"][()], _attributes(f["time"]))
        for group in ("observables", "series", "convergence", "fields"):
            for name, dataset in f.get(group, {}).items():
                if not dataset.is_scale:
                    variables[name] = _variable(dataset, coordinates)
        values, about = variables["converged"][1:]
        variables["converged"] = (variables["converged"][0], values != 0, about)
        attributes = {name: _text(value) for name, value in f.attrs.items()}
    return xarray.Dataset(variables, coordinates, attributes)


def _variable(dataset, coordinates):
    """Dimensions, values, attributes. Adds the coordinates that fields bring with them; the second of a square, to
    which no name of its own is given in the file, gets a 2 behind its name."""
    names = []
    for dimension in dataset.dims:
        scale = dimension[0]
        name = scale.name.split("/")[-1]
        if name in names:
            name += "2"
        coordinates.setdefault(name, ((name,), scale[()], _attributes(scale)))
        names.append(name)
    values = dataset[()]
    return tuple(names), values.astype(str) if dataset.dtype.kind == "S" else values, _attributes(dataset)


def _attributes(dataset):
    return {name: _text(dataset.attrs[name]) for name in ("units", "description")}


def _text(value):
    """Text as str, numbers as they are in Python."""
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else value.item()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    try:
        print(open_result(sys.argv[1]))
    except (ImportError, OSError, ValueError) as why:
        sys.exit(f"nanolase_reader: {why}")
