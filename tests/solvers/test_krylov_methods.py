"""Krylov methods: their derivatives, batches and programs, and what each has beside the others."""

from itertools import islice

import pytest

import lineal as torch
from lineal import solvers

F64, C128 = torch.float64, torch.complex128
N = 12


METHODS = {
    "cg": solvers.cg,
    "pipelined_cg": solvers.pipelined_cg,
    "block_cg": solvers.block_cg,
    "minres": solvers.minres,
    "minres_qlp": solvers.minres_qlp,
    "fgmres": lambda A, b, **options: solvers.gmres(A, b, restart=20, flexible=True, **options),
    "bicgstab": solvers.bicgstab,
    "idrs": solvers.idrs,
    "tfqmr": solvers.tfqmr,
    "lsqr": solvers.lsqr,
    "lsmr": solvers.lsmr,
}
DEFINITE = ("cg", "pipelined_cg", "block_cg")
HERMITIAN = (*DEFINITE, "minres", "minres_qlp")


def spread(values):
    Q = torch.linalg.qr(torch.randn(N, N, dtype=F64))[0]
    return (Q * torch.as_tensor(values, dtype=F64)) @ Q.mH


def system(name, n, k=0):
    """Return a matrix that a method is for, and a right-hand side."""
    A = torch.randn(n, n, dtype=F64) + n * torch.eye(n, dtype=F64)
    A = A @ A.mH / n if name in DEFINITE else A + A.mH if name in HERMITIAN else A
    return A, torch.randn(*(n, k)[: 1 + bool(k)], dtype=F64)


@pytest.mark.parametrize("name", METHODS)
def test_solutions_have_the_derivatives_of_the_inverse(name):
    torch.manual_seed(2)
    A, b = (each.requires_grad_() for each in system(name, 3, 2 if name == "block_cg" else 0))

    def solve(A, b):
        return METHODS[name]((A + A.mT) / 2 if name in HERMITIAN else A, b, rtol=1e-13)

    assert torch.autograd.gradcheck(solve, (A, b))
    assert torch.autograd.gradgradcheck(solve, (A, b))


@pytest.mark.parametrize("name", METHODS)
def test_programs_and_batches_give_what_eager_code_gives(name):
    torch.manual_seed(7)
    A, b = (torch.stack(each) for each in zip(*[system(name, 4) for _ in range(3)]))

    def loss(A, b):
        return METHODS[name]((A + A.mT) / 2 if name in HERMITIAN else A, b, rtol=1e-12).square().sum()

    gradients = torch.func.grad(loss, argnums=(0, 1))
    wanted = [gradients(*each) for each in zip(A, b)]
    for got, each in zip(torch.vmap(gradients)(A, b), zip(*wanted)):
        torch.testing.assert_close(got, torch.stack(each))
    compiled = torch.compile(gradients)
    for each, known in zip(zip(A, b), wanted):
        for got, single in zip(compiled(*each), known):
            torch.testing.assert_close(got, single)


@pytest.mark.parametrize("name", METHODS)
def test_empty_and_zero_right_hand_sides_are_solved(name):
    A, _ = system(name, 4)
    x, report = METHODS[name](A, torch.zeros(4, dtype=F64), return_info=True)
    assert report.converged and torch.equal(x, torch.zeros(4, dtype=F64))
    x, report = METHODS[name](torch.zeros(0, 0), torch.zeros(0), return_info=True)
    assert report.converged and x.shape == (0,)
    x, report = METHODS[name](A, torch.zeros(4, 0, dtype=F64), return_info=True)
    assert report.converged and x.shape == (4, 0)


@pytest.mark.parametrize("name", METHODS)
def test_columns_x0_and_callbacks(name):
    torch.manual_seed(8)
    A, b = system(name, 6, 3)
    seen = []
    x, report = METHODS[name](A, b, rtol=1e-12, callback=seen.append, return_info=True)
    torch.testing.assert_close(x, torch.linalg.solve(A, b))
    assert report.converged and len(report.columns) == 3 and all(each.converged for each in report.columns)
    assert sum(each.iterations for each in report.columns) == len(seen) or name == "block_cg"
    again, report = METHODS[name](A, b, x0=x, rtol=1e-8, return_info=True)
    assert report.iterations == 0 and report.converged
    torch.testing.assert_close(again, x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [F64, C128])
