"""What reports say of the error, refinement from shorter dtypes, and the line of long solves."""

import io
import math
import time

import pytest
from rich.console import Console
from small_matrices import matrices

import lineal as torch
from lineal import solvers
from lineal.solvers.progress import Line

F64 = torch.float64
DEFINITE = ("positive", "clustered", "diagonal", "rank one and identity", "Laplacian", "scaled positive")


def energy(A, e):
    """Return √(eᴴ A e)."""
    return float((e.conj() @ (A @ e)).real) ** 0.5


def definite():
    for kind, A in matrices().items():
        if kind.startswith(DEFINITE) and A.dtype != torch.float32:
            yield kind, A


@pytest.mark.parametrize("preconditioned", [False, True])
@pytest.mark.parametrize("below", [0.5, 0.9, 1 - 1e-4, 1 - 1e-9])
def test_a_bound_below_the_eigenvalues_bounds_the_error(below, preconditioned):
    torch.manual_seed(0)
    for kind, A in definite():
        b = torch.randn(len(A), dtype=A.dtype)
        wanted = torch.linalg.solve(A, b)
        scale = 1 / A.diagonal().real.sqrt()
        B = A * scale.to(A.dtype) * scale.to(A.dtype).unsqueeze(1) if preconditioned else A
        M = solvers.Diagonal((scale**2).to(A.dtype)) if preconditioned else None
        smallest = below * float(torch.linalg.eigvalsh(B)[0])
        tight = []
        for steps in (0, 1, 2, 4, 7):
            x, report = solvers.cg(A, b, smallest=smallest, M=M, rtol=0, maxiter=steps, return_info=True)
            error = energy(A, x - wanted)
            assert report.error.bound and report.error.norm == "A"
            assert error <= report.error.value * (1 + 1e-6) + 1e-9 * energy(A, wanted), (kind, steps, report.error)
            tight.append(report.error.value / error if error > 1e-6 * energy(A, wanted) else 1.0)
        assert min(tight[1:]) < 5, (kind, tight)


def test_the_bound_stays_one_when_the_smallest_eigenvalue_is_found():
    # the difference that the recurrence takes is rounding alone then
    torch.manual_seed(8)
    for dtype in (F64, torch.float32):
        values = torch.linspace(0.01, 3, 60, dtype=F64) ** 2
        A, b = torch.diag(values).to(dtype), torch.ones(60, dtype=dtype)
        for below in (0.5, 1 - 1e-6, 1 - 1e-9):
            for steps in (20, 60, 100, 150):
                x, report = solvers.cg(A, b, smallest=below * float(values[0]), rtol=0, maxiter=steps, return_info=True)
                error = energy(torch.diag(values), x.to(F64) - 1 / values)
                lost = 1e4 * torch.finfo(dtype).eps * float(values.rsqrt().norm())
                assert error <= report.error.value + lost, (dtype, below, steps, report.error, error)


def test_estimates_of_the_error_are_near_it():
    torch.manual_seed(1)
    for kind, A in definite():
        b = torch.randn(len(A), dtype=A.dtype)
        x, report = solvers.cg(A, b, rtol=1e-5, return_info=True)
        error = energy(A, x - torch.linalg.solve(A, b))
        assert not report.error.bound
        assert error <= 1.1 * report.error.value + 1e-12, (kind, report.error)
    assert "ᴀ ≈" in str(report.error)
    # a number that a Ritz value refutes makes no bound
    _, report = solvers.cg(A, b, smallest=2 * float(torch.linalg.eigvalsh(A)[0]), rtol=1e-8, return_info=True)
    assert not report.error.bound and report.error.value > 0
    with pytest.raises(ValueError, match="smallest to be positive, got -1"):
        solvers.cg(A, b, smallest=-1.0)


ESTIMATED = ("cg", "minres", "gmres", "bicgstab", "tfqmr", "lsqr", "block_cg")


@pytest.mark.parametrize("name", ESTIMATED)
def test_errors_in_the_two_norm_are_estimated_on_demand(name):
    torch.manual_seed(2)
    for A in (
        torch.diag(torch.linspace(0.1, 3, 12, dtype=F64)),
        next(A for kind, A in definite() if kind == "positive, complex"),
    ):
        A = A + (torch.triu(A, 1) / 9 if name in ("gmres", "bicgstab", "tfqmr", "lsqr") else 0)
        b = torch.randn(len(A), dtype=A.dtype)
        x, report = getattr(solvers, name)(A, b, rtol=1e-5, estimate_error=True, return_info=True)
        inverse = 1 / float(torch.linalg.svdvals(A)[-1]) ** (2 if name == "lsqr" else 1)
        left = float((b - A @ x).norm() if name != "lsqr" else (A.mH @ (b - A @ x)).norm())
        assert report.error.norm == "2" and not report.error.bound
        assert report.error.value == pytest.approx(inverse * left, rel=0.1, abs=1e-10)
        assert float((x - torch.linalg.solve(A, b)).norm()) <= 1.2 * report.error.value + 1e-10


