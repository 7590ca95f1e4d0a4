"""Rewrites: each gives the numbers of what it replaces, does what it is for, and can be turned off."""

import numpy as np
import pytest

import lineal
from lineal.compiler import compile, explain
from lineal.compiler.passes import without

linalg = lineal.linalg
generator = np.random.default_rng(0)


def variables(*arrays):
    """Return tensors that require grad."""
    return [lineal.tensor(each, requires_grad=True) for each in arrays]


def normal(*shape):
    """Return random numbers."""
    return generator.standard_normal(shape)


def regular(*lead, n):
    """Return matrices far from singular, of positive determinant."""
    A = normal(*lead, n, n)
    return A @ A.swapaxes(-1, -2) / n + np.eye(n)


def results(function, arrays, inside):
    """Return the loss and gradients, the way back run in the compiled function if `inside`, and what became of it."""
    xs = variables(*arrays)
    if inside:

        def step():
            for x in xs:
                x.grad = None
            loss = function(*xs)
            loss.backward()
            return loss.detach()

        compiled, given = compile(step), ()
    else:
        compiled, given = compile(function), tuple(xs)
    for _ in range(2):
        for x in xs if not inside else ():
            x.grad = None
        loss = compiled(*given)
        if not inside:
            loss.backward()
    assert compiled.eager is None
    return [loss.detach().value, *(x.grad.value for x in xs)], explain(compiled)(*given)


def eager(function, arrays):
    """Return the loss and gradients of eager code."""
    xs = variables(*arrays)
    loss = function(*xs)
    loss.backward()
    return [loss.detach().value, *(x.grad.value for x in xs)]


def agree(found, wanted, tolerance=1e-9):
    for one, other in zip(found, wanted):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


INVERSES = {
    "left": lambda A, B: linalg.inv(A) @ B,
    "right": lambda A, B: B.mT @ linalg.inv(A),
    "turned": lambda A, B: linalg.inv(A).mT @ B,
    "turned right": lambda A, B: B.mT @ linalg.inv(A).mT,
    "both sides": lambda A, B: B.mT @ linalg.inv(A) @ B,
    "twice": lambda A, B: linalg.inv(A) @ B + linalg.inv(A).mT @ B,
}


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("name", INVERSES)
@pytest.mark.parametrize("lead, n", [((), 3), ((), 50), ((300,), 4)])
def test_solve(name, lead, n, inside):
    """An inverse that is only multiplied is never formed, forward or backward."""
    function = lambda A, B: INVERSES[name](A, B).square().sum()
    arrays = [regular(*lead, n=n), normal(*lead, n, 2)]
    found, text = results(function, arrays, inside)
    agree(found, eager(function, arrays))
    assert "getri" not in text
    assert "= inverse" not in text
    with without("solve"):
        found, text = results(function, arrays, inside)
    agree(found, eager(function, arrays))
    assert "getri" in text or "= inverse" in text


VECTORS = {
    "left": lambda A, b: linalg.inv(A) @ b,
    "right": lambda A, b: b @ linalg.inv(A),
    "turned": lambda A, b: A.inverse().T.mv(b),
    "both": lambda A, b: b @ linalg.inv(A) @ b,
}


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("name", VECTORS)
def test_solve_for_vectors(name, inside):
    """An inverse that is only multiplied by vectors is never formed."""
    function = lambda A, b: VECTORS[name](A, b).square().sum()
    arrays = [regular(n=30), normal(30)]
    found, text = results(function, arrays, inside)
    agree(found, eager(function, arrays))
    assert "getri" not in text


@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4)])
def test_inverses_times_infinities(shape):
    A = lineal.eye(4, dtype=lineal.float64) * 5 + lineal.arange(16.0, dtype=lineal.float64).reshape(4, 4).cos().expand(shape)
    B = lineal.ones(shape[:-1], dtype=lineal.float64)[..., None].clone()
    function = lambda A, B: lineal.linalg.inv(A) @ B
    compiled = compile(function)
    for number in (1.0, 1.0, np.inf, 2.0, -np.inf, np.nan):
        B[..., 0, :] = number
        np.testing.assert_allclose(compiled(A, B).numpy(), function(A, B).numpy())
    assert compiled.eager is None


