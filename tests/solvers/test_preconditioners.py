"""Preconditioners: what they are made of, their adjoints, and that they help."""

import itertools

import numpy as np
import pytest

import lineal as torch
from lineal import solvers
from lineal.solvers import preconditioners

F64 = torch.float64


def grid(n, shift=0.0):
    """Return the five-point Laplacian of an n × n grid, with first differences in one direction."""
    one = torch.eye(n, dtype=F64)
    above = torch.diag(torch.ones(n - 1, dtype=F64), 1)
    line = 2 * one - above - above.mT
    return (torch.kron(line + shift * (above - above.mT), one) + torch.kron(one, line)).to_sparse_csr()


def turned(A):
    """Return U A Uᴴ, complex, for a unitary diagonal U."""
    u = torch.exp(1j * torch.arange(len(A), dtype=F64)).to(A.dtype)
    return (u.unsqueeze(1) * A.to_dense() * u.conj()).to_sparse_csr()


MAKERS = {
    "jacobi": preconditioners.jacobi,
    "block_jacobi": lambda A: preconditioners.block_jacobi(A, 12),
    "ssor": preconditioners.ssor,
    "polynomial": preconditioners.polynomial,
    "coloured ssor": lambda A: preconditioners.ssor(A, coloured=True),
    "chebyshev": preconditioners.chebyshev,
    "ilu": preconditioners.ilu,
    "ilu(1)": lambda A: preconditioners.ilu(A, 1),
    "ilut": preconditioners.ilut,
    "ic": preconditioners.ic,
    "ic(2)": lambda A: preconditioners.ic(A, 2),
    "fsai": preconditioners.fsai,
    "spai": lambda A: preconditioners.spai(A, 2),
    "additive_schwarz": lambda A: preconditioners.additive_schwarz(A, 3),
    "restricted_schwarz": lambda A: preconditioners.additive_schwarz(A, 3, restricted=True, local=preconditioners.ilu),
    "multigrid": lambda A: solvers.smoothed_aggregation(A, max_coarse=5, smoother="gauss_seidel"),
    "factorized": solvers.factorized,
}
HERMITIAN = ("chebyshev", "ic", "ic(2)", "fsai", "multigrid")
"""Those of Hermitian matrices alone."""
POSITIVE = (*HERMITIAN, "jacobi", "block_jacobi", "ssor", "coloured ssor", "polynomial", "additive_schwarz", "factorized")
"""Those that are Hermitian positive definite where A is."""


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("name", MAKERS)
def test_adjoints_and_products_agree(name, dtype):
    torch.manual_seed(0)
    A = grid(4, 0.0 if name in HERMITIAN else 0.3).to(dtype)
    if dtype.is_complex:
        A = turned(A)
    M = MAKERS[name](A)
    x, y = torch.randn(16, dtype=dtype), torch.randn(16, dtype=dtype)
    torch.testing.assert_close(torch.vdot(M @ x, y), torch.vdot(x, M.H @ y), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(M @ torch.stack([x, y], 1), torch.stack([M @ x, M @ y], 1))
    dense = M.to_dense()
    torch.testing.assert_close(M.H.to_dense(), dense.mH)
    assert not dense.requires_grad


@pytest.mark.parametrize("name", MAKERS)
def test_steps_are_saved(name):
    torch.manual_seed(3)
    A, b = grid(12), torch.randn(144, dtype=F64)
    plain = solvers.cg(A, b, rtol=1e-10, return_info=True)[1]
    helped = solvers.gmres(A, b, rtol=1e-10, restart=100, M=MAKERS[name](A), return_info=True)[1]
    assert helped.converged
    # a constant diagonal changes nothing
    assert helped.iterations < plain.iterations or name == "jacobi"
    if name in POSITIVE:
        assert (
            solvers.cg(A, b, rtol=1e-10, M=MAKERS[name](A), return_info=True)[1].iterations < plain.iterations
            or name == "jacobi"
        )


SOLVERS = {
    "cg": solvers.cg,
    "minres": solvers.minres,
    "gmres": lambda A, b, **options: solvers.gmres(A, b, restart=40, **options),
    "fgmres": lambda A, b, **options: solvers.gmres(A, b, restart=40, flexible=True, **options),
    "bicgstab": solvers.bicgstab,
    "idrs": solvers.idrs,
}


KINDS = ("Poisson", "complex", "anisotropic", "wind")


@pytest.mark.parametrize(
    ("name", "kind"), [each for each in itertools.product(MAKERS, KINDS) if each[1] != "wind" or each[0] not in HERMITIAN]
)
def test_every_solver_takes_it(name, kind):
    scale = torch.diag(torch.logspace(0, 2, 36, dtype=F64)) if kind == "anisotropic" else torch.eye(36, dtype=F64)
    A = (scale @ grid(6, 0.6 if kind == "wind" else 0.0).to_dense() @ scale).to_sparse_csr()
    A = turned(A.to(torch.complex128)) if kind == "complex" else A
    torch.manual_seed(4)
    M, b = MAKERS[name](A), torch.randn(36, dtype=A.dtype)
    for solver, solve in SOLVERS.items():
        if solver in ("cg", "minres") and (kind == "wind" or name not in POSITIVE):
            continue
        x, report = solve(A, b, M=M, rtol=1e-9, return_info=True)
        # what is called solved is solved
        assert report.converged and (b - A @ x).norm() <= 1e-9 * b.norm(), (solver, report)


def test_incomplete_factors_agree_with_the_matrix_at_its_places():
    torch.manual_seed(1)
    A = torch.where(torch.rand(20, 20, dtype=F64) < 0.2, torch.randn(20, 20, dtype=F64), 0.0) + 10 * torch.eye(20, dtype=F64)
    product = preconditioners.ilu(A.to_sparse_csr()).to_dense().inverse()
    torch.testing.assert_close(torch.where(A != 0, product, 0.0), A)
    symmetric = A + A.mT
    product = preconditioners.ic(symmetric.to_sparse_csr()).to_dense().inverse()
    torch.testing.assert_close(torch.where(symmetric != 0, product, 0.0), symmetric)


def test_without_fill_the_incomplete_factors_are_the_factors():
    A = torch.diag(torch.arange(3.0, 8)) - torch.diag(torch.ones(4), 1) - torch.diag(torch.ones(4), -1)
    torch.testing.assert_close(preconditioners.ilu(A.to_sparse_csr()) @ (A @ torch.ones(5)), torch.ones(5))
    torch.testing.assert_close(preconditioners.ic(A.to_sparse_csr()) @ (A @ torch.ones(5)), torch.ones(5))


def test_blocks_are_inverted():
    torch.manual_seed(2)
    A = torch.randn(7, 7, dtype=F64) + 5 * torch.eye(7, dtype=F64)
    mask = torch.arange(7) // 3 == (torch.arange(7) // 3).unsqueeze(1)
    wanted = torch.where(mask, A, 0.0).inverse()
    for given in (A, A.to_sparse_csr()):
        torch.testing.assert_close(preconditioners.block_jacobi(given, 3).to_dense(), wanted)


def test_gradients_pass_by():
    A = grid(4).requires_grad_()
    b = torch.ones(16, dtype=F64)
    gradients = []
    for M in (None, preconditioners.ic(A)):
        A.grad = None
        solvers.cg(A, b, rtol=1e-13, M=M).square().sum().backward()
        gradients.append(A.grad.to_dense())
    torch.testing.assert_close(*gradients)


def test_unordered_indices_and_both_widths_are_taken():
    A = grid(3)
    pointers, columns, values = (each.numpy() for each in (A.crow_indices(), A.col_indices(), A.values()))
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in itertools.pairwise(pointers)])
    for width in (torch.int32, torch.int64):
        turned = torch.sparse_csr_tensor(
            torch.tensor(pointers).to(width), torch.tensor(columns[order]).to(width), torch.tensor(values[order]), (9, 9)
        )
        torch.testing.assert_close(preconditioners.ilu(turned).to_dense(), preconditioners.ilu(A).to_dense())


