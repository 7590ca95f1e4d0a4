"""What leaves few digits is refined or told of; gradients of degenerate matrices do not depend on the scale they have."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal import linalg
from lineal.testing.gallery import frank
from lineal.testing.truth import Truth, error


def heard(call):
    """Return what a call gives, or None, and whether it warned or refused."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            return call(), any(issubclass(each.category, torch.IllConditionedWarning) for each in said)
        except linalg.LinAlgError:
            return None, True


CALLS = {
    "solve": lambda A, B: linalg.solve(A, B),
    "solve, by columns": lambda A, B: linalg.solve(A.mT, B.mT, left=False).mT,
    "inv": lambda A, B: linalg.inv(A),
    "det": lambda A, B: linalg.det(A)[..., None, None],
}
EXACT = {"inv": lambda A, B: np.linalg.inv(A), "det": lambda A, B: np.linalg.det(A)[None, None]}
WAYS = {
    "eager": lambda call: call,
    "compiled": torch.compile,
    "stack": lambda call: lambda A, B: call(A.repeat(6, 1, 1), B.repeat(6, 1, 1))[3],
    "few": lambda call: lambda A, B: call(A.repeat(2, 1, 1), B.repeat(2, 1, 1))[1],
}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("name", sorted(CALLS))
def test_franks_matrices_are_right_or_told_of(name, way):
    for n in (12, 15, 18):
        for A in (frank(n), frank(n).T.copy(), frank(n) * 1e-150, frank(n) * np.logspace(0, 12, n)[:, None]):
            truth, B = Truth(A), A @ np.ones((n, 1))
            if name == "det" and not 1e-290 < abs(truth.det) < 1e290:
                continue
            wanted = truth.inverse if name == "inv" else [[truth.det]] if name == "det" else truth.solution(B)
            call = WAYS[way](CALLS[name])
            for _ in range(4):
                got, told = heard(lambda call=call, A=A, B=B: call(torch.from_numpy(A), torch.from_numpy(B)))
                assert told or error(got.numpy(), wanted) < 1e-3, (n, name)


def near_to_singular(kind, n, condition):
    """Return a matrix of single precision whose condition is at least this."""
    generator = np.random.default_rng(n)
    A = generator.normal(size=(n, n))
    if kind == "columns":
        A[:, 1] = A[:, 0] + A[:, 1] / condition
    else:
        U, S, Vh = np.linalg.svd(A)
        S[:] = np.geomspace(1, 1 / condition, n) if kind == "geometric" else np.where(np.arange(n) < n - 1, 1, 1 / condition)
        A = (U * S) @ Vh
    return A.astype(np.complex64 if kind == "complex" else np.float32) * (1 + 0.5j if kind == "complex" else 1)


@pytest.mark.parametrize("kind", ["columns", "geometric", "one small", "complex"])
@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("name", sorted(CALLS))
def test_three_digits_of_single_precision_are_right_or_told_of(name, way, kind):
    for n in (2, 12, 130):
        call = WAYS[way](CALLS[name])
        for condition in (1e3, 3e4, 2e5, 3e6):
            A = near_to_singular(kind, n, condition)
            B = A @ np.ones((n, 1), A.dtype)
            exact = EXACT.get(name, np.linalg.solve)(A.astype(np.complex128), B.astype(np.complex128))
            if not 1e-36 < np.abs(exact).max() < 1e36:
                continue
            got, told = heard(lambda call=call, A=A, B=B: call(torch.from_numpy(A), torch.from_numpy(B)))
            assert told or np.abs(got.numpy() - exact).max() < 1e-3 * np.abs(exact).max(), (n, condition)
            assert not (told and condition < 1e4), (n, condition)


@pytest.mark.parametrize("assume", ["general", "symmetric", "positive definite", "lower triangular", "banded"])
@pytest.mark.parametrize("n", [6, 150])
def test_systems_of_single_precision_with_a_structure(assume, n):
    generator = np.random.default_rng(n)
    A = generator.normal(size=(n, n))
    if assume in ("symmetric", "positive definite"):
        Q, signs = np.linalg.qr(A)[0], 1 if assume == "positive definite" else (-1.0) ** np.arange(n)
        A = (Q * (np.geomspace(1, 1e-5, n) * signs)) @ Q.T
        A = A + A.T
    elif assume == "lower triangular":
        A = np.tril(A, -1) / n + np.diag(np.geomspace(1, 1e-5, n))
    elif assume == "banded":
        A = np.tril(np.triu(A, -1), 1) + np.diag(np.geomspace(8, 1e-4, n))
    A = A.astype(np.float32)
    B = A @ np.ones((n, 1), np.float32)
    exact = np.linalg.solve(A.astype(np.float64), B.astype(np.float64))
    solve = lambda A, B: linalg.solve(A, B, assume=assume)
    for call in (solve, torch.compile(solve), lambda A, B: solve(A[None], B[None])[0]):
        got, told = heard(lambda call=call: call(torch.from_numpy(A), torch.from_numpy(B)))
        assert told or np.abs(got.numpy() - exact).max() < 1e-3 * np.abs(exact).max()


@pytest.mark.parametrize("name", sorted(CALLS))
def test_derivatives_of_what_was_refined(name):
    A = torch.from_numpy(frank(15)).requires_grad_()
    B = torch.from_numpy(frank(15) @ np.ones((15, 1)))
    (by_A,) = torch.autograd.grad(CALLS[name](A, B).sum(), A)
    assert by_A.isfinite().all()


