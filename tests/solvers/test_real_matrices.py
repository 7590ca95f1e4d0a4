"""Matrices of real origin that installed packages bring along, with answers that are known."""

import math

import numpy as np
import pytest

import lineal as torch
from lineal import solvers
from lineal.solvers import preconditioners

F64 = torch.float64


def example(name):
    """Return a matrix of PyAMG's examples, a solution and its right-hand side."""
    gallery = pytest.importorskip("pyamg.gallery")
    A = torch.sparse.from_scipy(gallery.load_example(name)["A"].tocsr())
    x = torch.cos(torch.arange(A.shape[1])).to(A.dtype)
    return A, x, A @ x


def apart(x, wanted, free):
    """Return the relative distance, of solutions that are known but for a constant from the mean."""
    difference = x - wanted
    return float((difference - difference.mean() if free else difference).norm() / wanted.norm())


DEFINITE = ("airfoil", "bar", "knot", "unit_cube", "unit_square", "local_disc_galerkin_diffusion")
TRIED = {
    **dict.fromkeys(
        DEFINITE, ("cg", "pipelined_cg", "block_cg", "minres", "minres_qlp", "gmres", "bicgstab", "idrs", "tfqmr", "lsqr")
    ),
    "recirc_flow": ("gmres", "bicgstab", "idrs", "tfqmr", "lsqr", "lsmr"),
    "helmholtz_2D": ("gmres", "bicgstab", "idrs", "tfqmr"),
}


LARGE = ("bar", "helmholtz_2D", "local_disc_galerkin_diffusion")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in TRIED])
def test_meshes_of_finite_elements(name):
    A, wanted, b = example(name)
    # a mesh without a boundary condition: constants are its null space
    free = float((A @ torch.ones_like(b)).norm()) < 1e-10
    assert free == (name == "unit_square")
    M = preconditioners.ilut(A, 1e-3 if name in ("helmholtz_2D", "bar") else 1e-2)
    for method in TRIED[name]:
        options = {"M": M} if method in ("gmres", "bicgstab", "idrs", "tfqmr") else {}
        x, report = getattr(solvers, method)(A, b, rtol=1e-10, maxiter=1000, return_info=True, **options)
        assert report.converged or (method == "lsqr" and report.advice), report
        assert not report.converged or apart(x, wanted, free) < 1e-4, (method, report)
        if method == "minres_qlp" and free:
            assert abs(float(x.mean())) < 1e-8


def data(name):
    datasets = pytest.importorskip("sklearn.datasets")
    return getattr(datasets, f"load_{name}")(return_X_y=True)


@pytest.mark.parametrize("name", ["diabetes", "iris", "wine", "linnerud", "breast_cancer", "digits"])
@pytest.mark.parametrize("method", ["cgls", "lsqr", "lsmr"])
def test_regressions_have_the_least_residual(name, method):
    X, y = data(name)
    X = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1)
    y = (y - y.mean(0)).astype(float)
    # digits have pixels that are always blank: of their solutions the shortest is meant
    wanted = np.linalg.lstsq(X, y, rcond=1e-10)[0]
    x = getattr(solvers, method)(torch.from_numpy(X), torch.from_numpy(y), rtol=1e-10, maxiter=2000)
    np.testing.assert_allclose(x.numpy(), wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


def test_diabetes_has_the_coefficients_of_its_paper():
    # Efron, Hastie, Johnstone and Tibshirani, Ann. Statist. 32 (2004): 442 patients, R² of all ten variables is 0.518
    X, y = data("diabetes")
    x = solvers.lsqr(torch.from_numpy(X), torch.from_numpy(y - y.mean()), rtol=1e-12)
    residual = y - y.mean() - X @ x.numpy()
    assert 1 - residual @ residual / ((y - y.mean()) @ (y - y.mean())) == pytest.approx(0.5177, abs=1e-4)


@pytest.mark.parametrize("name", ["karate_club", "florentine_families", "les_miserables"])
def test_resistances_of_social_networks(name):
    # a graph's Laplacian is singular; the resistance between two nodes is a difference of potentials, A⁺ (e_i − e_j)
    networkx = pytest.importorskip("networkx")
    graph = getattr(networkx, f"{name}_graph")()
    nodes = list(graph)
    A = torch.sparse.from_scipy(networkx.laplacian_matrix(graph, weight=None).astype(float).tocsr())
    b = torch.zeros(len(nodes), dtype=F64)
    b[0], b[-1] = 1.0, -1.0
    wanted = networkx.resistance_distance(graph, nodes[0], nodes[-1])
    for solve in (solvers.minres_qlp, solvers.minres, solvers.cg, solvers.lsqr):
        x = solve(A, b, rtol=1e-10)
        assert float(x[0] - x[-1]) == pytest.approx(wanted, rel=1e-7)
        assert abs(float(x.sum())) < 1e-6
    lone = torch.zeros(len(nodes), dtype=F64)
    lone[0] = 1.0
    # not solvable; the shortest least squares are those of what is left without the mean
    torch.testing.assert_close(
        solvers.minres_qlp(A, lone, rtol=1e-10), solvers.minres_qlp(A, lone - 1 / len(nodes), rtol=1e-10), rtol=1e-6, atol=1e-7
    )
    assert not solvers.minres(A, lone, return_info=True)[1].converged
    assert math.isfinite(wanted)
