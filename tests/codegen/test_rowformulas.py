"""Formulas over rows: what they are as data, and what their readers make of them."""

import numpy as np
import pytest

import lineal
from lineal.codegen.kinds import float32, float64
from lineal.codegen.rowformulas import row_formula
from lineal.compiler.single.reductions import along
from lineal.ops.reductions.front import along_axes

RNG = np.random.default_rng(0)


def softmax(m, x):
    e = m.exp(x - m.row_max(x))
    return e / m.row_sum(e)


def log_sum(m, x):
    top = m.row_max(x)
    return m.log(m.row_sum(m.exp(x - top))) + top


def adjoint(m, g, y):
    return y * (g - m.row_sum(g * y))


def test_a_row_is_divided_by_a_number_once():
    formula = row_formula(softmax, (float32,))
    names = [step.operation for step in formula.steps]
    assert names == ["row_max", "subtract", "exp", "row_sum", "divide", "multiply"]
    assert formula.single == {1, 4, 5}
    assert [step.operation for step in row_formula(lambda m, x: x / 3.0, (float32,)).steps] == ["divide"]
    wider = row_formula(lambda m, x, y: x / m.row_sum(y), (float64, float32))
    assert wider.steps[-1].operation == "divide"


def test_what_takes_long_and_is_read_again_is_kept():
    assert row_formula(softmax, (float32,)).kept == [3]
    assert row_formula(log_sum, (float32,)).kept == []
    assert row_formula(adjoint, (float32, float32)).kept == []


def test_a_part_is_a_formula_of_what_is_known():
    formula = row_formula(softmax, (float32,))
    reads, part = formula.part(3, (0, 1))
    assert (reads, str(part)) == ([0, 1], "exp(x0 - x1)")
    reads, part = formula.part(6, (0, 1, 3, 5))
    assert (reads, str(part)) == ([3, 5], "x0 * x1")
    reads, part = formula.part(0, (0,))
    assert reads == [0] and part.is_copy


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axes", [(2,), (1,), (0,), (0, 1), (1, 2)])
@pytest.mark.parametrize("formula, count", [(softmax, 1), (log_sum, 1), (adjoint, 2)])
def test_native_loops_give_what_the_formula_gives_of_arrays(formula, count, axes, dtype):
    xs = [RNG.standard_normal((40, 50, 60)).astype(dtype) for _ in range(count)]
    y = along(formula, xs, axes)
    wanted = formula(along_axes(np, axes), *[x.astype("float64") for x in xs])
    assert y is not None and y.dtype == dtype and y.shape == wanted.shape
    tolerance = 40 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


def test_other_arrays_are_left_to_numpy():
    x = RNG.standard_normal((64, 64))
    for given in (x.T, x.astype("int64"), x.astype("complex128")):
        assert along(softmax, [given], (0,)) is None
    assert along(adjoint, [x, x[:1]], (1,)) is None


FUNCTIONS = {
    "softmax": lambda t, axis: t.softmax(axis),
    "log_softmax": lambda t, axis: t.log_softmax(axis),
    "logsumexp": lambda t, axis: t.logsumexp(axis, True),
}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_large_tensors_and_their_gradients_are_those_of_small_ones_along_any_axis(name, axis):
    x, other = RNG.standard_normal((70, 80, 90)), (axis + 1) % 3
    found = []
    for given in (x, x.take(range(4), other)):
        t = lineal.from_numpy(given).requires_grad_()
        y = FUNCTIONS[name](t, axis)
        (y * y).sum().backward()
        found.append([each.numpy().take(range(4), other) for each in (y.detach(), t.grad)])
    for large, small in zip(*found):
        np.testing.assert_allclose(large, small, rtol=1e-10, atol=1e-13)
