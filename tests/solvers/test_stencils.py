"""Stencils: products, adjoints and derivatives are those of the matrix, whatever is beyond the border."""

import itertools

import numpy as np
import pytest

import lineal as torch
from lineal import solvers

F64, C128 = torch.float64, torch.complex128
NEAR = {1: [(0,), (-1,), (2,)], 2: [(0, 0), (1, 0), (-1, 1), (0, -2)], 3: [(0, 0, 0), (0, 0, 1), (-1, 1, -1), (1, 0, 0)]}
BOUNDARIES = ["dirichlet", "neumann", "periodic"]


def drawn(shape, boundary, varies=False, dtype=F64):
    offsets = NEAR[len(shape)]
    return solvers.Stencil(shape, offsets, torch.randn(len(offsets), *(shape if varies else ()), dtype=dtype), boundary)


def beyond(place, size, boundary):
    """Return where a place along an axis is read, or None."""
    if 0 <= place < size:
        return place
    return {"dirichlet": None, "periodic": place % size, "neumann": -1 - place if place < 0 else 2 * size - 1 - place}[boundary]


def dense(A):
    """Return the matrix, entry by entry."""
    shape, offsets, boundaries = A.grid
    matrix, c = np.zeros(A.shape, np.complex128), A.coefficients.numpy()
    for i, point in enumerate(np.ndindex(*shape)):
        for k, offset in enumerate(offsets):
            there = [beyond(p + o, n, b) for p, o, n, b in zip(point, offset, shape, boundaries)]
            if None not in there:
                matrix[i, np.ravel_multi_index(there, shape)] += c[(k, *point) if c.ndim > 1 else k]
    return torch.from_numpy(matrix if A.dtype.is_complex else matrix.real)


