"""Conjugate gradients as a native loop: the steps are those that the generator defines."""

import math

import pytest

import lineal as torch
from lineal import solvers
from lineal.codegen.sparse import rows

F64 = torch.float64
FORMS = {
    "stencil": lambda A: A,
    "csr": lambda A: A.to_sparse_csr(),
    "long indices": lambda A: torch.sparse_csr_tensor(
        A.to_sparse_csr().crow_indices().long(), A.to_sparse_csr().col_indices().long(), A.to_sparse_csr().values(), A.shape
    ),
}


def problem(dtype=F64, shape=(7, 9, 11)):
    torch.manual_seed(0)
    A = solvers.poisson(shape, dtype=dtype)
    return A, torch.randn(A.shape[0], dtype=dtype), solvers.Diagonal(0.5 + torch.rand(A.shape[0], dtype=dtype))


def both(A, b, **options):
    """Return what the native loop gives, and what the generator does: where x is looked at after each step."""
    native = solvers.cg(A, b, return_info=True, **options)
    assert solvers.aslinearoperator(A).native_rows() is not None
    return native, solvers.cg(A, b, return_info=True, callback=lambda x: None, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("preconditioned", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_steps_are_those_of_the_generator(form, preconditioned, dtype):
    A, b, M = problem(dtype)
    rtol = 1e-9 if dtype is F64 else 1e-4
    (x, report), (y, wanted) = both(FORMS[form](A), b, rtol=rtol, M=M if preconditioned else None)
    assert report.converged and report.iterations == wanted.iterations
    # rounding of dot products, which n steps amplify
    close = {"rtol": 1e-9, "atol": 0} if dtype is F64 else {"rtol": 1e-2, "atol": 0}
    torch.testing.assert_close(torch.tensor(report.residuals), torch.tensor(wanted.residuals), **close)
    torch.testing.assert_close(x, y)
    assert report.residual == pytest.approx(float((b - A @ x).norm()), rel=1e-3)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_the_size_of_numbers_changes_no_step(factor):
    A, b, M = problem(torch.float32)
    for single in (A, A.to_sparse_csr()):
        _, wanted = solvers.cg(single, b, M=M, return_info=True)
        x, report = solvers.cg(single, b * factor, M=M, return_info=True)
        assert report.converged and report.iterations == wanted.iterations
        torch.testing.assert_close(A @ (x / factor), b, rtol=0, atol=1e-3)
        assert all(math.isfinite(each) for each in report.residuals)


def test_breakdowns_and_limits_are_those_of_the_generator():
    A, b, M = problem()
    negative = solvers.Diagonal(-M.diagonal())
    for matrix, options in ((-1, {}), (1, {"M": negative}), (1, {"maxiter": 3}), (1, {"maxiter": 0}), (1, {"rtol": 1e-30})):
        sparse = A.to_sparse_csr() * matrix
        (x, report), (y, wanted) = both(sparse, b, **options)
        assert (report.status, report.advice) == (wanted.status, wanted.advice)
        assert abs(report.iterations - wanted.iterations) <= (5 if "rtol" in options else 0)
        torch.testing.assert_close(x, y)
    for number in (torch.nan, torch.inf):
        b[3] = number
        assert both(A, b)[0][1].status == "diverged"


def test_beginnings_columns_and_indices_that_were_written_to():
    A, b, _ = problem()
    (x, _), (y, _) = both(A, b, x0=torch.ones_like(b), rtol=1e-10)
    torch.testing.assert_close(x, y)
    X = solvers.cg(A, torch.stack([b, 2 * b], 1), rtol=1e-10)
    torch.testing.assert_close(X, torch.stack([x, 2 * x], 1))
    sparse = A.to_sparse_csr()
    sparse.col_indices()[5] = 10**6
    with pytest.raises(RuntimeError, match="indices of a sparse tensor are out of range"):
        solvers.cg(sparse, b, return_info=True)


def test_a_preconditioner_of_another_dtype_is_taken():
    A, b, M = problem()
    (x, _), (y, _) = both(A, b, M=solvers.Diagonal(M.diagonal().float()), rtol=1e-9)
    torch.testing.assert_close(x, y)
    torch.testing.assert_close(x, solvers.cg(A, b, M=M, rtol=1e-9))


def test_long_rows_are_summed_side_by_side():
    torch.manual_seed(1)
    B = torch.randn(40, 40, dtype=F64)
    A, b = (B @ B.mT / 40 + torch.eye(40, dtype=F64)).to_sparse_csr(), torch.randn(40, dtype=F64)
    assert solvers.Matrix(A).native_rows().form.long
    (x, report), (y, wanted) = both(A, b, rtol=1e-10)
    torch.testing.assert_close(torch.tensor(report.residuals), torch.tensor(wanted.residuals), rtol=1e-6, atol=0)
    torch.testing.assert_close(x, y)


def test_sums_do_not_depend_on_how_many_threads_there_are(monkeypatch):
    monkeypatch.setattr(rows, "WORTH_LINES", 0)
    A, b, M = problem(shape=(12, 13, 40))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append([solvers.cg(each, b, rtol=1e-8, M=M, return_info=True) for each in (A, A.to_sparse_csr())])
    finally:
        torch.set_num_threads(before)
    for (x, report), (y, other) in zip(*found):
        assert torch.equal(x, y) and report.residuals == other.residuals
