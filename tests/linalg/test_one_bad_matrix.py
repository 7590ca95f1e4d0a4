"""A singular, indefinite or NaN matrix in a stack touches no other: neither numbers nor derivatives, in any of three ways."""

import numpy as np
import pytest

import lineal as torch
from lineal import linalg

SIZES = [(1, 5), (2, 3), (3, 130), (8, 130), (13, 5), (20, 130), (33, 3), (100, 2)]
BAD = ("zero", "dependent", "nan", "inf")

FUNCTIONS = {
    "inv_ex": lambda A: tuple(linalg.inv_ex(A)),
    "solve_ex": lambda A: tuple(linalg.solve_ex(A, right(A))),
    "solve_ex, from the right": lambda A: tuple(linalg.solve_ex(A, right(A).mT, left=False)),
    "cholesky_ex": lambda A: tuple(linalg.cholesky_ex(A @ A.mT)),
    "lu_factor_ex": lambda A: tuple(linalg.lu_factor_ex(A)),
    "ldl_factor_ex": lambda A: tuple(linalg.ldl_factor_ex(A + A.mT)),
    "lu": lambda A: tuple(linalg.lu(A)),
    "det": lambda A: (linalg.det(A),),
    "slogdet": lambda A: tuple(linalg.slogdet(A)),
    "cond": lambda A: (linalg.cond(A, 1),),
    "matrix_exp": lambda A: (torch.matrix_exp(A),),
    "matrix_power": lambda A: (linalg.matrix_power(A, 3),),
    "solve_triangular": lambda A: (linalg.solve_triangular(A.triu(), right(A), upper=True),),
    "qr": lambda A: tuple(linalg.qr(A)),
}
LOSSES = {
    "inv_ex": lambda A: linalg.inv_ex(A)[0].square(),
    "solve_ex": lambda A: linalg.solve_ex(A, right(A))[0].square(),
    "cholesky_ex": lambda A: linalg.cholesky_ex(A @ A.mT)[0].square(),
    "det": linalg.det,
    "slogdet": lambda A: linalg.slogdet(A)[1],
    "cond": lambda A: linalg.cond(A, 1),
    "matrix_exp": lambda A: torch.matrix_exp(A).square(),
    "solve_triangular": lambda A: linalg.solve_triangular(A.triu(), right(A), upper=True).square(),
}


def right(A):
    return torch.ones(*A.shape[:-1], 2, dtype=A.dtype)


def stack(n, count, dtype, bad):
    """Return matrices of which the middle one is bad, and the places of the others."""
    generator = np.random.default_rng(n)
    A = generator.normal(size=(count, n, n)) / (3 * np.sqrt(n)) + np.eye(n)
    if np.issubdtype(dtype, np.complexfloating):
        A = A + 0.1j * generator.normal(size=A.shape) / np.sqrt(n)
    k = count // 2
    if bad == "zero":
        A[k] = 0
    elif bad == "dependent":
        A[k, :, -1] = A[k, :, 0]
        A[k, -1] = 0
    else:
        A[k, -1, 0] = {"nan": np.nan, "inf": np.inf}[bad]
    return A.astype(dtype), [place for place in (0, k - 1, k + 1, count - 1) if 0 <= place < count and place != k]


def same(got, alone, dtype, label):
    tolerance = 1e-3 if np.dtype(dtype).char in "fF" else 1e-8
    assert got.shape == alone.shape, label
    np.testing.assert_allclose(got, alone, rtol=tolerance, atol=tolerance * (1 + np.abs(alone).max(initial=0)), err_msg=label)


def check(call, ways, n, count, dtype, bad):
    A, others = stack(n, count, dtype, bad)
    alone = {place: call(torch.from_numpy(A[place])) for place in others}
    for way in ways:
        function = {"eager": lambda f: f, "compiled": torch.compile, "vmap": torch.vmap}[way](call)
        if way == "compiled":
            function(torch.from_numpy(A[others].repeat(count, 0)[:count]))
        for got, *wanted in zip(function(torch.from_numpy(A)), *[alone[place] for place in others]):
            for place, each in zip(others, wanted):
                same(got.numpy()[place], each.numpy(), dtype, f"{way}, {bad}, {place} of {count}")


@pytest.mark.filterwarnings("ignore::lineal.IllConditionedWarning")
@pytest.mark.parametrize(("n", "count"), SIZES)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_numbers(name, n, count):
    for bad in BAD:
        check(FUNCTIONS[name], ("eager", "vmap"), n, count, np.float64, bad)
    check(FUNCTIONS[name], ("compiled",), n, count, np.float32, "zero")
    if name != "ldl_factor_ex":
        check(FUNCTIONS[name], ("eager",), n, count, np.complex64, "zero")


def first(loss):
    def gradient(A):
        A = A.detach().clone().requires_grad_()
        return torch.autograd.grad(loss(A).sum(), A)

    return gradient


def second(loss):
    def gradient(A):
        A = A.detach().clone().requires_grad_()
        (by_A,) = torch.autograd.grad(loss(A).sum(), A, create_graph=True)
        return torch.autograd.grad(by_A.square().sum(), A)

    return gradient


@pytest.mark.filterwarnings("ignore::lineal.IllConditionedWarning")
@pytest.mark.parametrize(("n", "count"), [(2, 3), (3, 130), (13, 5), (33, 3)])
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_derivatives(name, n, count):
    for bad in BAD:
        check(first(LOSSES[name]), ("eager",), n, count, np.float64, bad)
        check(second(LOSSES[name]), ("eager",), n, count, np.float64, bad)
    check(first(LOSSES[name]), ("compiled",), n, count, np.float64, "zero")


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("n", "count"), SIZES)
def test_info_says_which(n, count, compiled):
    A, _ = stack(n, count, np.float64, "zero")
    for call in (FUNCTIONS["inv_ex"], FUNCTIONS["solve_ex"]):
        run = torch.compile(call) if compiled else call
        for matrices, bad in ((A * 0 + np.eye(n), []), (A, [count // 2]), (A * 0 + np.eye(n), [])):
            X, info = run(torch.from_numpy(matrices))
            assert info.dtype == torch.int32 and np.flatnonzero(info.numpy()).tolist() == bad
            assert np.flatnonzero(np.isnan(X.numpy()).any((-1, -2))).tolist() == bad


def test_errors_are_raised_where_they_are_asked_for():
    A = torch.stack([torch.eye(3), torch.zeros(3, 3)])
    for call in (lambda: linalg.inv_ex(A, check_errors=True), lambda: linalg.solve_ex(A, A, check_errors=True)):
        with pytest.raises(linalg.LinAlgError, match=r"_ex: \(Batch element 1\): .* is zero"):
            call()


@pytest.mark.filterwarnings("ignore:.* has nan at:lineal.IllConditionedWarning")
@pytest.mark.parametrize("shape", [(2,), (9, 3), (12,), (100,)])
def test_a_pivot_that_is_nan_spoils_all_of_its_solution_and_no_other(shape):
    n = shape[-1]
    A = torch.eye(n, dtype=torch.float64).expand(*shape, n).clone()
    A.view(-1, n, n)[0, 0, 0] = torch.nan
    for solve in (linalg.solve, torch.compile(linalg.solve)):
        for _ in range(2):
            X = solve(A, torch.ones(*shape, 1, dtype=torch.float64)).reshape(-1, n)
            assert X[0].isnan().all() and (X[1:] == 1).all()