def test_what_has_no_factors_is_named():
    with pytest.raises(torch.linalg.LinAlgError, match="no entry on the diagonal in row 1"):
        preconditioners.ilu(torch.tensor([[1.0, 2.0], [3.0, 0.0]]).to_sparse_csr())
    with pytest.raises(torch.linalg.LinAlgError, match="pivot of row 1 is zero, or no number"):
        preconditioners.ilu(torch.ones(2, 2).to_sparse_csr())
    with pytest.raises(torch.linalg.LinAlgError, match="not symmetric: use ilu"):
        preconditioners.ic(grid(3, 0.5))
    with pytest.raises(torch.linalg.LinAlgError, match="is it definite"):
        preconditioners.ic((-grid(3).to_dense()).to_sparse_csr())
    with pytest.warns(UserWarning, match="of the diagonal was added"):
        preconditioners.ic(torch.tensor([[1.0, 1.0], [1.0, 1.0]]).to_sparse_csr())
    with pytest.raises(NotImplementedError, match=r"got torch\.int64"):
        preconditioners.ilu(torch.eye(2, dtype=torch.int64).to_sparse_csr())
    with pytest.raises(ValueError, match="blocksize of at least 1, got 0"):
        preconditioners.block_jacobi(torch.eye(2), 0)
    with pytest.raises(torch.linalg.LinAlgError, match="block_jacobi: the block of rows 3 to 4 of A is singular"):
        preconditioners.block_jacobi(torch.diag(torch.tensor([1.0, 1, 1, 0, 1])), 3)
    with pytest.raises(ValueError, match="level of at least 0, got -1"):
        preconditioners.ilu(grid(2), -1)
    with pytest.raises(torch.linalg.LinAlgError, match="fsai: A is not positive definite, as row 1 shows"):
        preconditioners.fsai(torch.tensor([[1.0, 2.0], [2.0, 1.0]]).to_sparse_csr())
    with pytest.raises(torch.linalg.LinAlgError, match="that column 0 of its inverse takes are dependent"):
        preconditioners.spai(torch.ones(2, 2).to_sparse_csr())
    with pytest.raises(torch.linalg.LinAlgError, match="chebyshev: A is not Hermitian"):
        preconditioners.chebyshev(grid(3, 0.5))
    with pytest.raises(ValueError, match="exactly once, but unknown 1 is in 2"):
        preconditioners.additive_schwarz(torch.eye(3).to_sparse_csr(), [torch.tensor([0, 1]), torch.tensor([1, 2])])
    with pytest.raises(torch.linalg.LinAlgError, match="splu: Factor is exactly singular"):
        preconditioners.additive_schwarz(torch.zeros(3, 3).to_sparse_csr(), 1)


