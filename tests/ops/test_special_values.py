"""Zeros of either sign, infinities, nan, subnormal and huge numbers through every elementwise op: eager, compiled, and large.

The three give results of one class (nan, infinity, zero, and the sign of each), numbers within a few units in the last place.
"""

import importlib
import math
import pkgutil

import numpy as np
import pytest

import lineal
import lineal.nn.functional
import lineal.ops.elementwise
from lineal.base.config import LARGE_ARRAY
from lineal.compiler.lowering.support import supported
from lineal.core import apply
from lineal.nn import functional as F
from lineal.ops.pattern import Elementwise

inf, nan = math.inf, math.nan

# what takes a truth value or a probability, not any number; `lerp` may lose the sign of what is too small
APART = {"where", "keep", "drop", "binary_cross_entropy", "binary_cross_entropy_with_logits", "lerp"}


def found_ops():
    """Return the elementwise ops that modules of rows hold, by label."""
    ops = {}
    for package in (lineal.ops.elementwise, lineal.nn.functional):
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for each in vars(importlib.import_module(info.name)).values():
                op = getattr(each, "op", each)
                if isinstance(op, Elementwise) and op.label not in APART:
                    ops[op.label] = op
    return ops


OPS = found_ops()


def specials(dtype):
    limits = np.finfo(dtype)
    small = [limits.smallest_subnormal, limits.smallest_normal, limits.eps]
    sizes = [0, 1, 0.5, 2, 3, 1.5, 2.5, inf, nan, *small, limits.max, 1e10, 3e18, 1e-20, 100, 88.8, 127, 128, 255, math.pi, 1e5]
    return np.array([sign * each for each in sizes for sign in (1, -1)], dtype)


def whole(dtype):
    limits = np.iinfo(dtype)
    wanted = {0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64, 100, -1, -2, -7, -8, limits.min, limits.min + 1, limits.max}
    return np.array(sorted(each for each in wanted if limits.min <= each <= limits.max), dtype)


def every(numbers, count):
    """Return all combinations of so many of the numbers, as flat arrays."""
    return [np.ascontiguousarray(each.reshape(-1)) for each in np.meshgrid(*[numbers] * count)]


def different(a, b, units):
    """Return where two arrays differ in class, or by more than so many units in the last place."""
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype.kind != "f":
        return a != b
    tiny = np.finfo(a.dtype).smallest_normal * 16
    with np.errstate(all="ignore"):
        apart = np.abs(a.astype(np.longdouble) - b.astype(np.longdouble))
        near = apart <= units * np.spacing(np.maximum(np.abs(a), np.abs(b))).astype(np.longdouble)
    near |= (np.abs(a) < tiny) & (np.abs(b) < tiny)
    alike = np.isfinite(a) & np.isfinite(b) & near & (np.signbit(a) == np.signbit(b))
    return ~(alike | (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b))))


