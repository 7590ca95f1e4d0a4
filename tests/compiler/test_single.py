"""One-node programs for large arrays, and the ops that use them: against NumPy in float64, in layouts of all sorts."""

import math

import numpy as np
import pytest

import lineal
from lineal.base.config import LARGE_ARRAY
from lineal.compiler.single.expressions import mapped
from lineal.compiler.single.reductions import folded, rowwise
from lineal.tracing.recorder import trace

RNG = np.random.default_rng(0)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def normal(*shape, dtype="float32"):
    return RNG.standard_normal(shape).astype(dtype)


def expression(m, a, b):
    return m.exp(a) * b + a


@dtypes
@pytest.mark.parametrize(
    "first, second",
    [
        ((70, 90), (70, 90)),
        ((70, 90), (90,)),
        ((70, 90), (70, 1)),
        ((70, 1), (1, 90)),
        ((6, 5, 7, 33), (5, 1, 1)),
        ((40, 1, 50), (30, 1)),
        ((), (300,)),
    ],
)
def test_a_loop_broadcasts_as_numpy_does(first, second, dtype):
    a, b = normal(*first, dtype=dtype), normal(*second, dtype=dtype)
    y = mapped(expression, (a, b), a.dtype)
    assert y is not None and y.dtype == a.dtype and y.flags.c_contiguous
    np.testing.assert_allclose(y, expression(np, a, b), rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)


