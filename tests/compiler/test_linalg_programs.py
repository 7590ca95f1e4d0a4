"""Factorisations and solutions inside programs: native, equal to eager code, and failing as eager code fails."""

import numpy as np
import pytest

import lineal
from lineal.base.errors import LinAlgError
from lineal.compiler import compile, explain

linalg = lineal.linalg
SIZES = [((), 1), ((), 5), ((), 40), ((3,), 4), ((9,), 3), ((300,), 4), ((2, 70), 6), ((5,), 35)]


def positive(lead, n, dtype=np.float64):
    """Return positive definite matrices."""
    A = np.random.default_rng(n).standard_normal((*lead, n, n))
    return (A @ A.swapaxes(-1, -2) / n + np.eye(n)).astype(dtype)


def general(lead, n, dtype=np.float64):
    """Return matrices far from singular, with elements off the diagonal that ask for exchanges."""
    A = np.random.default_rng(n).standard_normal((*lead, n, n))
    return (A[..., ::-1, :] + 2 * n**0.5 * np.eye(n)[::-1]).astype(dtype)


def right(lead, n, dtype=np.float64, columns=2):
    """Return right-hand sides."""
    return np.random.default_rng(n + 1).standard_normal((*lead, n, columns)).astype(dtype)


def factored_first(A, B):
    """Solve by factors."""
    LU, pivots = linalg.lu_factor(A)
    return linalg.lu_solve(LU, pivots, B)


FUNCTIONS = {
    "cholesky": (lambda A: linalg.cholesky(A), [positive]),
    "cholesky upper": (lambda A: linalg.cholesky(A.mT, upper=True), [positive]),
    "cholesky_solve": (lambda A, B: lineal.cholesky_solve(B, linalg.cholesky(A)), [positive, right]),
    "solve": (lambda A, B: linalg.solve(A, B), [general, right]),
    "solve turned": (lambda A, B: linalg.solve(A.mT, B.mT.contiguous().mT), [general, right]),
    "solve from the right": (lambda A, B: linalg.solve(A, B.mT, left=False), [general, right]),
    "solve_triangular": (lambda A, B: linalg.solve_triangular(A, B, upper=False), [positive, right]),
    "unit upper": (lambda A, B: linalg.solve_triangular(A * 0.1, B, upper=True, unitriangular=True), [positive, right]),
    "inv": (lambda A: linalg.inv(A), [general]),
    "det": (lambda A: linalg.det(A / (2 * A.shape[-1] ** 0.5)), [general]),
    "slogdet": (lambda A: linalg.slogdet(A)[1], [general]),
    "logdet": (lambda A: lineal.logdet(A), [positive]),
    "lu_solve": (factored_first, [general, right]),
}


def gradients_of(function, arrays):
    """Return the value of Σ cos(y) and its gradients."""
    xs = [lineal.tensor(each, requires_grad=True) for each in arrays]
    y = function(*xs)
    lineal.cos(y).sum().backward()
    return [y.detach().value, *(x.grad.value for x in xs)]


