"""Conditions inside programs: what eager code warns of is not silent, and does not make calls slow for ever."""

import warnings

import numpy as np
import pytest

import lineal
from lineal.base.errors import IllConditionedWarning, LinAlgError
from lineal.compiler import compile, explain

linalg = lineal.linalg

FUNCTIONS = {
    "solve": lambda A, B: linalg.solve(A, B),
    "inv": lambda A, B: linalg.inv(A),
    "inv @": lambda A, B: linalg.inv(A) @ B,
    "det": lambda A, B: linalg.det(A / A.shape[-1]),
}


def systems(lead, n, dtype):
    """Return good matrices, others of which the last is near to singular, and right-hand sides."""
    rng = np.random.default_rng(n)
    A = (rng.standard_normal((*lead, n, n)) + n * np.eye(n)).astype(dtype)
    bad = A.copy()
    last = bad.reshape(-1, n, n)[-1]
    last[:, 1] = last[:, 0] * (1 + np.finfo(dtype).eps)
    last[0, 1] += 8 * np.finfo(dtype).eps
    return lineal.tensor(A), lineal.tensor(bad), lineal.tensor(rng.standard_normal((*lead, n, 2)).astype(dtype))


def heard(function, *args):
    """Return the result and how many warnings of ill-conditioned matrices came."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        y = function(*args)
    return y, sum(issubclass(each.category, IllConditionedWarning) for each in found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("lead", "n"), [((), 3), ((), 20), ((), 120), ((9,), 3), ((1000,), 4), ((5,), 35)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_ill_conditioned(name, lead, n, dtype):
    """Good matrices stay within the program; near to singular ones are eager code's, which refines what it finds."""
    function = FUNCTIONS[name]
    A, bad, B = systems(lead, n, dtype)
    compiled = compile(function)
    assert [heard(compiled, A, B)[1] for _ in range(3)] == [0, 0, 0]
    (program,) = next(iter(compiled.programs.values()))
    assert program.missed == 0
    for _ in range(5):
        y, count = heard(compiled, bad, B)
        assert count == 1
        lineal.testing.assert_close(y, heard(function, bad, B)[0])


def test_derivative():
    """A result that is differentiated is checked, too."""
    A, bad, B = systems((50,), 3, np.float64)
    compiled = compile(lambda A, B: linalg.solve(A, B))
    counts = [heard(compiled, x.detach().requires_grad_(), B)[1] for x in (A, A, bad)]
    assert counts == [0, 0, 1]


def test_setting():
    """What is to be said of conditions is part of what a program relies on."""
    A, bad, B = systems((), 5, np.float64)
    compiled = compile(lambda A, B: linalg.solve(A, B))
    with linalg.set_conditioning("off"):
        assert [heard(compiled, x, B)[1] for x in (A, A, bad)] == [0, 0, 0]
    assert [heard(compiled, x, B)[1] for x in (A, A, bad)] == [0, 0, 1]
    with linalg.set_conditioning("error"):
        compiled(A, B)
        for _ in range(5):
            with pytest.raises(LinAlgError):
                compiled(bad, B)


def test_setting_inside():
    """A function may decide itself what is said."""

    @compile
    def function(A, B):
        with linalg.set_conditioning("off"):
            return linalg.solve(A, B)

    A, bad, B = systems((), 5, np.float64)
    assert [heard(function, x, B)[1] for x in (A, A, bad, bad)] == [0, 0, 0, 0]
    assert function.compilations == 1


def test_cholesky_solve():
    """So with the factors of A."""
    A, _, B = systems((), 30, np.float64)
    L = linalg.cholesky(A @ A.mT)
    bad = L.clone()
    bad[-1, -1] *= 1e-12
    compiled = compile(lambda B, L: lineal.cholesky_solve(B, L))
    assert [heard(compiled, B, x)[1] for x in (L, L, bad)] == [0, 0, 1]
    # there eager code only warns, and when it has warned often enough the program does without
    assert [heard(compiled, B, bad)[1] for _ in range(5)] == [1, 1, 0, 0, 0]
    (program,) = next(iter(compiled.programs.values()))
    assert not program.trace.expects


def structures(n=12):
    """Return a matrix of each structure."""
    rng = np.random.default_rng(0)
    A, i = rng.standard_normal((n, n)) + 8 * np.eye(n), np.arange(n)
    lower, distance = np.tril(A), abs(i[:, None] - i)
    return {
        "diagonal": A * np.eye(n),
        "lower triangular": lower,
        "upper triangular": lower.T.copy(),
        "banded": A * (distance <= 1),
        "permuted triangular": lower[rng.permutation(n)][:, rng.permutation(n)],
        "toeplitz": A[0][distance] + 20 * np.eye(n),
        "hermitian": A + A.T,
        "positive definite": A @ A.T,
    }


