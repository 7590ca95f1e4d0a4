"""Multigrid on grids: coarse matrices are Pᴴ A P, cycles are symmetric, and convergence does not depend on the size."""

from itertools import pairwise

import numpy as np
import pytest

import lineal as torch
from lineal import solvers
from lineal.codegen.sparse import transfers

F64 = torch.float64


def interpolation(shape, boundaries, stretched=True):
    """Return P, axis by axis, from its definition; `stretched`: a third of the last coarse point stands for one after it."""
    whole = np.ones((1, 1))
    for size, boundary in zip(shape, boundaries):
        coarse = transfers.coarse_size(size, boundary)
        line = np.eye(size) if coarse == size else np.zeros((size, coarse))
        for point in range(size if coarse != size else 0):
            for place in ((point - 1) // 2, point // 2):
                place = place % coarse if boundary == "periodic" else place
                if 0 <= place < coarse:
                    line[point, place] += 0.5
                elif place == coarse and size == 2 * coarse + 2 and stretched:
                    line[point, coarse - 1] += 0.5 / 3
        whole = np.kron(whole, line)
    return whole


GRIDS = [
    ((9,), "dirichlet"), ((40,), "periodic"), ((6, 35), "dirichlet"), ((4, 20), ("periodic", "dirichlet")),
    ((5, 4, 12), ("dirichlet", "neumann", "dirichlet")), ((4, 5, 18), ("periodic", "dirichlet", "dirichlet")),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "boundary"), GRIDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transfers_are_interpolation_and_its_transpose(shape, boundary, dtype):
    boundaries = (boundary,) * len(shape) if isinstance(boundary, str) else boundary
    P, rng = interpolation(shape, boundaries), np.random.default_rng(0)
    transfer = transfers.Transfer.of(np.dtype(dtype), shape, boundaries)
    fine, coarse = (rng.standard_normal(n).astype(dtype) for n in P.shape)
    down, up = np.empty_like(coarse), fine.copy()
    transfers.restrict(transfer, fine, down)
    transfers.prolong(transfer, coarse, up)
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    np.testing.assert_allclose(down, P.T @ fine, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(up, fine + P @ coarse, rtol=tolerance, atol=tolerance)


def varying(A, seed=0):
    """Return a symmetric stencil whose coefficients vary: D A D of a positive diagonal D."""
    torch.manual_seed(seed)
    d = 1 + torch.rand(A.shape[0], dtype=A.dtype)
    whole = [(c * d * A.grid.shifted(d, offset)).reshape(A.grid.shape) for c, offset in zip(A.coefficients, A.grid.offsets)]
    return solvers.Stencil(A.grid.shape, A.grid.offsets, torch.stack(whole), A.grid.boundaries)


@pytest.mark.parametrize(("shape", "boundary"), GRIDS)
@pytest.mark.parametrize("varies", [False, True])
def test_coarse_matrices_are_those_of_galerkin_and_cycles_are_symmetric(shape, boundary, varies):
    A = solvers.poisson(shape, boundary=boundary, dtype=F64)
    A = varying(A) if varies else A
    M = solvers.geometric_multigrid(A, max_coarse=12)
    matrices = [level.A for level in M.levels] + [M.coarsest]
    for fine, coarse in pairwise(matrices):
        P = torch.from_numpy(interpolation(fine.grid.shape, fine.grid.boundaries, stretched=False))
        torch.testing.assert_close(coarse.to_dense(), P.mT @ fine.to_dense() @ P)
    dense = M.to_dense()
    torch.testing.assert_close(dense, dense.mT)
    eigenvalues = torch.linalg.eigvals(dense @ A.to_dense()).real
    assert eigenvalues.max() < 1.5 and (eigenvalues > 1e-3).sum() >= A.shape[0] - (boundary == "periodic")


def test_the_number_of_steps_does_not_depend_on_the_size():
    torch.manual_seed(0)
    counts = []
    for sweeps in (1, 2):
        for n in (16, 31):
            A = solvers.poisson((n, n, n), dtype=F64)
            b = torch.randn(A.shape[0], dtype=F64)
            M = solvers.geometric_multigrid(A, sweeps=sweeps)
            x, report = solvers.cg(A, b, rtol=1e-8, M=M, return_info=True)
            assert (b - A @ x).norm() <= 1e-8 * b.norm()
            looked, other = solvers.cg(A, b, rtol=1e-8, M=M, return_info=True, callback=lambda x: None)
            # the native loop takes the generator's steps
            torch.testing.assert_close(torch.tensor(report.residuals), torch.tensor(other.residuals), rtol=1e-9, atol=0)
            torch.testing.assert_close(x, looked)
            counts.append(report.iterations)
    assert max(counts[:2]) <= 15 and max(counts[2:]) <= 10


def test_gradients_columns_single_precision_and_singular_grids():
    torch.manual_seed(1)
    A = solvers.poisson((9, 10), dtype=F64)
    b, M, found = torch.randn(90, 2, dtype=F64), solvers.geometric_multigrid(A, max_coarse=5), []
    torch.testing.assert_close(M @ b, torch.stack([M @ b[:, 0], M @ b[:, 1]], 1))
    x = torch.randn(90, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: M @ x, (x,)) and torch.autograd.gradgradcheck(lambda x: (M @ x) ** 2, (x,))
    torch.testing.assert_close(torch.vmap(lambda each: M @ each)(b.mT), (M @ b).mT)
    for each in (None, M):
        c = A.coefficients.clone().requires_grad_()
        solvers.cg(A.with_parameters(c), b, rtol=1e-13, M=each).square().sum().backward()
        found.append(c.grad)
    torch.testing.assert_close(*found)
    single = solvers.poisson((30, 31))
    _, report = solvers.cg(single, torch.ones(930), M=solvers.geometric_multigrid(single), return_info=True)
    assert report.converged and report.iterations <= 15
    ring = solvers.poisson((16, 32), boundary="periodic", dtype=F64)
    right = torch.randn(512, dtype=F64)
    right -= right.mean()
    x, report = solvers.cg(ring, right, rtol=1e-9, M=solvers.geometric_multigrid(ring, max_coarse=20), return_info=True)
    assert report.converged and report.iterations <= 15 and (right - ring @ x).norm() <= report.tolerance


def test_what_cannot_be_is_named():
    A = solvers.poisson((5, 5))
    assert "5 × 5" in repr(solvers.geometric_multigrid(A, max_coarse=5))
    with pytest.raises(RuntimeError, match=r"vectors of 25 torch.float32, got \[25\] of torch.float64"):
        solvers.geometric_multigrid(A) @ torch.ones(25, dtype=F64)
    with pytest.raises(TypeError, match="a real Stencil, got Matrix"):
        solvers.geometric_multigrid(solvers.Matrix(torch.eye(3)))
    with pytest.raises(ValueError, match="at least 1 sweep, got 0"):
        solvers.geometric_multigrid(A, sweeps=0)
    with pytest.raises(torch.linalg.LinAlgError, match="not Hermitian"):
        solvers.geometric_multigrid(solvers.Stencil((300,), [(0,), (1,)], torch.tensor([2.0, 1.0])))
    with pytest.raises(torch.linalg.LinAlgError, match="zero in row 0"):
        solvers.geometric_multigrid(solvers.Stencil((300,), [(1,), (-1,)], torch.ones(2)))
    with pytest.raises(torch.linalg.LinAlgError, match="no axis of 70 × 70 points can be coarsened"):
        solvers.geometric_multigrid(solvers.poisson((70, 70), boundary="neumann"))