def test_inverse_that_is_seen():
    """An inverse that is wanted itself is formed, and multiplied as it is."""
    function = lambda A, B: (linalg.inv(A) @ B).sum() + linalg.inv(A).sum()
    arrays = [regular(n=20), normal(20, 2)]
    found, text = results(function, arrays, False)
    agree(found, eager(function, arrays))
    assert "getri" in text


LOGARITHMS = {
    "log": lambda A: lineal.log(linalg.det(A)),
    "log of size": lambda A: lineal.log(lineal.abs(linalg.det(A))),
    "method": lambda A: linalg.det(A).abs().log(),
}


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("name", LOGARITHMS)
@pytest.mark.parametrize("lead, n", [((), 5), ((), 60), ((300,), 4)])
def test_slogdet(name, lead, n, inside):
    """The logarithm of a determinant is that of its factors."""
    function = lambda A: LOGARITHMS[name](A).sum()
    arrays = [regular(*lead, n=n)]
    found, text = results(function, arrays, inside)
    agree(found, eager(function, arrays))
    assert "SignLogDet" in text
    assert " Determinant" not in text
    with without("slogdet"):
        found, text = results(function, arrays, inside)
    agree(found, eager(function, arrays))
    assert "SignLogDet" not in text


@pytest.mark.filterwarnings("ignore::lineal.base.errors.IllConditionedWarning")
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("lead, n", [((), 60), ((40,), 40)])
def test_determinants_out_of_range(lead, n, scale, inside):
    """Where the determinant itself is 0 or infinite, its logarithm and the derivative are right."""
    A = regular(*lead, n=n) * scale
    found, _ = results(lambda A: lineal.log(linalg.det(A)).sum(), [A], inside)
    agree(found, [np.linalg.slogdet(A)[1].sum(), np.linalg.inv(A).swapaxes(-1, -2)], 1e-8)


def test_sign_of_a_logarithm():
    """The logarithm of a negative determinant is NaN."""
    compiled = compile(lambda A: lineal.log(linalg.det(A)))
    A = regular(n=5)
    for sign in (1, -1, 1):
        B = A.copy()
        B[0] *= sign
        assert np.isnan(compiled(lineal.tensor(B)).value) == (sign < 0)


def test_chain():
    """Products of several matrices are taken in the order that costs least, turned factors too."""
    function = lambda A, B, C, v: (A @ B @ C.mT @ v).square().sum()
    arrays = [normal(60, 50), normal(50, 40), normal(30, 40), normal(30, 1)]
    found, text = results(function, arrays, False)
    agree(found, eager(function, arrays))
    with without("chain"):
        found, plain = results(function, arrays, False)
    agree(found, eager(function, arrays))
    count = lambda text: sum(
        int(each.split(" operations")[0].split()[-1].replace(",", "")) for each in text.split(" memory, ")[1:]
    )
    assert count(text) < count(plain)


def test_chain_is_left_alone():
    """An order that costs about as much as another, and factors that others read, stay as written."""
    for function in (lambda A: A @ A @ A.sum(0, keepdim=True).mT * 0 + A @ A @ A, lambda A: (A @ A) @ A.mT):
        arrays = [lineal.tensor(normal(20, 20))]
        with without("chain"):
            plain = explain(compile(function))(*arrays)
        assert explain(compile(lambda A: A @ A @ A))(*arrays)
        assert plain.count("MatMul") >= explain(compile(function))(*arrays).count("MatMul")


def test_stacks_are_plain():
    """Where nobody wants to know the condition, nothing is computed for it."""
    with linalg.set_conditioning("off"):
        text = explain(compile(lambda A, B: (linalg.solve(A, B), linalg.det(A))))(
            *map(lineal.tensor, (regular(300, n=4), normal(300, 4, 1)))
        )
    assert "host step " not in text
    assert "probed" not in text
