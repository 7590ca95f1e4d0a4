"""Solves: what they give, how they are judged, and their derivatives."""

import pickle

import pytest

import lineal as torch
from lineal import solvers

F64 = torch.float64


def positive(n, dtype=F64):
    B = torch.randn(n, n, dtype=dtype)
    return B @ B.mH / n + torch.eye(n, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("form", ["strided", "csr", "coo", "operator"])
def test_solutions_have_the_residual_that_was_asked_for(dtype, form):
    torch.manual_seed(0)
    A, b = positive(12, dtype), torch.randn(12, dtype=dtype)
    made = {
        "strided": lambda: A,
        "csr": A.to_sparse_csr,
        "coo": A.to_sparse,
        "operator": lambda: solvers.FunctionOperator((12, 12), lambda x, A: A @ x, None, (A,)),
    }[form]()
    x, report = solvers.cg(made, b, rtol=1e-5, return_info=True)
    assert report.converged and report.status == "converged"
    assert (b - A @ x).norm() <= report.tolerance
    assert abs(report.residual - float((b - A @ x).norm())) <= 1e-5 * float(b.norm())
    assert len(report.residuals) == report.iterations + 1


@pytest.mark.parametrize("form", ["strided", "csr"])
def test_derivatives_are_those_of_the_solution_to_second_order(form):
    torch.manual_seed(1)
    A, b = positive(4).requires_grad_(), torch.randn(4, 2, dtype=F64, requires_grad=True)

    def solve(A, b):
        symmetric = (A + A.mT) / 2
        return solvers.cg(symmetric.to_sparse_csr() if form == "csr" else symmetric, b, rtol=1e-13)

    assert torch.autograd.gradcheck(solve, (A, b))
    assert torch.autograd.gradgradcheck(solve, (A, b))


def test_what_an_operator_is_made_of_gets_its_gradient():
    torch.manual_seed(2)
    d = (torch.rand(5, dtype=F64) + 1).requires_grad_()
    b = torch.randn(5, dtype=F64)
    operator = solvers.FunctionOperator((5, 5), lambda x, d: d * x, None, (d,))
    solvers.cg(operator, b, rtol=1e-13).sum().backward()
    torch.testing.assert_close(d.grad, -b / d.detach() ** 2)


def test_a_preconditioner_saves_steps_and_changes_nothing_else():
    torch.manual_seed(3)
    scale = torch.logspace(0, 4, 40, dtype=F64)
    A = positive(40) * scale.sqrt().unsqueeze(1) * scale.sqrt()
    b = torch.randn(40, dtype=F64)
    plain, slow = solvers.cg(A, b, rtol=1e-10, return_info=True)
    M = solvers.Diagonal(1 / A.diagonal())
    helped, fast = solvers.cg(A, b, rtol=1e-10, M=M, return_info=True)
    assert fast.iterations < slow.iterations / 2
    torch.testing.assert_close(helped, plain, rtol=1e-6, atol=1e-8)


def test_what_is_not_reached_is_an_error_that_holds_what_there_is():
    torch.manual_seed(4)
    A, b = positive(30), torch.randn(30, dtype=F64)
    with pytest.raises(solvers.ConvergenceError, match="maxiter after 2 iterations") as caught:
        solvers.cg(A, b, rtol=1e-12, maxiter=2)
    assert caught.value.solution.shape == (30,) and not caught.value.report.converged
    with pytest.raises(solvers.ConvergenceError, match=r"indefinite after 0 iterations.*not positive definite"):
        solvers.cg(-A, b)
    _, report = solvers.cg(A, b, rtol=1e-30, return_info=True)
    assert report.status == "stagnated" and "accuracy" in report.advice
    for number in (torch.nan, torch.inf):
        assert solvers.cg(A, b * number, return_info=True)[1].status == "diverged"
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and torch.equal(again.solution, caught.value.solution)
    with pytest.raises(ValueError, match="at least 0, got -1"):
        solvers.cg(A, b, rtol=-1)


@pytest.mark.parametrize("solve", [solvers.cg, solvers.minres])
def test_a_matrix_that_is_not_hermitian_is_named(solve):
    torch.manual_seed(10)
    A = torch.randn(9, 9, dtype=F64) + 5 * torch.eye(9, dtype=F64)
    _, report = solve(A, torch.ones(9, dtype=F64), return_info=True)
    assert report.status == "not Hermitian" and "GMRES" in report.advice


def test_a_solve_that_begins_at_the_solution_takes_no_step():
    torch.manual_seed(5)
    A, b = positive(6), torch.randn(6, dtype=F64)
    x = solvers.cg(A, b, rtol=1e-12)
    again, report = solvers.cg(A, b, x0=x, rtol=1e-8, return_info=True)
    assert report.iterations == 0 and torch.equal(again, x)
    assert torch.equal(solvers.cg(A, torch.zeros(6, dtype=F64), x0=x), torch.zeros(6, dtype=F64))


def test_columns_are_solved_and_reported_one_by_one():
    torch.manual_seed(6)
    A, b = positive(8), torch.randn(8, 3, dtype=F64)
    x, report = solvers.cg(A, b, rtol=1e-12, return_info=True)
    torch.testing.assert_close(A @ x, b)
    assert len(report.columns) == 3 and report.converged
    assert report.iterations == max(each.iterations for each in report.columns)
    empty, report = solvers.cg(A, b[:, :0], return_info=True)
    assert empty.shape == (8, 0) and report.converged


def test_callbacks_see_each_iterate():
    A, b, seen = positive(5), torch.ones(5, dtype=F64), []
    _, report = solvers.cg(A, b, rtol=1e-10, callback=seen.append, return_info=True)
    assert len(seen) == report.iterations
    assert (b - A @ seen[-1]).norm() < (b - A @ seen[0]).norm()


@pytest.mark.parametrize(
    ("A", "b", "said"),
    [
        (torch.ones(2, 3), torch.ones(2), "expected a square matrix, got 2 × 3"),
        (torch.eye(2), torch.ones(3), r"right-hand side of 2 rows, got \[3\]"),
        (torch.eye(2), torch.ones(2, dtype=F64), "one floating dtype, got torch.float32 and torch.float64"),
        (torch.eye(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64), "one floating dtype"),
    ],
)
def test_what_does_not_fit_is_an_error(A, b, said):
    with pytest.raises(RuntimeError, match=said):
        solvers.solve(A, b)
    with pytest.raises(RuntimeError, match="x0 like b"):
        solvers.solve(torch.eye(2), torch.ones(2), x0=torch.ones(3))


def test_a_system_without_unknowns_is_solved():
    x, report = solvers.cg(torch.zeros(0, 0), torch.zeros(0), return_info=True)
    assert x.shape == (0,) and report.converged


def loss(d, b):
    A = torch.diag(d) + 0.1
    return solvers.cg(A, b, rtol=1e-13, M=solvers.Diagonal(1 / A.diagonal())).square().sum()


def test_solves_are_steps_of_compiled_functions_and_of_their_derivatives():
    torch.manual_seed(7)
    gradients = torch.func.grad(loss, argnums=(0, 1))
    compiled = torch.compile(gradients)
    for _ in range(3):
        d, b = torch.rand(5, dtype=F64) + 1, torch.randn(5, dtype=F64)
        for got, wanted in zip(compiled(d, b), gradients(d, b)):
            torch.testing.assert_close(got, wanted)
    with pytest.raises(solvers.ConvergenceError, match="indefinite"):
        compiled(-d, b)


def test_solves_are_batched_like_loops_over_slices():
    torch.manual_seed(8)
    d, b = torch.rand(3, 5, dtype=F64) + 1, torch.randn(3, 5, dtype=F64)
    torch.testing.assert_close(torch.vmap(loss)(d, b), torch.stack([loss(*each) for each in zip(d, b)]))
    many = torch.vmap(torch.func.grad(loss), (None, 0))(d[0], b)
    torch.testing.assert_close(many, torch.stack([torch.func.grad(loss)(d[0], each) for each in b]))


def test_compiled_functions_that_read_a_report_run_eagerly():
    A = torch.eye(5, dtype=F64) + 0.1
    residual = torch.compile(lambda b: solvers.cg(A, b, return_info=True)[1].residuals[0])
    with pytest.warns(UserWarning, match="the report of a solve is read"):
        residual(torch.ones(5, dtype=F64))
    assert residual(torch.full((5,), 2.0, dtype=F64)) == pytest.approx(2 * 5**0.5)


def test_what_a_users_function_raises_is_what_the_user_gets():
    def matvec(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        solvers.cg(solvers.FunctionOperator((2, 2), matvec), torch.ones(2))


def test_solvers_draw_nothing_from_the_programs_generator():
    torch.manual_seed(9)
    state, A = torch.get_rng_state(), positive(6)
    torch.set_rng_state(state)
    solvers.idrs(A, A[0])
    solvers.eigsh(A, 2)
    solvers.chebyshev(A, A[0])
    solvers.expm_multiply(A, A[0])
    assert torch.equal(torch.get_rng_state(), state)
