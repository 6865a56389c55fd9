#!/usr/bin/env python3
"""What runs leave: the HDF5 file, its fields, CSV."""
import math
import re

import h5py
import numpy as np

from cli_support import (EVOLVE, LASER, OUTCOME, PAIR_IN_TIME, SMALL, assert_described, check, close, ini, main, same,
                         scales, sets, solve, succeed, text_of)


def test_csv_format(folder):
    table = solve(folder, SMALL, {"sweep.t_c": "0.1, 1", "sweep.order": "2, 8"})
    axes, wanted = ["t_c", "order"], []
    for name in ("exp_i_theta1", "exp_i_theta2", "exp_i_theta21"):
        wanted += [name + "_re", name + "_im"]
    wanted += ["coherence1", "coherence2", "coherence", "correlation_re", "correlation_im"]
    check(table.header == axes + wanted + list(OUTCOME), "header:", table.header)
    for row in table.text:
        check(row["converged"] == "1" and row["steps"].isdigit() and row["rhs"].isdigit(), row)
        for text in row.values():
            check(f"{float(text):.17g}" == text, "not in 17 digits:", text)
    with h5py.File(folder / "out.h5") as f:
        for name in ("exp_i_theta1", "correlation", "coherence"):
            check(f["observables"][name][()].ravel().tolist() == table.column(name), name, "differs from the file")


def test_csv_spells_what_is_no_number_one_way(folder):
    """The imbalance of two vacua over their photons is 0/0."""
    table = solve(folder, "[model]\nequation = gutzwiller\n[laser]\ngamma = 200\n[fock]\nlevels = 60\n",
                  {**EVOLVE, "run.initial": "vacuum", "run.t_end": 0.1})
    check(table.text[0]["relative_imbalance"] == "nan", table.text[0])


def test_csv_of_evolution(folder):
    table = solve(folder, SMALL, {**EVOLVE, "run.t_end": 0.25, "sweep.t_c": "0, 1"})
    check(table.header[:3] == ["t_c", "t", "exp_i_theta1_re"] and table.header[-5:] == list(OUTCOME), table.header)
    check([(r["t_c"], r["t"]) for r in table.rows] == [(c, t) for c in (0, 1) for t in (0, 0.1, 0.2, 0.25)], table.rows)
    check(all(row["model_time"] == 0.25 and row["converged"] == 1 for row in table.rows), table.rows)