@pytest.mark.parametrize("dtype", [F64, torch.complex128])
def test_levels_of_fill_are_those_of_elimination(dtype):
    torch.manual_seed(4)
    A = torch.where(torch.rand(30, 30) < 0.07, torch.randn(30, 30, dtype=dtype), 0) + 5 * torch.eye(30, dtype=dtype)
    for level in range(4):
        # Saad, algorithm 10.5: an entry has the least sum of the levels of those it is made of, and one
        levels = np.where(A.numpy() != 0, 0, 99)
        for row, before in itertools.product(range(30), range(30)):
            if before < row and levels[row, before] <= level:
                behind = slice(before + 1, None)
                levels[row, behind] = np.minimum(levels[row, behind], levels[row, before] + levels[before, behind] + 1)
            levels[row][levels[row] > level] = 99 if before == 29 else levels[row][levels[row] > level]
        there = torch.tensor(levels <= level)
        M = preconditioners.ilu(A.to_sparse_csr(), level)
        product = M.to_dense().inverse()
        torch.testing.assert_close(torch.where(there, product, 0), torch.where(there, A, 0))
        lower = M.parts[1].matrix
        assert lower._nnz() == int(there.sum())
        hermitian = A + A.mH
        torch.testing.assert_close(
            torch.where(hermitian != 0, preconditioners.ic(hermitian.to_sparse_csr(), level).to_dense().inverse(), 0), hermitian
        )
    torch.testing.assert_close(preconditioners.ilu(A.to_sparse_csr(), 30).to_dense(), A.inverse())