@pytest.mark.parametrize("dtype", [pytest.param(np.float32, marks=pytest.mark.slow), np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("lead, n", SIZES)
def test_values_and_derivatives(name, lead, n, dtype):
    """A program gives eager code's numbers, forward and backward, without a step of the host's."""
    function, made = FUNCTIONS[name]
    arrays = [each(lead, n, dtype) for each in made]
    compiled = compile(function)
    gradients_of(compiled, arrays)
    arrays = [each * dtype(0.97) for each in arrays]
    scale = 3000 * n * np.finfo(dtype).eps
    for got, wanted in zip(gradients_of(compiled, arrays), gradients_of(function, arrays)):
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=scale, atol=scale * max(1, np.abs(wanted).max()))
    xs = [lineal.tensor(each, requires_grad=True) for each in arrays]
    # the inverse of a permutation, and the polynomials that small determinants have as derivatives, are the host's
    if name not in ("lu_solve", "det"):
        assert "host step " not in explain(compiled)(*xs)


@pytest.mark.parametrize("lead", [(), (300,)])
def test_decompositions_of_batches(lead):
    """Eigenvalues, singular values and Q R agree with eager code; those of batches are native."""
    function = lambda A: (linalg.eigh(A), linalg.svd(A), linalg.qr(A))
    compiled = compile(function)
    for turn in range(3):
        A = lineal.tensor(positive(lead, 5) * (1 + turn))
        for got, wanted in zip(compiled(A), function(A)):
            for one, other in zip(got, wanted):
                np.testing.assert_allclose(one.value, other.value, rtol=1e-9, atol=1e-9)
    assert ("host step " in explain(compiled)(A)) == (not lead)


FAILING = {
    "solve": (lambda A: linalg.solve(A, A[..., :1] + 1), general, "singular"),
    "inv": (lambda A: linalg.inv(A), general, "singular"),
    "inv times": (lambda A: linalg.inv(A) @ (A + 1), general, "singular"),
    "cholesky": (lambda A: linalg.cholesky(A), positive, "positive"),
    "lu_factor": (lambda A: linalg.lu_factor(A)[0], general, "singular"),
}


def spoiled(A):
    """Return matrices one of which is indefinite and singular."""
    A = A.copy()
    A[(-1,) * (A.ndim - 2)] *= -1
    A[(-1,) * (A.ndim - 2)][:, 0] = 0
    return A


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("lead, n", SIZES)
def test_errors(name, lead, n):
    """What eager code refuses is refused with the same words, and the program goes on working."""
    function, made, _ = FAILING[name]
    compiled = compile(function)
    good, bad = lineal.tensor(made(lead, n)), lineal.tensor(spoiled(made(lead, n)))
    compiled(good)
    with pytest.raises(LinAlgError) as wanted:
        function(bad)
    for _ in range(2):
        with pytest.raises(LinAlgError) as got:
            compiled(bad)
        assert str(got.value) == str(wanted.value)
        np.testing.assert_allclose(compiled(good).value, function(good).value, rtol=1e-8, atol=1e-8)
    assert compiled.eager is None


@pytest.mark.parametrize("lead", [(), (20,)])
def test_failure_changes_nothing(lead):
    """A call that fails leaves parameters and state as they were."""
    w = lineal.nn.Parameter(lineal.tensor(np.ones(4)))
    count = lineal.tensor(0.0, dtype=lineal.float64)
    optimizer = lineal.optim.SGD([w], lr=0.1, momentum=0.9)

    def step(A):
        count.add_(1)
        optimizer.zero_grad()
        loss = (linalg.cholesky(A) @ w).sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    compiled, good, bad = compile(step), lineal.tensor(positive(lead, 4)), lineal.tensor(spoiled(positive(lead, 4)))
    for _ in range(4):
        compiled(good)
    before = w.detach().clone()
    assert float(count) == 4
    with pytest.raises(LinAlgError):
        compiled(bad)
    # the function itself counted before it failed, once
    assert float(count) == 5
    assert lineal.equal(w, before)
    compiled(good)
    assert float(count) == 6
    assert not lineal.equal(w, before)
    assert compiled.eager is None


def test_caught_error():
    """A function that catches the error goes its other way."""

    def function(A):
        try:
            return linalg.cholesky(A)
        except LinAlgError:
            return A * 0

    compiled = compile(function)
    A = lineal.tensor(positive((), 6))
    for each in (A, -A, A, -A):
        assert lineal.allclose(compiled(each), function(each))


def test_infos():
    """The forms that do not raise tell what failed, call by call."""
    functions = [linalg.cholesky_ex, linalg.inv_ex, linalg.lu_factor_ex, lambda A: linalg.solve_ex(A, A[..., :1])]
    for function in functions:
        compiled = compile(function)
        for A in (positive((6,), 3), spoiled(positive((6,), 3)), positive((6,), 3)):
            for got, wanted in zip(compiled(lineal.tensor(A)), function(lineal.tensor(A))):
                assert lineal.allclose(got, wanted, equal_nan=True)


@pytest.mark.filterwarnings("ignore::lineal.base.errors.IllConditionedWarning")
def test_signs_of_determinants():
    """A program follows the determinant's sign and range where the trace had others."""
    compiled = compile(lambda A: (linalg.det(A), lineal.logdet(A), *linalg.slogdet(A)))
    for scale in (1.0, -1.0, 1e-300, 0.0, 1e200):
        A = lineal.tensor(positive((), 5))
        A[0] *= scale
        found, sizes = compiled(A), (linalg.det(A), lineal.logdet(A), *linalg.slogdet(A))
        for got, wanted in zip(found, sizes):
            assert lineal.allclose(got, wanted, equal_nan=True, rtol=1e-12)


def test_derivative_of_a_determinant_of_zero():
    """Where the determinant vanishes later, the derivative is the cofactors', as in eager code."""
    compiled = compile(lambda A: linalg.det(A).sum())
    for A in (general((), 5), spoiled(general((), 5)), general((), 5)):
        got, wanted = lineal.tensor(A, requires_grad=True), lineal.tensor(A, requires_grad=True)
        compiled(got).backward()
        linalg.det(wanted).sum().backward()
        np.testing.assert_allclose(got.grad.value, wanted.grad.value, rtol=1e-9, atol=1e-9)


SORTED = {
    "sort": lambda x: lineal.sort(x),
    "descending": lambda x: lineal.sort(x, 0, descending=True),
    "argsort": lambda x: (lineal.argsort(x, -1),),
    "topk": lambda x: lineal.topk(x, min(3, x.shape[-1])),
    "smallest": lambda x: lineal.topk(x, 1, largest=False),
    "kthvalue": lambda x: lineal.kthvalue(x, x.shape[0], 0),
}


@pytest.mark.parametrize("name", SORTED)
@pytest.mark.parametrize("shape", [(7,), (100, 10), (30, 5, 8), (3, 1)])
def test_sorting_short_rows(name, shape):
    """Short rows are sorted natively: NaN are the largest, equals keep their order."""
    generator = np.random.default_rng(0)
    function = SORTED[name]
    compiled = compile(function)
    small = generator.integers(0, 5, shape)
    for a in (generator.standard_normal(shape), np.where(generator.random(shape) < 0.3, np.nan, small), small):
        x = lineal.tensor(a)
        compiled(x)
        for got, wanted in zip(compiled(x), function(x)):
            np.testing.assert_array_equal(got.value, wanted.value)
        if shape != (100, 10):
            assert "host step " not in explain(compiled)(x)


def test_vmap_inside():
    """A compiled function may map one that factors."""
    function = lambda A: lineal.func.vmap(lambda a: linalg.cholesky(a) @ linalg.inv(a))(A)
    compiled = compile(function)
    for turn in range(3):
        A = lineal.tensor(positive((7,), 4) + turn)
        assert lineal.allclose(compiled(A), function(A))
