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


MAKERS = {
    "jacobi": preconditioners.jacobi,
    "block_jacobi": lambda A: preconditioners.block_jacobi(A, 12),
    "ssor": preconditioners.ssor,
    "polynomial": preconditioners.polynomial,
    "ilu": preconditioners.ilu,
    "ilut": preconditioners.ilut,
    "ic": preconditioners.ic,
}


@pytest.mark.parametrize("name", MAKERS)
def test_adjoints_and_products_agree(name):
    torch.manual_seed(0)
    A = grid(4, 0.0 if name == "ic" else 0.3)
    M = MAKERS[name](A)
    x, y = torch.randn(16, dtype=F64), torch.randn(16, dtype=F64)
    torch.testing.assert_close((M @ x) @ y, x @ (M.H @ y))
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
    if name in ("ic", "ssor"):
        assert solvers.cg(A, b, rtol=1e-10, M=MAKERS[name](A), return_info=True)[1].iterations < plain.iterations


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
    with pytest.raises(NotImplementedError, match=r"got torch\.complex64"):
        preconditioners.ilu(torch.eye(2, dtype=torch.complex64).to_sparse_csr())
    with pytest.raises(ValueError, match="blocksize of at least 1, got 0"):
        preconditioners.block_jacobi(torch.eye(2), 0)