def test_the_error_has_the_units_of_the_system():
    torch.manual_seed(3)
    A, b = torch.diag(torch.linspace(1, 3, 6)), torch.randn(6)
    _, plain = solvers.cg(A, b, rtol=1e-2, return_info=True)
    for by_A, by_b in ((1e30, 1.0), (1.0, 1e30), (1e-30, 1e-30)):
        _, report = solvers.cg(A * by_A, b * by_b, rtol=1e-2, return_info=True)
        assert report.error.value == pytest.approx(plain.error.value * by_b / by_A**0.5, rel=1e-3)


@pytest.mark.parametrize("form", ["strided", "csr", "operator"])
@pytest.mark.parametrize("name", ["cg", "minres", "gmres", "bicgstab", "block_cg"])
def test_refinement_gives_the_digits_of_the_longer_dtype(name, form):
    torch.manual_seed(4)
    B = torch.randn(40, 40, dtype=F64)
    A, b = B @ B.mT / 40 + torch.eye(40, dtype=F64), torch.randn(40, 2, dtype=F64)
    made = {
        "strided": lambda: A,
        "csr": A.to_sparse_csr,
        "operator": lambda: solvers.FunctionOperator((40, 40), lambda x, A: A @ x, None, (A,)),
    }[form]()
    seen = []
    operator = solvers.FunctionOperator((40, 40), lambda x: seen.append(x.dtype) or x, lambda x: x, dtype=F64)
    M = operator if form == "operator" else solvers.Diagonal(1 / A.diagonal())
    x, report = getattr(solvers, name)(made, b, rtol=1e-13, precision=torch.float32, M=M, return_info=True)
    assert report.converged and report.iterations <= 6 and "torch.float32 with refinement" in report.method
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=1e-11, atol=1e-11)


def test_refinement_works_in_the_shorter_dtype_and_says_where_that_is_too_short():
    torch.manual_seed(5)
    Q = torch.linalg.qr(torch.randn(20, 20, dtype=F64))[0]
    A, b = (Q * torch.logspace(0, 12, 20, dtype=F64)) @ Q.mT, torch.randn(20, dtype=F64)
    _, report = solvers.gmres(A, b, rtol=1e-12, precision=torch.float32, return_info=True)
    assert not report.converged and "torch.float32 is too short" in report.advice
    with pytest.raises(ValueError, match=r"precision below torch\.float64, got torch\.float64"):
        solvers.cg(A, b, precision=F64)
    with pytest.raises(ValueError, match="least squares"):
        solvers.lsqr(A, b, precision=torch.float32)


def test_refined_solutions_have_derivatives():
    torch.manual_seed(6)
    A = (torch.randn(4, 4, dtype=F64) + 5 * torch.eye(4, dtype=F64)).requires_grad_()
    b = torch.randn(4, dtype=F64, requires_grad=True)
    solve = lambda A, b: solvers.gmres(A, b, rtol=1e-13, precision=torch.float32)
    assert torch.autograd.gradcheck(solve, (A, b)) and torch.autograd.gradgradcheck(solve, (A, b))


def slow(A, pause):
    return solvers.FunctionOperator(tuple(A.shape), lambda x, A: time.sleep(pause) or A @ x, None, (A,))


def test_long_solves_have_a_line_and_short_ones_none(monkeypatch):
    torch.manual_seed(7)
    written = []
    show = Line.show
    monkeypatch.setattr(Line, "show", lambda line, report: (written.append(str(report.method)), show(line, report)))
    A, b = torch.diag(torch.arange(1, 15).to(F64)), torch.randn(14, dtype=F64)
    solvers.cg(A, b, progress=True)
    assert not written
    monkeypatch.setattr("lineal.solvers.progress.PATIENCE", 0.02)
    monkeypatch.setattr("lineal.solvers.progress.EVERY", 0.01)
    solvers.cg(slow(A, 0.01), b, rtol=1e-10, progress=True)
    assert len(written) > 2


def test_the_line_tells_steps_residual_and_what_was_asked_for():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    line, report = Line(console), solvers.Report("CG", "maxiter", 1e-8, [1.0, 1e-2, 1e-4])
    line.show(report)
    assert line.shown.tasks[0].completed == pytest.approx(0.5)
    line.end()
    assert "CG: step 2, ‖b − A x‖ = 1.0e-04, asked for 1.0e-08" in console.file.getvalue()
    report.residuals.append(math.inf)
    line.show(report)
    assert line.shown.tasks[0].completed == 0
    line.end()