def test_what_is_added_to_a_diagonal_is_hardly_more_than_is_needed():
    # Kershaw's matrix (1978): definite, and IC(0) has a pivot of −5
    A = torch.tensor([[3.0, -2, 0, 2], [-2, 3, -2, 0], [0, -2, 3, -2], [2, 0, -2, 3]], dtype=F64)
    with pytest.warns(torch.IllConditionedWarning, match="was added") as caught:
        preconditioners.ic(A.to_sparse_csr())
    shift = float(str(caught[0].message).split("ic: ")[1].split(" of")[0])
    assert 0 < shift < 0.5
    half, whole = (A + torch.diag(part * shift * A.diagonal()) for part in (0.5, 1.0))
    with pytest.warns(torch.IllConditionedWarning):
        preconditioners.ic(half.to_sparse_csr())
    preconditioners.ic(whole.to_sparse_csr())


def test_approximate_inverses_are_the_best_of_their_pattern():
    torch.manual_seed(6)
    A = torch.where(torch.rand(12, 12) < 0.2, torch.randn(12, 12, dtype=F64), 0) + 4 * torch.eye(12, dtype=F64)
    M = preconditioners.spai(A.to_sparse_csr()).to_dense()
    # the gradient of ‖A M − I‖² is zero where M has entries
    gradient = A.mT @ (A @ M - torch.eye(12, dtype=F64))
    torch.testing.assert_close(torch.where(A != 0, gradient, 0), torch.zeros(12, 12, dtype=F64))
    assert not M[A == 0].any()
    S = (A @ A.mT).tril(2).triu(-2) + torch.eye(12, dtype=F64)
    M = preconditioners.fsai(S.to_sparse_csr())
    G = M.parts[1].to_dense()
    torch.testing.assert_close((G @ S @ G.mT).diagonal(), torch.ones(12, dtype=F64))
    torch.testing.assert_close(torch.where((S != 0).tril(-1), G @ S, 0), torch.zeros(12, 12, dtype=F64))
    # with the whole pattern they are the inverse
    for make in (preconditioners.spai, preconditioners.fsai):
        torch.testing.assert_close(make(S.to_sparse_csr(), 12).to_dense(), S.inverse())


def test_domains_are_solved_exactly_and_put_together():
    A = grid(4, 0.3)
    domains = [torch.arange(16)[torch.arange(16) % 3 == n] for n in range(3)]
    wanted = torch.zeros(16, 16, dtype=F64)
    for each in domains:
        wanted[each.unsqueeze(1), each] = A.to_dense()[each.unsqueeze(1), each].inverse()
    torch.testing.assert_close(preconditioners.additive_schwarz(A, domains, overlap=0).to_dense(), wanted)
    whole = preconditioners.additive_schwarz(A, domains, overlap=8, restricted=True).to_dense()
    torch.testing.assert_close(whole, A.to_dense().inverse())


def test_a_system_without_unknowns_has_preconditioners():
    empty = torch.zeros(0, 0, dtype=F64).to_sparse_csr()
    for make in (preconditioners.ilu, preconditioners.ic, preconditioners.fsai, preconditioners.spai):
        assert make(empty).product(torch.zeros(0, dtype=F64)).shape == (0,)