def compared(op, arrays, units):
    tensors = [lineal.from_numpy(each) for each in arrays]
    try:
        eager = apply(op, *tensors).numpy()
    except (RuntimeError, NotImplementedError, TypeError, OverflowError):
        return
    if not supported(op, tuple(each.dtype for each in arrays)):
        return
    run = lineal.compile(lambda *xs: apply(op, *xs))
    run(*tensors)
    ways = {"compiled": run(*tensors).numpy()}
    count = -(-LARGE_ARRAY // eager.size)
    ways["large"] = apply(op, *[lineal.from_numpy(np.tile(each, count)) for each in arrays]).numpy()[: eager.size]
    for way, found in ways.items():
        wrong = np.flatnonzero(different(found, eager, units))
        shown = [(tuple(x[n] for x in arrays), eager[n], found[n]) for n in wrong[:5]]
        assert not wrong.size, f"{op.label}, {way}: {shown}"


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize("label", sorted(OPS))
def test_special_numbers_have_one_result(label, dtype):
    op = OPS[label]
    count = op.scalar.__code__.co_argcount - 1
    if count > 3:
        pytest.skip("too many combinations")
    numbers = specials(dtype)
    compared(op, every(numbers if count < 3 else numbers[:18], count), 24 if dtype == "float32" else 400)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
@pytest.mark.parametrize("label", sorted(OPS))
def test_whole_numbers_have_one_result(label, dtype):
    op = OPS[label]
    count = op.scalar.__code__.co_argcount - 1
    if count > 2:
        pytest.skip("too many combinations")
    compared(op, every(whole(dtype), count), 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_single_numbers_are_as_those_in_vectors(dtype):
    numbers = specials(dtype)
    for function in (F.relu, lineal.angle, lineal.sign, lambda x: x.clamp(-1.0, 1.0), lambda x: x.int(), lineal.rsqrt):
        run = lineal.compile(function)
        many = [run(lineal.from_numpy(numbers)) for _ in range(2)][-1].numpy()
        single = lineal.compile(function)
        ones = [single(lineal.from_numpy(numbers[n : n + 1])).numpy()[0] for n in [0, *range(len(numbers))]][1:]
        assert not different(np.array(ones, many.dtype), many, 4).any()


NUMBERS = [
    nan,
    -nan,
    inf,
    -inf,
    1e20,
    -1e20,
    3e9,
    -3e9,
    5e9,
    7.9,
    -7.9,
    -1,
    300,
    -300,
    4e4,
    -4e4,
    7e4,
    2**31,
    -(2**31),
    2.0**63,
]


@pytest.mark.parametrize("source", ["float32", "float64"])
@pytest.mark.parametrize("target", ["int8", "int16", "int32", "int64", "uint8", "bool"])
def test_numbers_beyond_integers(source, target):
    x = lineal.from_numpy(np.array(NUMBERS, source))
    function = lambda x: x.to(getattr(lineal, target))
    run = lineal.compile(function)
    eager = function(x)
    assert [run(x).tolist() for _ in range(2)] == [eager.tolist()] * 2
    single = lineal.compile(function)
    assert [single(x[n : n + 1]).item() for n in range(len(NUMBERS))] == eager.tolist()


KEPT = {
    "relu": F.relu,
    "relu6": F.relu6,
    "clamp from 0": lambda x: x.clamp(min=0.0),
    "clamp to 0": lambda x: x.clamp(max=0.0),
    "clamp at 0": lambda x: x.clamp(0.0, 0.0),
    "clamp from -0": lambda x: x.clamp(min=-0.0),
    "clamp to -0": lambda x: x.clamp(max=-0.0),
    "clamp_min": lambda x: x.clamp_min(0),
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 1.0),
    "elu": F.elu,
    "celu": F.celu,
    "selu": F.selu,
    "gelu": F.gelu,
    "leaky_relu": F.leaky_relu,
    "silu": F.silu,
    "erfinv": lineal.erfinv,
    "erf": lineal.erf,
    "nan_to_num": lineal.nan_to_num,
    "round": lineal.round,
    "trunc": lineal.trunc,
    "sqrt": lineal.sqrt,
    "expm1": lineal.expm1,
    "fmax": lambda x: lineal.fmax(x, -x),
    "fmin": lambda x: lineal.fmin(x, -x),
    "full": lambda x: x.new_full((3,), -0.0).where(x.signbit(), x),
}


@pytest.mark.parametrize("dtype", [lineal.float32, lineal.float64, lineal.float16, lineal.bfloat16])
@pytest.mark.parametrize("name", KEPT)
def test_zeros_keep_their_sign(name, dtype):
    if name == "full":
        numbers = [-0.0, 0.0, 0.0]
    else:
        numbers = [-0.0, 0.0] * 9 + [-0.0]
    x = lineal.tensor(numbers).to(dtype)
    if name in ("erfinv", "erf") and dtype.itemsize == 2:
        pytest.skip("half precisions are computed in float32")
    run = lineal.compile(KEPT[name])
    for found in (KEPT[name](x), *(run(x) for _ in range(2))):
        assert found.eq(0).all() and found.signbit().tolist() == [math.copysign(1, each) < 0 for each in numbers]


FILLS = {
    "full": lambda dtype, number: lineal.full((2,), number, dtype=dtype),
    "full_like": lambda dtype, number: lineal.full_like(lineal.zeros(2, dtype=dtype), number),
    "new_full": lambda dtype, number: lineal.zeros(2, dtype=dtype).new_full((2,), number),
    "fill_": lambda dtype, number: lineal.zeros(2, dtype=dtype).fill_(number),
    "fill": lambda dtype, number: lineal.fill(lineal.zeros(2, dtype=dtype), number),
    "masked_fill": lambda dtype, number: lineal.zeros(2, dtype=dtype).masked_fill(lineal.tensor([True, True]), number),
    "index_fill": lambda dtype, number: lineal.zeros(2, dtype=dtype).index_fill(0, lineal.tensor([0, 1]), number),
    "scatter": lambda dtype, number: lineal.zeros(2, dtype=dtype).scatter(0, lineal.tensor([0, 1]), number),
    "where": lambda dtype, number: lineal.where(lineal.tensor([False, False]), lineal.zeros(2, dtype=dtype), number),
    "tensor": lambda dtype, number: lineal.tensor([number, number], dtype=dtype),
    "setitem": lambda dtype, number: assigned(lineal.zeros(2, dtype=dtype), number),
}


def assigned(x, number):
    x[:] = number
    return x


@pytest.mark.parametrize("name", FILLS)
def test_numbers_to_fill_with(name):
    fill = FILLS[name]
    assert fill(lineal.uint8, -1).tolist() == [255, 255]
    assert fill(lineal.uint8, -255).tolist() == [1, 1]
    assert fill(lineal.int8, -128).tolist() == [-128, -128]
    wrong = [(lineal.uint8, 256), (lineal.uint8, -256), (lineal.int8, 128), (lineal.int16, 40000), (lineal.int32, 2**31)]
    if name != "where":
        wrong += [(lineal.int32, nan), (lineal.int64, inf), (lineal.uint8, -1.5), (lineal.int64, 1e20)]
        assert fill(lineal.int32, 7.9).tolist() == [7, 7]
        assert fill(lineal.bool, nan).tolist() == [True, True]
    if name not in ("tensor",):
        wrong += [(lineal.float32, 1e39)]
    if name not in ("where", "tensor", "setitem"):
        wrong += [(lineal.float16, 1e5), (lineal.float32, 1 + 2j)]
    for dtype, number in wrong:
        with pytest.raises(RuntimeError, match="without overflow"):
            fill(dtype, number)
    assert fill(lineal.float16, inf).tolist() == [inf, inf]


@pytest.mark.parametrize("bounds", [{"min": 300}, {"max": 300}, {"min": -300, "max": 5}, {"min": 0, "max": 1000}])
def test_bounds_that_a_dtype_does_not_hold(bounds):
    with pytest.raises(RuntimeError, match="without overflow"):
        lineal.zeros(3, dtype=lineal.int8).clamp(**bounds)


def test_padding_is_checked():
    assert F.pad(lineal.zeros(1, dtype=lineal.uint8), (1, 0), value=255).tolist() == [255, 0]
    for dtype, number in ((lineal.uint8, 300), (lineal.uint8, -1), (lineal.int8, 200), (lineal.float16, 1e6)):
        with pytest.raises(RuntimeError, match="without overflow"):
            F.pad(lineal.zeros(1, dtype=dtype), (1, 0), value=number)


def test_batch_norm_refuses_eps():
    x = lineal.ones(4, 3)
    for eps, training in ((0, True), (-1e-5, True), (-1e-5, False)):
        with pytest.raises(ValueError, match="eps must be"):
            F.batch_norm(x, lineal.zeros(3), lineal.ones(3), training=training, eps=eps)
    F.batch_norm(x, lineal.zeros(3), lineal.ones(3), training=False, eps=0)


@pytest.mark.parametrize("dtype", [lineal.float32, lineal.float64])
@pytest.mark.parametrize("name", ["var", "std"])
def test_derivatives_of_spreads_of_infinite_numbers(name, dtype):
    """PyTorch's: the distance from the mean, which is infinite."""

    def derivative(x):
        return lineal.autograd.grad(getattr(x, name)(correction=0), x)[0]

    compiled = lineal.compile(derivative)
    for top in (math.inf, -math.inf, math.nan, 3e38, 1.0):
        x = lineal.tensor([1.0, top, 3.0, 0.0], dtype=dtype, requires_grad=True)
        for _ in range(2):
            np.testing.assert_allclose(compiled(x).numpy(), derivative(x).numpy(), rtol=1e-6)
    x = lineal.tensor([1.0, math.inf, 3.0, 0.0], dtype=dtype, requires_grad=True)
    (gradient,) = lineal.autograd.grad(x.var(correction=0), x)
    assert gradient.tolist()[::2] == [-math.inf, -math.inf]
    assert math.isnan(gradient[1])


@pytest.mark.parametrize("dtype", [lineal.float16, lineal.bfloat16])
def test_norms_keep_half_precision(dtype):
    x = lineal.randn(5, 6).to(dtype)
    one, nothing = lineal.ones(6), lineal.zeros(6)
    norms = lineal.compile(lambda x: (F.layer_norm(x, (6,), one, nothing), F.batch_norm(x, nothing, one, one, nothing)))
    for found in (*norms(x), *norms(x), F.layer_norm(x, (6,)), F.batch_norm(x, None, None, one, nothing, True)):
        assert found.dtype is dtype


def test_the_gradient_of_a_magnitude_at_nan_is_zero():
    x = lineal.tensor([math.nan, -1.0, 0.0], requires_grad=True)
    F.l1_loss(x, lineal.zeros(3), reduction="sum").backward()
    assert x.grad.tolist() == [0.0, -1.0, 0.0]