def test_a_loop_reads_parts_of_arrays_in_order():
    a, b = normal(60, 100)[3:, 7:70], normal(57, 63)
    np.testing.assert_allclose(mapped(expression, (a, b), a.dtype), expression(np, a, b), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("a", [normal(80, 80).T, normal(80, 80)[::-1], normal(80, 80).astype("complex64")])
def test_other_layouts_and_dtypes_are_left_to_numpy(a):
    assert mapped(expression, (a, a), a.dtype) is None


LAYOUTS = [
    ((30011,), (0,)),
    ((90, 103), (1,)),
    ((1003, 70), (0,)),
    ((90, 103), (0, 1)),
    ((6, 5, 31, 17), (0, 2, 3)),
    ((6, 300, 50), (1,)),
    ((2000, 17), (1,)),
]
layouts = pytest.mark.parametrize("shape, axes", LAYOUTS)


@dtypes
@layouts
@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
def test_a_fold_is_numpys_reduction(ufunc, shape, axes, dtype):
    x = normal(*shape, dtype=dtype)
    y = folded(ufunc, x, axes)
    wanted = ufunc.reduce(x.astype("longdouble"), axis=axes, keepdims=True)
    assert y is not None and y.shape == wanted.shape and y.dtype == x.dtype
    scale = 1 if ufunc is not np.add else math.sqrt(x.size / y.size)
    assert np.abs(y - wanted).max() <= (16 * np.finfo(dtype).eps * scale if ufunc is np.add else 0)


@layouts
def test_a_fold_has_a_term_of_several_arrays(shape, axes):
    x = normal(*shape, dtype="float64")
    centre = x.mean(axes, keepdims=True)
    if len(axes) == 3:
        return
    y = folded(np.add, x, axes, None, lambda m, x, c: (x - c) * (x - c), (centre,))
    np.testing.assert_allclose(y, ((x - centre) ** 2).sum(axes, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_folds_of_whole_numbers_and_bools(axes):
    n = RNG.integers(-50, 50, (300, 77)).astype(np.int32)
    np.testing.assert_array_equal(folded(np.add, n, axes, np.dtype("int64")), n.sum(axes, keepdims=True))
    np.testing.assert_array_equal(folded(np.maximum, n, axes), n.max(axes, keepdims=True))
    for ufunc, mask in ((np.logical_or, n > 48), (np.logical_and, n > -49)):
        np.testing.assert_array_equal(folded(ufunc, mask, axes), ufunc.reduce(mask, axis=axes, keepdims=True))


def test_sums_of_float32_are_rounded_no_worse_than_by_pairs():
    errors = []
    for _ in range(20):
        x = RNG.random(200_000, np.float32)
        exact = math.fsum(x)
        errors.append((abs(float(folded(np.add, x, (0,))[0]) - exact), abs(float(np.add.reduce(x)) - exact)))
    ours, numpys = np.sqrt(np.mean(np.square(errors), 0))
    assert ours <= 2 * numpys


def test_a_formula_over_rows_reads_and_writes_rows_singles_and_shared_ones():
    def formula(m, x, w, c, scale):
        total = m.row_sum(x * w)
        return x * w / total + c * scale, total

    x, w, c = normal(100, 37, dtype="float64"), normal(37, dtype="float64"), normal(100, 1, dtype="float64")
    y, total = rowwise(formula, 37, (x, w, c), (x.shape, (100, 1)), 3.0)
    np.testing.assert_allclose(total, (x * w).sum(1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(y, x * w / (x * w).sum(1, keepdims=True) + 3 * c, rtol=1e-10)


@pytest.mark.parametrize("rows", [16, 63, 200])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_formula_over_rows_sums_them_up(rows, dtype):
    def formula(m, x):
        return x * m.row_sum(x), x

    x = normal(rows, 37, dtype=dtype)
    weighted, plain = rowwise(formula, 37, (x,), ((37,), (37,)))
    exact = x.astype("float64")
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(plain, exact.sum(0), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(weighted, (exact * exact.sum(1, keepdims=True)).sum(0), rtol=tolerance, atol=10 * tolerance)


# the ops: a large tensor gives what its rows, too small to be large, give


def large_and_small(n=700):
    x = normal(n, n, dtype="float64")
    assert x.size >= LARGE_ARRAY > n
    return lineal.from_numpy(x), x


REDUCTIONS = {
    "sum": lambda t: t.sum(1),
    "mean": lambda t: t.mean(1),
    "amax": lambda t: t.amax(1),
    "max": lambda t: t.max(1)[0],
    "max index": lambda t: t.max(1)[1],
    "argmin": lambda t: t.argmin(1),
    "prod": lambda t: t.prod(1),
    "var": lambda t: t.var(1),
    "std": lambda t: t.std(1, correction=0),
    "norm": lambda t: t.norm(2, 1),
    "norm 1": lambda t: t.norm(1, 1),
    "norm inf": lambda t: t.norm(math.inf, 1),
    "logsumexp": lambda t: t.logsumexp(1),
    "any": lambda t: (t > 3).any(1),
    "all": lambda t: (t > -3).all(1),
    "softmax": lambda t: t.softmax(1),
    "log_softmax": lambda t: t.log_softmax(1),
    "layer_norm": lambda t: lineal.nn.functional.layer_norm(t, t.shape[1:]),
    "gelu": lambda t: lineal.nn.functional.gelu(t),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_large_op_gives_what_small_ones_give(name):
    function = REDUCTIONS[name]
    t, x = large_and_small()
    y = function(t).numpy()
    rows = [function(lineal.from_numpy(x[n : n + 1])).numpy()[0] for n in range(0, 700, 97)]
    np.testing.assert_allclose(y[::97], np.stack(rows), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["amax", "sum", "logsumexp", "softmax", "log_softmax", "layer_norm", "var", "norm", "argmin"])
def test_nan_and_infinities_pass_through(name):
    x = normal(700, 700, dtype="float64")
    x[1, 3], x[2, 4], x[3, 5], x[4] = math.nan, math.inf, -math.inf, -math.inf
    function = REDUCTIONS[name]
    y = function(lineal.from_numpy(x)).numpy()[:6]
    np.testing.assert_allclose(y, function(lineal.from_numpy(x[:6].copy())).numpy(), rtol=1e-12, atol=1e-14)


def test_the_first_of_equal_elements_is_found():
    x = np.zeros((4, 1 << 17), np.float32)
    x[:, 70000:] = 1
    assert lineal.from_numpy(x).argmax(1).tolist() == [70000] * 4
    assert lineal.from_numpy(x).argmax().item() == 70000
    assert lineal.from_numpy(x.T.copy()).argmax(0).tolist() == [70000] * 4


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "layer_norm", "gelu", "var", "norm"])
def test_gradients_of_large_ops_are_those_of_small_ones(name):
    function = REDUCTIONS[name]
    x = normal(700, 700, dtype="float64")
    gradients = []
    for part in (x, x[:5].copy()):
        t = lineal.from_numpy(part).requires_grad_()
        y = function(t)
        (y * y).sum().backward()
        gradients.append(t.grad.numpy()[:5])
    np.testing.assert_allclose(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("named", ["", "w", "wb"])
def test_a_large_layer_norm_has_all_its_derivatives(named):
    x = normal(700, 700, dtype="float64")
    given = {"w": normal(700, dtype="float64"), "b": normal(700, dtype="float64")}
    found = []
    for parts in ([x], np.split(x, 4)):
        tensors = [lineal.from_numpy(each.copy()).requires_grad_() for each in parts]
        w, b = (lineal.from_numpy(given[name]).requires_grad_() if name in named else None for name in "wb")
        ys = [lineal.nn.functional.layer_norm(t, (700,), w, b) for t in tensors]
        loss = sum((y * y * y).sum() for y in ys)
        inputs = [*tensors, *(each for each in (w, b) if each is not None)]
        first = lineal.autograd.grad(loss, inputs, create_graph=True)
        second = lineal.autograd.grad(sum((g * g).sum() for g in first), inputs)
        count = len(tensors)
        for gradients in (first, second):
            found.append([np.concatenate([g.detach().numpy() for g in gradients[:count]])])
            found[-1] += [g.detach().numpy() for g in gradients[count:]]
    for a, b in zip(found[0] + found[1], found[2] + found[3]):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * np.abs(b).max())
    t, *rest = (lineal.from_numpy(each).requires_grad_() for each in (x, *(given[name] for name in named)))
    y = lineal.nn.functional.layer_norm(t, (700,), *rest)
    for g, b in zip(lineal.autograd.grad((y * y * y).sum(), (t, *rest)), found[0], strict=True):
        np.testing.assert_allclose(g.numpy(), b, rtol=1e-8, atol=1e-8 * np.abs(b).max())


def test_a_trace_hears_the_same_ops_of_large_tensors_as_of_small_ones():
    def function(t):
        y = lineal.nn.functional.layer_norm(t, t.shape[1:])
        return lineal.nn.functional.mse_loss(y, t) + y.softmax(1).logsumexp(0).std()

    large, small = (trace(function, lineal.from_numpy(normal(rows, 700)))[1] for rows in (700, 5))
    assert [type(each.op) for each in large] == [type(each.op) for each in small]


@pytest.mark.parametrize(
    "name, options", [("SGD", {"momentum": 0.9, "nesterov": True}), ("AdamW", {}), ("RMSprop", {"centered": True})]
)
def test_large_steps_are_the_steps_of_their_parts(name, options):
    p, gs = normal(LARGE_ARRAY + 3, dtype="float64"), [normal(LARGE_ARRAY + 3, dtype="float64") for _ in range(3)]
    ends = []
    for part in (slice(None), slice(0, 999)):
        t = lineal.from_numpy(p[part].copy()).requires_grad_()
        optimizer = getattr(lineal.optim, name)([t], lr=0.1, **options)
        for g in gs:
            t.grad = lineal.from_numpy(g[part].copy())
            optimizer.step()
        ends.append(t.detach().numpy()[:999])
    np.testing.assert_allclose(*ends, rtol=1e-9)


SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-30, 1.0, -1.0, 2.5, -3.0, 7e29, -1e30, 3.0, 88.0]
EVERYWHERE = -(-LARGE_ARRAY // len(SPECIAL) ** 2)


@dtypes
@pytest.mark.parametrize(
    "name", ["div", "remainder", "fmod", "floor_divide", "copysign", "maximum", "atan2", "logaddexp", "pow", "xlogy", "hypot"]
)
def test_large_arrays_have_the_special_values_of_small_ones(name, dtype):
    a, b = (each.ravel() for each in np.meshgrid(*[np.array(SPECIAL, dtype)] * 2))
    small = getattr(lineal, name)(lineal.from_numpy(a), lineal.from_numpy(b)).numpy()
    large = getattr(lineal, name)(*[lineal.from_numpy(np.tile(each, EVERYWHERE)) for each in (a, b)]).numpy()
    assert large.dtype == small.dtype
    np.testing.assert_allclose(large, np.tile(small, EVERYWHERE), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ["sign", "sgn", "signbit", "round", "exp", "isnan", "rsqrt"])
def test_large_arrays_have_the_special_values_of_small_ones_in_functions_of_one(name):
    x = lineal.tensor(SPECIAL)
    small, large = (getattr(lineal, name)(each).numpy() for each in (x, x.repeat(EVERYWHERE * len(SPECIAL))))
    assert large.dtype == small.dtype
    np.testing.assert_allclose(large[: len(SPECIAL)], small, rtol=1e-6)


@pytest.mark.parametrize("name, reference", [("remainder", np.remainder), ("fmod", np.fmod), ("floor_divide", np.floor_divide)])
def test_division_with_remainder_is_exact_whatever_the_quotient(name, reference):
    a, b = normal(LARGE_ARRAY) * np.float32(1e20), np.abs(normal(LARGE_ARRAY)) + np.float32(0.1)
    y = getattr(lineal, name)(lineal.from_numpy(a), lineal.from_numpy(b)).numpy()
    np.testing.assert_array_equal(y, reference(a, b))


@dtypes
def test_a_condition_has_no_say_in_the_dtype(dtype):
    a, b = normal(LARGE_ARRAY, dtype=dtype), normal(LARGE_ARRAY, dtype=dtype)
    y = lineal.where(lineal.from_numpy(a > b), lineal.from_numpy(a), lineal.from_numpy(b)).numpy()
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.maximum(a, b))
