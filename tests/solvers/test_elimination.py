"""Sparse elimination, and which method is taken if nobody says."""

import pytest

import lineal as torch
from lineal import solvers
from lineal.solvers import direct

F64 = torch.float64


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.complex128])
def test_sparse_systems_are_solved_to_rounding(dtype):
    torch.manual_seed(0)
    A = torch.where(torch.rand(40, 40) < 0.1, torch.randn(40, 40, dtype=dtype), 0) + 4 * torch.eye(40, dtype=dtype)
    b = torch.randn(40, 2, dtype=dtype)
    x, report = solvers.spsolve(A.to_sparse_csr(), b, return_info=True)
    assert report.converged and report.method == "SuperLU"
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=1e-4 if dtype == torch.float32 else 1e-10, atol=1e-5)


def test_elimination_has_derivatives():
    torch.manual_seed(1)
    A, b = (torch.randn(4, 4, dtype=F64) + 4 * torch.eye(4)).requires_grad_(), torch.randn(4, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda A, b: solvers.spsolve(A.to_sparse_csr(), b), (A, b))
    assert torch.autograd.gradgradcheck(lambda A, b: solvers.spsolve(A.to_sparse_csr(), b), (A, b))


def test_a_singular_matrix_is_named():
    with pytest.raises(solvers.ConvergenceError, match="singular"):
        solvers.spsolve(torch.ones(2, 2).to_sparse_csr(), torch.tensor([1.0, 2.0]))


def test_few_right_digits_are_told_though_the_residual_is_small():
    n = torch.arange(14.0, dtype=F64)
    H = (1 / (n + n.unsqueeze(1) + 1)).to_sparse_csr()
    with pytest.warns(UserWarning, match="the condition number of A is about"):
        solvers.spsolve(H, torch.ones(14, dtype=F64), return_info=True)
    with torch.linalg.set_conditioning("error"), pytest.raises(torch.linalg.LinAlgError, match="condition number"):
        solvers.spsolve(H, torch.ones(14, dtype=F64))


def test_a_matrix_is_factored_once_for_all_columns(monkeypatch):
    factored, splu = [], direct.scipy_solvers.splu
    monkeypatch.setattr(direct.scipy_solvers, "splu", lambda A: factored.append(A) or splu(A))
    A, b = torch.eye(5, dtype=F64).to_sparse_csr(), torch.ones(5, 4, dtype=F64)
    assert torch.equal(solvers.spsolve(A, b), b) and len(factored) == 1


def test_the_report_says_which_method_was_taken():
    torch.manual_seed(2)
    B, b = torch.randn(6, 6, dtype=F64) + 5 * torch.eye(6, dtype=F64), torch.ones(6, dtype=F64)
    S = B @ B.mT
    taken = {"SuperLU": B.to_sparse_csr(), "CG": S, "GMRES": B}
    for name, A in taken.items():
        x, report = solvers.solve(A, b, return_info=True)
        assert report.method == name and report.converged
        dense = A if isinstance(A, torch.Tensor) and not A.is_sparse_csr else A.to_dense()
        assert (b - dense @ x).norm() <= 1e-5 * b.norm()
    assert solvers.solve(S.to_sparse_csr(), b, M=solvers.Diagonal(1 / S.diagonal()), return_info=True)[1].method == "CG"
    operator = solvers.FunctionOperator((6, 6), lambda x, S: S @ x, None, (S,))
    assert solvers.solve(operator, b, return_info=True)[1].method == "CG"
    assert solvers.solve(operator @ solvers.Matrix(B), b, return_info=True)[1].method == "GMRES"
