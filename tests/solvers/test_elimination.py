"""Sparse elimination, and which method is taken if nobody says."""

import pytest

import lineal as torch
from lineal import solvers
from lineal.solvers import eliminations

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


def counting(monkeypatch):
    """Return the list of matrices that SuperLU factors from now on."""
    factored, splu = [], eliminations.scipy_solvers.splu
    monkeypatch.setattr(eliminations.scipy_solvers, "splu", lambda A: factored.append(A) or splu(A))
    return factored


def test_a_matrix_is_factored_once_for_all_columns(monkeypatch):
    counted = counting(monkeypatch)
    A, b = torch.eye(5, dtype=F64).to_sparse_csr(), torch.ones(5, 4, dtype=F64)
    assert torch.equal(solvers.spsolve(A, b, by="SuperLU"), b) and len(counted) == 1


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


def of_structure(name, dtype, n=24):
    """Return a regular matrix of a structure."""
    torch.manual_seed(3)
    B = torch.randn(n, n, dtype=dtype)
    D = torch.diag(torch.arange(1, n + 1).to(dtype))
    band = B.tril(1).triu(-2) + 4 * torch.eye(n, dtype=dtype)
    return {
        "diagonal": D,
        "triangular": B.tril(-1) / n + D,
        "upper": B.triu(1) / n + D,
        "banded Cholesky": band.tril().triu(-2) @ band.tril().triu(-2).mH / n + D,
        "banded LU": band,
    }[name]


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("form", ["csr", "coo", "strided"])
@pytest.mark.parametrize("name", ["diagonal", "triangular", "upper", "banded Cholesky", "banded LU"])
def test_structure_is_seen_and_used(name, form, dtype):
    A = of_structure(name, dtype)
    given = {"csr": A.to_sparse_csr, "coo": A.to_sparse, "strided": lambda: A}[form]()
    b = torch.randn(24, 2, dtype=dtype)
    x, report = solvers.solve(given, b, return_info=True)
    assert report.converged and report.method == ("triangular" if name == "upper" else name)
    few = dtype in (torch.float32, torch.complex64)
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=1e-3 if few else 1e-9, atol=1e-3 if few else 1e-9)
    F = solvers.factorized(given)
    torch.testing.assert_close(torch.vdot(F @ b[:, 0], b[:, 1]), torch.vdot(b[:, 0], F.H @ b[:, 1]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["diagonal", "triangular", "banded Cholesky", "banded LU"])
def test_structured_solves_have_derivatives(name):
    A = of_structure(name, F64, 4).to_sparse_csr().requires_grad_()
    b = torch.randn(4, dtype=F64, requires_grad=True)

    def solve(entries, b):
        given = torch.sparse_csr_tensor(A.crow_indices(), A.col_indices(), entries, A.shape)
        if name == "banded Cholesky":
            given = (given.to_dense() + given.to_dense().mT).to_sparse_csr()
        return solvers.spsolve(given, b, by=name)

    entries = A.detach().values().requires_grad_()
    assert torch.autograd.gradcheck(solve, (entries, b))
    assert torch.autograd.gradgradcheck(solve, (entries, b))


def test_what_a_structure_hides_is_named():
    zero = torch.diag(torch.tensor([1.0, 0, 2])).to_sparse_csr()
    with pytest.raises(solvers.ConvergenceError, match="SuperLU: singular"):
        solvers.spsolve(zero, torch.ones(3))
    with pytest.raises(torch.linalg.LinAlgError, match="factorized: the diagonal is zero in row 1"):
        solvers.factorized(zero, "diagonal")
    with pytest.raises(ValueError, match="Direct: banded Cholesky is not for this matrix"):
        solvers.spsolve(torch.tensor([[1.0, 2.0], [0.0, 1.0]]).to_sparse_csr(), torch.ones(2), by="banded Cholesky")
    with pytest.raises(ValueError, match=r"expected one of diagonal, .*, got 'LU'"):
        solvers.spsolve(zero, torch.ones(3), by="LU")
    with pytest.raises(RuntimeError, match="factorized: expected a square matrix"):
        solvers.factorized(torch.ones(2, 3).to_sparse_csr())
    # of positive diagonal, but not definite: the next one is taken
    A = of_structure("banded LU", F64)
    indefinite = (A + A.mT).fill_diagonal_(0.1).to_sparse_csr()
    assert solvers.spsolve(indefinite, A[0], return_info=True)[1].method == "banded LU"


def test_as_small_a_residual_as_rounding_leaves_is_enough():
    n = 20_000
    ones = torch.ones(n, dtype=F64)
    line = torch.sparse.spdiags(torch.stack([-ones, 2 * ones, -ones]), torch.tensor([-1, 0, 1]), (n, n)).to_sparse_csr()
    # the solution is some 10⁸ times b, and the residual is of its rounding
    x, report = solvers.spsolve(line, ones, return_info=True)
    assert report.converged and report.residual > 1e-12 * float(ones.norm())
    torch.testing.assert_close(x.max(), torch.tensor(n * (n + 2) / 8, dtype=F64), rtol=1e-6, atol=0)
    with pytest.raises(solvers.ConvergenceError, match="stagnated"):
        solvers.spsolve(line, ones, rtol=1e-14)


def test_factors_are_kept_for_solves_and_for_derivatives(monkeypatch):
    torch.manual_seed(4)
    counted = counting(monkeypatch)
    dense = torch.where(torch.rand(9, 9) < 0.4, torch.randn(9, 9, dtype=F64), 0) + 4 * torch.eye(9, dtype=F64)
    A = dense.to_sparse_csr().requires_grad_()
    b = torch.randn(9, dtype=F64, requires_grad=True)
    F = solvers.splu(A)
    assert "SuperLU" in repr(F)
    x = F @ b
    torch.testing.assert_close(F.solve(F.H @ b), torch.linalg.solve(dense, torch.linalg.solve(dense.mT, b)))
    (g,) = torch.autograd.grad(x.square().sum(), b, create_graph=True)
    g.square().sum().backward()
    assert len(counted) == 1
    wanted = A.detach().clone().requires_grad_()
    c = b.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(solvers.spsolve(wanted, c).square().sum(), c, create_graph=True)
    g.square().sum().backward()
    torch.testing.assert_close(A.grad.to_dense(), wanted.grad.to_dense())
    torch.testing.assert_close(b.grad, c.grad)
    assert torch.autograd.gradcheck(lambda b: F @ b, (b,)) and torch.autograd.gradgradcheck(lambda b: F @ b, (b,))


def test_factors_follow_what_is_written_to_the_matrix():
    A, b = (2 * torch.eye(3, dtype=F64) + torch.ones(3, 3, dtype=F64)).to_sparse_csr(), torch.ones(3, dtype=F64)
    F = solvers.factorized(A)
    torch.testing.assert_close(F @ b, torch.linalg.solve(A.to_dense(), b))
    A.values().mul_(3)
    torch.testing.assert_close(F @ b, torch.linalg.solve(A.to_dense(), b))


def test_factors_are_mapped_and_compiled():
    A, b = of_structure("banded LU", F64).to_sparse_csr(), torch.randn(3, 24, dtype=F64)
    F = solvers.factorized(A)
    wanted = torch.linalg.solve(A.to_dense(), b.mT).mT
    torch.testing.assert_close(torch.vmap(lambda b: F @ b)(b), wanted)
    torch.testing.assert_close(torch.compile(lambda b: 2 * (F @ b))(b[0]), 2 * wanted[0])
    assert (F @ b.mT[:, :0]).shape == (24, 0)
    empty = solvers.factorized(torch.zeros(0, 0, dtype=F64).to_sparse_csr())
    assert (empty @ torch.zeros(0, dtype=F64)).shape == (0,)


def test_compiled_solves_follow_the_structure():
    b = torch.randn(24, dtype=F64)
    compiled = torch.compile(lambda A, b: solvers.solve(A, b, rtol=1e-10))
    for name in ("triangular", "banded LU", "triangular", "diagonal", "banded Cholesky"):
        A = of_structure(name, F64)
        torch.testing.assert_close(compiled(A, b), torch.linalg.solve(A, b))


def laplacian(n, dtype):
    """Return the Laplacian of a grid, too wide for a band."""
    one, above = torch.eye(n, dtype=dtype), torch.diag(torch.ones(n - 1, dtype=dtype), 1)
    line = 2 * one - above - above.mT
    order = torch.randperm(n * n, generator=torch.Generator().manual_seed(0))
    return (torch.kron(line, one) + torch.kron(one, line))[order][:, order].to_sparse_csr()


@pytest.mark.parametrize("dtype", [F64, torch.complex128])
@pytest.mark.parametrize("name", ["CHOLMOD", "PARDISO", "UMFPACK"])
def test_other_packages_eliminate(name, dtype):
    package = {"CHOLMOD": "sksparse.cholmod", "PARDISO": "pypardiso", "UMFPACK": "scikits.umfpack"}[name]
    pytest.importorskip(package, reason=f"{name} comes with {package}")
    torch.manual_seed(5)
    A, b = laplacian(8, dtype), torch.randn(64, 2, dtype=dtype)
    if name != "CHOLMOD":
        A = (A.to_dense() + torch.randn(64, 64, dtype=dtype) * (torch.rand(64, 64) < 0.1)).to_sparse_csr()
    if name == "PARDISO" and dtype.is_complex:
        with pytest.raises(ValueError, match="PARDISO is not for this matrix"):
            solvers.spsolve(A, b, by=name)
        return
    x, report = solvers.spsolve(A, b, by=name, return_info=True)
    assert report.method == name and report.converged
    torch.testing.assert_close(x, torch.linalg.solve(A.to_dense(), b))
    F = solvers.factorized(A, name)
    torch.testing.assert_close(F.H @ b, torch.linalg.solve(A.to_dense().mH, b))
    entries = A.values().clone().requires_grad_()
    made = lambda entries: torch.sparse_csr_tensor(A.crow_indices(), A.col_indices(), entries, A.shape)
    if name != "CHOLMOD":
        assert torch.autograd.gradcheck(lambda entries, b: solvers.spsolve(made(entries), b, by=name), (entries, b[:, 0]))
    singular = torch.diag(torch.tensor([1.0, 0, 2], dtype=dtype)) + torch.diag(torch.zeros(2, dtype=dtype), 1)
    with pytest.raises((torch.linalg.LinAlgError, ValueError)):
        solvers.spsolve(singular.to_sparse_csr(), torch.ones(3, dtype=dtype), by=name)


def test_the_best_installed_package_is_taken():
    large = laplacian(36, F64)
    wanted = "CHOLMOD" if eliminations.BY_NAME["CHOLMOD"].is_there() else "SuperLU"
    assert solvers.spsolve(large, torch.ones(1296, dtype=F64), return_info=True)[1].method == wanted


def test_sparse_spsolve_is_pytorchs():
    A, b = laplacian(4, F64).requires_grad_(), torch.randn(16, dtype=F64, requires_grad=True)
    x = torch.sparse.spsolve(A, b)
    torch.testing.assert_close(x, torch.linalg.solve(A.to_dense(), b))
    x.sum().backward()
    torch.testing.assert_close(b.grad, torch.linalg.solve(A.detach().to_dense().mT, torch.ones(16, dtype=F64)))
    assert A.grad is not None and A.grad.is_sparse_csr
    with pytest.raises(RuntimeError, match="left=True"):
        torch.sparse.spsolve(A, b, left=False)
    with pytest.raises(RuntimeError, match="sparse CSR matrix, got SparseTensor"):
        torch.sparse.spsolve(A.detach().to_sparse_coo(), b)
    with pytest.raises(RuntimeError, match=r"got \[16, 16\] and \[3\]"):
        torch.sparse.spsolve(A, b[:3])
    with pytest.raises(torch.linalg.LinAlgError, match="singular"):
        torch.sparse.spsolve(torch.ones(2, 2).to_sparse_csr(), torch.tensor([1.0, 2.0]))


def test_slices_of_different_structure_are_mapped():
    torch.manual_seed(6)
    B = torch.randn(6, 6, dtype=F64) + 6 * torch.eye(6, dtype=F64)
    A = torch.stack([torch.diag(B.diagonal()), B, B @ B.mT, B.tril()])
    b = torch.randn(4, 6, dtype=F64)
    loss = lambda A, b: solvers.solve(A, b, rtol=1e-12).square().sum()
    wanted = torch.func.grad(lambda A, b: torch.linalg.solve(A, b.unsqueeze(2)).square().sum(), (0, 1))(A, b)
    for got, gradient in zip(torch.vmap(torch.func.grad(loss, (0, 1)))(A, b), wanted):
        torch.testing.assert_close(got, gradient)