def test_hdf5_layout(folder):
    solve(folder, SMALL, {"sweep.t_c": "0.1, 0.5, 1", "sweep.phi2": "0, 2", "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        assert_described(f)
        check(f["axes/t_c"][()].tolist() == [0.1, 0.5, 1] and f["axes/phi2"][()].tolist() == [0, 2], "axes")
        check(text_of(f["axes/t_c"].attrs["units"]) == "kappa", f["axes/t_c"].attrs["units"])
        for group in ("observables", "convergence"):
            for name, data in f[group].items():
                check(data.shape == (3, 2), name, data.shape)
                check(scales(data) == ["/axes/t_c", "/axes/phi2"], name, scales(data))
        check(f["observables/exp_i_theta21"].dtype == np.complex128, f["observables/exp_i_theta21"].dtype)
        check(f["observables/coherence"].dtype == np.float64 and f["convergence/steps"].dtype.kind == "i", "types")
        check(f["convergence/converged"][()].tolist() == [[1, 1]] * 3, "converged")
        assert_fields(f, 24)
        root = f.attrs
        for name in ("config", "version", "commit", "backend", "device", "precision", "threads", "start_time",
                     "end_time"):
            check(name in root and str(root[name]), "root attribute", name)
        check(text_of(root["backend"]) == "cpu" and text_of(root["precision"]) == "double", dict(root))
        check(root["threads"] == 1 and root["start_time"] <= root["end_time"], dict(root))


def test_hdf5_texts_are_strings(folder):
    """h5py and xarray give str, not bytes, to those who read units, descriptions and the configuration."""
    solve(folder, SMALL)
    with h5py.File(folder / "out.h5") as f:
        for where, name in (("/", "config"), ("/", "version"), ("observables/coherence", "units")):
            check(isinstance(f[where].attrs[name], str), where, name, "is", type(f[where].attrs[name]))


def assert_fields(f, n):
    """P_theta[..., theta_1, theta_2] is a density whose marginals and moments are those in the file."""
    fields, h = f["fields"], 2 * math.pi / n
    P, theta = fields["P_theta"][()], fields["theta"][()]
    check(P.shape == (3, 2, n, n), P.shape)
    axes, grid = ["/axes/t_c", "/axes/phi2"], "/fields/theta"
    check(scales(fields["P_theta"]) == axes + [grid, grid], scales(fields["P_theta"]))
    check(scales(fields["P_theta1"]) == axes + [grid], scales(fields["P_theta1"]))
    check(np.allclose(theta, h * np.arange(n), rtol=0, atol=1e-14), "theta")
    check(np.allclose(P.sum((2, 3)) * h * h, 1, rtol=0, atol=1e-12), "normalisation")
    check(np.allclose(P.sum(3) * h, fields["P_theta1"][()], rtol=0, atol=1e-13), "P_theta1")
    check(np.allclose(P.sum(2) * h, fields["P_theta2"][()], rtol=0, atol=1e-13), "P_theta2")
    wave = np.exp(1j * theta)
    moment = np.einsum("...ij,i,j->...", P, wave.conj(), wave) * h * h
    check(np.allclose(moment, f["observables/exp_i_theta21"][()], rtol=0, atol=1e-12), "exp_i_theta21")
    first = np.einsum("...ij,i->...", P, wave) * h * h
    check(np.allclose(first, f["observables/exp_i_theta1"][()], rtol=0, atol=1e-12), "the first index is theta_1")


def test_hdf5_of_evolution_and_of_one_point(folder):
    solve(folder, SMALL, {**EVOLVE, "sweep.t_c": "0, 1", "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        assert_described(f)
        data = f["series/exp_i_theta1"]
        check(data.shape == (2, 6) and scales(data) == ["/axes/t_c", "/time"], data.shape, scales(data))
        check(np.allclose(f["time"][()], 0.1 * np.arange(6), rtol=0, atol=1e-15), f["time"][()])
        check(scales(f["convergence/converged"]) == ["/axes/t_c"], "convergence is per point")
        P, h = f["fields/P_theta"][()], 2 * math.pi / 24
        moment = np.einsum("pij,i->p", P, np.exp(1j * h * np.arange(24))) * h * h
        check(np.allclose(moment, data[:, -1], rtol=0, atol=1e-12), "fields are those of the last time")
    solve(folder, SMALL, {"model.sites": 1, "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        check(f["observables/exp_i_theta1"].shape == () and f["fields/P_theta"].shape == (24,), "one point, one site")
        close(f["fields/P_theta"][()].sum() * 2 * math.pi / 24, 1, 1e-12, "normalisation")


def test_fields_of_a_pair(folder):
    """rho1[..., m, n] and rho2 are density matrices whose moments are those in the file."""
    solve(folder, LASER, {**PAIR_IN_TIME, "sweep.t_c": "0, 0.5", "output.fields": "yes"})
    with h5py.File(folder / "out.h5") as f:
        assert_described(f)
        n = np.arange(44)
        check(np.array_equal(f["fields/photons"][()], n), "photons")
        for j in "12":
            data = f["fields/rho" + j]
            rho = data[()]
            check(rho.shape == (2, 44, 44) and np.iscomplexobj(rho), rho.shape, rho.dtype)
            check(scales(data) == ["/axes/t_c", "/fields/photons", "/fields/photons"], scales(data))
            check(np.allclose(rho, rho.conj().swapaxes(1, 2), rtol=0, atol=1e-12), "rho is not hermitian")
            check(np.allclose(np.einsum("pnn->p", rho), 1, rtol=0, atol=1e-9), "trace")
            photons, a = np.einsum("pnn,n->p", rho, n), np.einsum("pmn,mn->p", rho, np.diag(np.sqrt(n[1:]), -1))
            check(np.allclose(photons, f["series/n" + j][:, -1], rtol=0, atol=1e-12), "<n>")
            check(np.allclose(a, f["series/a" + j][:, -1], rtol=0, atol=1e-12), "<a>")
            purity = np.einsum("pmn,pnm->p", rho, rho)
            check(np.allclose(purity, f["series/purity" + j][:, -1], rtol=0, atol=1e-12), "purity")
        exchange = f["series/correlation"][()] - f["series/a1"][()].conj() * f["series/a2"][()] / (200 * 0.2 / 2.4)
        check(np.allclose(exchange, 0, rtol=0, atol=1e-12), "correlation")


def test_precision_is_told(folder):
    """By check before a run, in the file, and in what a point had to reach."""
    text, pattern = SMALL.partition("[steady]")[0], r"tolerance of the first point (\S+) on the residual, (\S+)"
    options = sets({"run.precision": "single"})
    said = succeed(folder, "check", ini(folder, text), *options).stdout
    check("; single precision: " in said, said)
    residual, distance = map(float, re.search(pattern, said).groups())
    solve(folder, text, {"run.precision": "single"})
    with h5py.File(folder / "out.h5") as f:
        check(text_of(f.attrs["precision"]) == "single", f.attrs["precision"])
        reached = f["convergence/residual"][()], f["convergence/distance"][()]
        check(1e-10 < reached[0] <= residual and reached[1] <= distance, "reached", reached, "of", residual, distance)
    check("single precision: rtol = " in succeed(folder, "check", "run.ini", *options, *sets(EVOLVE)).stdout, "in time")
    check("single precision" not in succeed(folder, "check", "run.ini").stdout, "in double precision")


def test_config_attribute_reproduces_the_run(folder):
    """The resolved configuration, with a sweep of many values, is itself a configuration of the same run."""
    table = solve(folder, SMALL, {"sweep.t_c": "linspace(0, 3, 41)", "grid.n_c": "auto", "steady.tolerance": "1e-2"})
    with h5py.File(folder / "out.h5") as f:
        text = text_of(f.attrs["config"])
    again = solve(folder, text, {}, out="again.h5")
    check(again.header == table.header, "columns differ:", set(again.header) ^ set(table.header))
    same(again.text, table.text, "runs from the same configuration")


if __name__ == "__main__":
    main(globals())