@pytest.mark.parametrize("name", structures())
def test_structures(name):
    """A structure that was found when the function was traced must be there at each call."""
    A = structures()[name]
    B = lineal.tensor(np.random.default_rng(1).standard_normal((len(A), 2)))
    function = lambda A, B: linalg.solve(A, B, assume=name)
    compiled = compile(function)
    for scale in (1.0, 2.0, 3.0):
        lineal.testing.assert_close(compiled(lineal.tensor(A * scale), B), function(lineal.tensor(A * scale), B))
    full, singular = A + np.random.default_rng(2).standard_normal(A.shape), A.copy()
    singular[3] = singular[:, 3] = 0
    for other in map(lineal.tensor, (full, singular)):
        try:
            expected = function(other, B)
        except LinAlgError:
            with pytest.raises(LinAlgError):
                compiled(other, B)
        else:
            lineal.testing.assert_close(compiled(other, B), expected)


@pytest.mark.parametrize("lead", [(), (300,)])
@pytest.mark.parametrize("n", [3, 100])
def test_sign_of_nan(lead, n):
    """The sign of a determinant that is NaN is 0."""
    if lead and n > 3:
        lead = (2,)
    good, lost = np.broadcast_to(np.eye(n), (*lead, n, n)).copy(), np.full((*lead, n, n), np.nan)
    compiled = compile(lambda A: tuple(linalg.slogdet(A)))
    compiled(lineal.tensor(good))
    for function in (compiled, linalg.slogdet):
        sign, logarithm = function(lineal.tensor(lost))
        assert not sign.value.any()
        assert np.isnan(logarithm.value).all()


def test_least_squares_backward():
    """The derivative of least squares of many small matrices is native."""
    rng = np.random.default_rng(0)
    arrays = rng.standard_normal((200, 5, 3)), rng.standard_normal((200, 5, 2))

    def grads(function):
        xs = [lineal.tensor(each, requires_grad=True) for each in arrays]
        lineal.cos(function(*xs)).sum().backward()
        return [x.grad for x in xs]

    function = lambda A, B: linalg.lstsq(A, B)[0]
    compiled = compile(function)
    grads(compiled)
    for found, expected in zip(grads(compiled), grads(function)):
        lineal.testing.assert_close(found, expected)
    xs = [lineal.tensor(each, requires_grad=True) for each in arrays]
    backward = explain(compiled)(*xs).split("backward of ")[1]
    assert "lstsq_pull" in backward
    assert "host step [" not in backward


LARGE = {
    "solve": lambda A, B: linalg.solve(A, B),
    "solve turned": lambda A, B: linalg.solve(A.mT, B),
    "inv": lambda A, B: linalg.inv(A),
    "cholesky": lambda A, B: linalg.cholesky(A @ A.mT),
    "cholesky upper": lambda A, B: linalg.cholesky(A @ A.mT, upper=True),
    "solve_triangular": lambda A, B: linalg.solve_triangular(A, B, upper=False),
    "unit upper": lambda A, B: linalg.solve_triangular(A * 0.1, B, upper=True, unitriangular=True),
}


@pytest.mark.parametrize(("lead", "n", "columns"), [((), 96, 1), ((), 130, 3), ((2,), 150, 20)])
@pytest.mark.parametrize("name", LARGE)
def test_large(name, lead, n, columns):
    """Large matrices go to the programs that eager code takes, not to LAPACK."""
    rng = np.random.default_rng(n)
    arrays = rng.standard_normal((*lead, n, n)) * 0.1 + 4 * np.eye(n), rng.standard_normal((*lead, n, columns))

    def values(function):
        xs = [lineal.tensor(each, requires_grad=True) for each in arrays]
        y = function(*xs)
        lineal.cos(y).sum().backward()
        return [y.detach(), *(x.grad for x in xs if x.grad is not None)]

    compiled = compile(LARGE[name])
    values(compiled)
    for found, expected in zip(values(compiled), values(LARGE[name])):
        lineal.testing.assert_close(found, expected)
    assert compiled.eager is None
    text = explain(compiled)(*[lineal.tensor(each, requires_grad=True) for each in arrays])
    assert not any(word in text for word in ("getr", "potrf", "trsm", "host step ["))