def test_what_is_well_conditioned_is_left_alone():
    generator = np.random.default_rng(0)
    for n in (1, 3, 8, 20, 40):
        A, B = generator.normal(size=(n, n)) + 3 * np.eye(n), np.ones((n, 1))
        for call in CALLS.values():
            assert not heard(lambda call=call, A=A, B=B: call(torch.from_numpy(A), torch.from_numpy(B)))[1]


def degenerate(kind):
    generator = np.random.default_rng(1)
    A = generator.normal(size=(6, 4))
    if kind == "rank 2":
        return generator.normal(size=(6, 2)) @ generator.normal(size=(2, 4))
    if kind == "repeated":
        U, _, Vh = np.linalg.svd(A, full_matrices=False)
        return (U * [2.0, 2, 1, 1]) @ Vh
    if kind == "empty column":
        A[:, -1] = 0
    if kind == "equal columns":
        A[:, 1] = A[:, 0]
    return A


SOLVERS = {
    "pinv": (linalg.pinv, -1),
    "pinv, hermitian": (lambda A: linalg.pinv(A[:4] + A[:4].mH, hermitian=True), -1),
    "lstsq": (lambda A: linalg.lstsq(A, torch.ones(6, 2, dtype=A.dtype)).solution, -1),
    "lstsq of its own columns": (lambda A: linalg.lstsq(A, A.detach()[:, :1] + A.detach()[:, 2:3]).solution, 0),
}


def derivatives(function, A):
    """Return the first derivative of a weighed sum, and that of a sum of it."""
    x = torch.from_numpy(A).requires_grad_()
    y = function(x)
    real = lambda z: torch.view_as_real(z) if z.is_complex() else z
    weights = torch.linspace(0.5, 1.5, real(y).numel(), dtype=real(y).dtype).reshape(real(y).shape)
    (first,) = torch.autograd.grad((real(y) * weights).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(real(first).sum(), x)
    return first.detach().numpy(), second.numpy()


@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32])
@pytest.mark.parametrize("kind", ["full", "rank 2", "repeated", "empty column", "equal columns"])
@pytest.mark.parametrize("name", sorted(SOLVERS))
def test_gradients_scale_as_they_must(name, kind, dtype):
    function, degree = SOLVERS[name]
    A = degenerate(kind) * (1 + 0.5j if np.issubdtype(dtype, np.complexfloating) else 1)
    wide = np.result_type(dtype, np.float64)
    plain = derivatives(function, A.astype(wide))
    for exponent in (-40, 40) if dtype == np.float32 else (-500, -300, 300):
        found = derivatives(function, (A * 2.0**exponent).astype(dtype))
        for k, (got, base) in enumerate(zip(found, plain), 1):
            power = exponent * (degree - k)
            if abs(power) > (110 if dtype == np.float32 else 950):
                continue
            wanted = base * 2.0 ** (power // 2) * 2.0 ** (power - power // 2)
            tolerance = 3e-2 if dtype == np.float32 else 1e-6
            np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * np.abs(wanted).max(), err_msg=str(exponent))


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(("n", "count"), [(3, 40), (16, 24), (40, 6)])
def test_only_the_doubtful_matrix_of_a_stack_is_computed_again(name, n, count):
    rng = np.random.default_rng(n)
    good = rng.normal(size=(count, n, n)) / np.sqrt(n) + np.eye(n)
    bad = good.copy()
    bad[1, -1] = bad[1, 0] * (1 + 1e-6) + 1e-5 * bad[1, 1]
    B = torch.tensor(rng.normal(size=(count, n, 2)), dtype=torch.float32)
    call, found = CALLS[name], {}
    for kind, values, dtype in (("good", good, torch.float32), ("bad", bad, torch.float32), ("exact", bad, torch.float64)):
        # the numbers in double precision are those that single precision holds
        A = torch.tensor(values, dtype=torch.float32).to(dtype).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.IllConditionedWarning)
            y = call(A, B.to(dtype))
            y.sum().backward()
        found[kind] = [y.detach().double().numpy(), A.grad.double().numpy()]
    # of an inverse's derivative, the rounding of the inverse itself is left
    for plain, mended, exact, within in zip(found["good"], found["bad"], found["exact"], (1e-6, 0.05)):
        elsewhere = np.arange(count) != 1
        np.testing.assert_allclose(mended[elsewhere], plain[elsewhere], rtol=1e-4, atol=1e-4 * np.abs(plain[elsewhere]).max())
        assert np.abs(mended[1] - exact[1]).max() <= within * np.abs(exact[1]).max()


@pytest.mark.parametrize("batch", [(), (5,)], ids=["one", "stack"])
def test_an_inverse_with_an_infinity_is_reported_not_refined_for_ever(batch):
    A = np.array([[1, np.inf, 2], [3, 1, 4], [1, 5, 9.0]])
    with pytest.warns(torch.IllConditionedWarning, match="has inf"):
        Y = linalg.inv(torch.tensor(np.broadcast_to(A, (*batch, 3, 3)).copy()))
    np.testing.assert_allclose(Y.value[..., 0], np.zeros((*batch, 3)))