@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6)])
def test_least_squares_are_those_of_lstsq(shape, dtype):
    torch.manual_seed(3)
    A, b = torch.randn(*shape, dtype=dtype), torch.randn(shape[0], dtype=dtype)
    torch.testing.assert_close(solvers.cgls(A, b, rtol=1e-12), torch.linalg.pinv(A) @ b, rtol=1e-6, atol=1e-8)
    damped = solvers.cgls(A.to_sparse_csr(), b, damp=0.5, rtol=1e-12)
    wanted = torch.linalg.solve(A.mH @ A + 0.25 * torch.eye(shape[1], dtype=dtype), A.mH @ b)
    torch.testing.assert_close(damped, wanted, rtol=1e-6, atol=1e-8)


def test_least_squares_have_derivatives():
    torch.manual_seed(4)
    A, b = torch.randn(5, 3, dtype=F64, requires_grad=True), torch.randn(5, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda A, b: solvers.cgls(A, b, rtol=1e-13), (A, b))


def test_exact_arithmetic_would_be_done_after_n_steps():
    torch.manual_seed(5)
    A, b = torch.randn(N, N, dtype=F64) + 3 * torch.eye(N, dtype=F64), torch.randn(N, dtype=F64)
    assert solvers.gmres(A, b, rtol=1e-9, return_info=True)[1].iterations <= N
    assert solvers.minres(spread([*range(1, 7), *range(-6, 0)]), b, rtol=1e-9, return_info=True)[1].iterations <= N + 2


def test_cycles_that_change_nothing_are_named():
    shift = torch.roll(torch.eye(N, dtype=F64), 1, 0)
    _, report = solvers.gmres(shift, shift[0], restart=3, return_info=True)
    assert report.status == "stagnated" and "larger restart" in report.advice


def test_settings_that_cannot_be_are_errors():
    with pytest.raises(ValueError, match="restart of at least 1, got 0"):
        solvers.gmres(torch.eye(2), torch.ones(2), restart=0)
    with pytest.raises(ValueError, match="s of at least 1, got 0"):
        solvers.idrs(torch.eye(2), torch.ones(2), s=0)
    with pytest.raises(ValueError, match="replacement of at least 1, got 0"):
        solvers.pipelined_cg(torch.eye(2), torch.ones(2), replacement=0)
    with pytest.raises(ValueError, match="which solution is the shortest"):
        solvers.minres_qlp(torch.eye(2), torch.ones(2), M=torch.eye(2))
    with pytest.raises(TypeError, match=r"expected the operator Normal\(A, b\)"):
        solvers.solve(torch.eye(2), torch.ones(2), solvers.LeastSquaresQR())


def grid(n):
    """Return the five-point Laplacian of an n × n grid."""
    line = (
        2 * torch.eye(n, dtype=F64) - torch.diag(torch.ones(n - 1, dtype=F64), 1) - torch.diag(torch.ones(n - 1, dtype=F64), -1)
    )
    one = torch.eye(n, dtype=F64)
    return torch.kron(line, one) + torch.kron(one, line)


def test_pipelined_steps_are_those_of_conjugate_gradients():
    torch.manual_seed(10)
    A, b = grid(12), torch.randn(144, dtype=F64)
    plain, pipelined = (solve(A, b, rtol=1e-6, return_info=True)[1] for solve in (solvers.cg, solvers.pipelined_cg))
    assert pipelined.iterations == pytest.approx(plain.iterations, abs=2)
    torch.testing.assert_close(torch.tensor(pipelined.residuals[:20]), torch.tensor(plain.residuals[:20]))


def test_replacement_keeps_the_digits_of_pipelined_steps():
    torch.manual_seed(11)
    A, b = grid(16) * 1e-3 + torch.diag(torch.logspace(-2, 3, 256, dtype=F64)), torch.randn(256, dtype=F64)
    method = solvers.PipelinedConjugateGradient
    system = solvers.System(solvers.aslinearoperator(A), b, torch.zeros(256, dtype=F64))
    gaps = []
    for every in (25, 10**6):
        step = next(islice(method(every).steps(system), 500, None))
        gaps.append(abs(float((b - A @ step.solved()).norm()) - step.residual))
    assert gaps[0] < gaps[1] / 10