SHAPES = [(2,), (40,), (3, 5), (2, 33), (2, 2, 19)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("varies", [False, True])
def test_products_are_those_of_the_matrix(shape, varies):
    torch.manual_seed(0)
    for boundary in itertools.product(BOUNDARIES, repeat=len(shape)):
        A = drawn(shape, boundary, varies)
        matrix = dense(A)
        x = torch.randn(A.shape[1], 3, dtype=F64)
        for operator, wanted in ((A, matrix), (A.H, matrix.mH), (A.H.H, matrix)):
            torch.testing.assert_close(operator @ x, wanted @ x)
            torch.testing.assert_close(operator @ x[:, 0], wanted @ x[:, 0])
        torch.testing.assert_close(A.diagonal(), matrix.diagonal())
        sparse = A.to_sparse_csr()
        assert sparse.crow_indices().dtype is sparse.col_indices().dtype is torch.int32 and sparse.pattern.is_canonical()
        torch.testing.assert_close(sparse.to_dense(), matrix)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("dtype", [torch.float32, C128, torch.complex64])
def test_other_dtypes(boundary, dtype):
    torch.manual_seed(1)
    for varies in (False, True):
        A = drawn((3, 18), boundary, varies, dtype)
        x = torch.randn(54, 2, dtype=dtype)
        torch.testing.assert_close(A @ x, dense(A).to(dtype) @ x)
        torch.testing.assert_close(A.H @ x, dense(A).to(dtype).mH @ x)


@pytest.mark.parametrize("boundary", [*BOUNDARIES, ("neumann", "periodic")])
@pytest.mark.parametrize("varies", [False, True])
def test_products_have_derivatives_to_second_order(boundary, varies):
    torch.manual_seed(2)
    A = drawn((2, 3), boundary, varies)
    c, x = A.coefficients.clone().requires_grad_(), torch.randn(6, dtype=F64, requires_grad=True)

    def product(c, x):
        return A.with_parameters(c) @ x

    assert torch.autograd.gradcheck(product, (c, x)) and torch.autograd.gradgradcheck(product, (c, x))
    assert torch.autograd.gradcheck(lambda c, x: A.with_parameters(c).H @ x, (c, x))
    assert torch.autograd.gradcheck(lambda c: A.with_parameters(c).to_sparse_csr().to_dense(), (c,))
    assert torch.autograd.gradcheck(product, (c, torch.stack([x.detach(), -x.detach()], 1).requires_grad_()))


def test_batched_and_compiled_products_are_the_eager_ones():
    torch.manual_seed(3)
    A = drawn((4, 5), "dirichlet")
    x = torch.randn(3, 20, dtype=F64)
    wanted = torch.stack([A @ each for each in x])
    torch.testing.assert_close(torch.vmap(lambda each: A @ each)(x), wanted)
    compiled = torch.compile(lambda c, x: (A.with_parameters(c) @ x).sin().sum())
    for _ in range(3):
        c = A.coefficients.clone().requires_grad_()
        compiled(c, x[0]).backward()
        again = A.coefficients.clone().requires_grad_()
        (A.with_parameters(again) @ x[0]).sin().sum().backward()
        torch.testing.assert_close(c.grad, again.grad)


@pytest.mark.parametrize("shape", [(6,), (4, 5), (3, 4, 5)])
def test_poisson_is_solved_and_its_solution_differentiated(shape):
    torch.manual_seed(4)
    A = solvers.poisson(shape, spacing=[0.5] * len(shape), dtype=F64)
    b = torch.randn(A.shape[0], dtype=F64)
    matrix = A.to_dense()
    torch.testing.assert_close(matrix, matrix.mT)
    gradients = []
    for form in ("stencil", "dense"):
        c = A.coefficients.clone().requires_grad_()
        operator = A.with_parameters(c)
        if form == "dense":
            x = torch.linalg.solve(operator.to_dense(), b)
        else:
            x = solvers.cg(operator, b, rtol=1e-13, M=solvers.preconditioners.jacobi(operator))
        (first,) = torch.autograd.grad(x.square().sum(), c, create_graph=True)
        first.square().sum().backward()
        gradients.append(torch.stack([first.detach(), c.grad]))
    torch.testing.assert_close(*gradients)


def test_batched_and_compiled_solves_are_the_eager_ones():
    torch.manual_seed(6)
    A = solvers.poisson((4, 5), dtype=F64)
    M, B = solvers.geometric_multigrid(A, max_coarse=3), torch.randn(3, 20, dtype=F64)

    def loss(c, b):
        return solvers.cg(A.with_parameters(c), b, rtol=1e-12, M=M).square().sum()

    wanted = torch.stack([loss(A.coefficients, b) for b in B])
    torch.testing.assert_close(torch.vmap(loss, (None, 0))(A.coefficients, B), wanted)
    slopes = torch.func.grad(loss)(A.coefficients, B[0])
    torch.testing.assert_close(torch.vmap(torch.func.grad(loss), (None, 0))(A.coefficients, B)[0], slopes)
    compiled = torch.compile(loss)
    for _ in range(3):
        c = A.coefficients.clone().requires_grad_()
        value = compiled(c, B[0])
        value.backward()
        torch.testing.assert_close(value.detach(), wanted[0])
        torch.testing.assert_close(c.grad, slopes)


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_the_constant_vector_is_in_the_null_space_without_a_fixed_border(boundary):
    A = solvers.poisson((5, 7), boundary=boundary)
    assert not (A @ torch.ones(35)).any()
    torch.testing.assert_close(A.to_dense(), A.to_dense().mT)
    b = torch.randn(35)
    x, report = solvers.cg(A, b - b.mean(), return_info=True)
    assert report.converged and (b - b.mean() - A @ x).norm() <= report.tolerance


def test_every_method_and_other_preconditioners_take_stencils():
    torch.manual_seed(5)
    A = solvers.poisson((6, 6), dtype=F64)
    b = torch.randn(36, dtype=F64)
    wanted = torch.linalg.solve(A.to_dense(), b)
    methods = [
        solvers.cg, solvers.minres, solvers.gmres, solvers.bicgstab, solvers.idrs, solvers.jacobi, solvers.gauss_seidel,
        solvers.chebyshev, solvers.spsolve, solvers.solve,
    ]  # fmt: skip
    for method in methods:
        torch.testing.assert_close(method(A, b, rtol=1e-10, maxiter=2000), wanted)
    for M in (
        solvers.preconditioners.ic(A),
        solvers.preconditioners.polynomial(A, 2),
        solvers.smoothed_aggregation(A, max_coarse=5),
    ):
        torch.testing.assert_close(solvers.cg(A, b, rtol=1e-10, M=M), wanted)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_lines_of_several_segments(boundary):
    torch.manual_seed(7)
    x, c = np.random.default_rng(0).standard_normal(9001), [0.5, -2.0, 3.0]
    A = solvers.Stencil((9001,), [(-2,), (0,), (1,)], torch.tensor(c, dtype=F64), boundary)
    padded = np.pad(x, 2, {"dirichlet": "constant", "neumann": "symmetric", "periodic": "wrap"}[boundary])
    wanted = c[0] * padded[:-4] + c[1] * x + c[2] * padded[3:-1]
    np.testing.assert_allclose((A @ torch.from_numpy(x)).numpy(), wanted, rtol=1e-13, atol=1e-13)


def test_nothing_spreads_over_a_border_and_empty_grids_are_taken():
    A = solvers.poisson((3, 3, 9))
    x = torch.zeros(81)
    x[0] = torch.inf
    assert torch.equal((A @ x).isfinite(), (A.to_dense() != 0)[:, 0].logical_not())
    assert (solvers.poisson((0, 3)) @ torch.ones(0)).shape == (0,)


def test_what_does_not_fit_is_named():
    c = torch.ones(2)
    with pytest.raises(ValueError, match="one of dirichlet, neumann, periodic for 1 axes, got 'open'"):
        solvers.Stencil((3,), [(0,), (1,)], c, "open")
    with pytest.raises(RuntimeError, match=r"1 to 3 axes and offsets for each, got shape \[3, 3\]"):
        solvers.Stencil((3, 3), [(0,), (1,)], c)
    with pytest.raises(RuntimeError, match=r"is longer than the grid \[3\]"):
        solvers.Stencil((3,), [(0,), (4,)], c)
    with pytest.raises(RuntimeError, match=r"coefficients of shape \[2\] or \[2, 3\], got \[3\]"):
        solvers.Stencil((3,), [(0,), (1,)], torch.ones(3))
    with pytest.raises(RuntimeError, match=r"float32, float64 or complex coefficients, got torch\.int64"):
        solvers.Stencil((3,), [(0,), (1,)], torch.tensor([1, 2]))
    with pytest.raises(ValueError, match="positive spacing for each of 2 axes"):
        solvers.poisson((3, 3), spacing=[1.0, 0.0])
    with pytest.raises(RuntimeError, match=r"Stencil: expected vectors of 3 torch.float32, got \[3\] of torch.float64"):
        solvers.Stencil((3,), [(0,), (1,)], c) @ torch.ones(3, dtype=F64)
    with pytest.raises(RuntimeError, match=r"vector or a matrix of 3 rows, got \[2\]"):
        solvers.Stencil((3,), [(0,), (1,)], c) @ c