def test_blocks_take_fewer_steps_and_dependent_columns_do_no_harm():
    torch.manual_seed(12)
    A, b = grid(10), torch.randn(100, 6, dtype=F64)
    single = solvers.cg(A, b, rtol=1e-9, return_info=True)[1].iterations
    x, report = solvers.block_cg(A, b, rtol=1e-9, return_info=True)
    assert report.converged and report.iterations < 0.7 * single
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=1e-6, atol=1e-7)
    dependent = torch.cat([b[:, :2], b[:, :1] + b[:, 1:2], torch.zeros(100, 1, dtype=F64), 1e-20 * b[:, 2:3]], 1)
    x, report = solvers.block_cg(A, dependent, rtol=1e-9, return_info=True)
    assert report.converged and len(report.columns) == 5
    torch.testing.assert_close(x[:, 2], x[:, 0] + x[:, 1], rtol=1e-5, atol=1e-6)
    assert torch.equal(x[:, 3], torch.zeros(100, dtype=F64))
    torch.testing.assert_close(x[:, 4] * 1e20, torch.linalg.solve(A, b[:, 2]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("dtype", [F64, C128])
def test_singular_systems_have_the_shortest_solution(inside, dtype):
    torch.manual_seed(13)
    for n, null in ((6, 1), (12, 5), (40, 8)):
        Q = torch.linalg.qr(torch.randn(n, n, dtype=dtype))[0]
        values = torch.cat([torch.linspace(-3, 4.1, n - null), torch.zeros(null)]).to(dtype)
        A = (Q * values) @ Q.mH
        A = (A + A.mH) / 2
        b = torch.randn(n, dtype=dtype)
        b = A @ b if inside else b
        wanted = torch.linalg.pinv(A, rcond=1e-10, hermitian=True) @ b
        torch.testing.assert_close(solvers.minres_qlp(A, b, rtol=1e-10), wanted, rtol=1e-7, atol=1e-7)
        if not inside:
            _, report = solvers.minres(A, b, rtol=1e-8, return_info=True)
            assert report.status == "singular" and "minres_qlp" in report.advice


def test_exhausted_spaces_add_no_noise_from_the_null_space():
    for seed in range(30):
        torch.manual_seed(seed)
        n, k = [(4, 2), (6, 3), (10, 6)][seed % 3]
        Q, b = torch.randn(n, k, dtype=F64), torch.randn(n, dtype=F64)
        wanted = torch.linalg.pinv(Q @ Q.mT, rcond=1e-10, hermitian=True) @ b
        x, _ = solvers.minres_qlp(Q @ Q.mT, b, rtol=1e-14, return_info=True)
        torch.testing.assert_close(x, wanted, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("dtype", [F64, C128])
def test_shortest_solutions_have_the_derivatives_of_the_pseudoinverse(dtype):
    torch.manual_seed(14)
    Q = torch.linalg.qr(torch.randn(6, 6, dtype=dtype))[0][:, :4].clone().requires_grad_()
    middle = torch.randn(4, 4, dtype=dtype, requires_grad=True)
    b = torch.randn(6, dtype=dtype, requires_grad=True)
    weights = torch.randn(6, dtype=dtype)

    def loss(solve, Q, middle, b):
        # of rank 4 whatever the numbers
        A = Q @ (middle + middle.mH) @ Q.mH
        return (solve((A + A.mH) / 2, b) * weights).real.sum()

    got = torch.autograd.grad(loss(lambda A, b: solvers.minres_qlp(A, b, rtol=1e-13), Q, middle, b), (Q, middle, b))
    dense = lambda A, b: torch.linalg.pinv(A, rcond=1e-8, hermitian=True) @ b
    for one, two in zip(got, torch.autograd.grad(loss(dense, Q, middle, b), (Q, middle, b))):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-6)


def test_shortest_solutions_have_second_derivatives():
    torch.manual_seed(15)
    Q, b = torch.randn(4, 2, dtype=F64, requires_grad=True), torch.randn(4, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda Q, b: solvers.minres_qlp(Q @ Q.mT, b, rtol=1e-14), (Q, b), atol=1e-4)
    assert torch.autograd.gradgradcheck(lambda Q, b: solvers.minres_qlp(Q @ Q.mT, b, rtol=1e-14), (Q, b), atol=1e-4)
