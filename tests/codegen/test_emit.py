"""Loops, tails, strides, branches, casts and NumPy's semantics of the emitter, at every vector length."""

import ctypes
import operator

import ml_dtypes
import numpy as np
import pytest

from lineal.codegen import kinds, target
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import bool_, float32, float64, int32, int64, pointer
from lineal.codegen.values import Value

from .harness import LEVELS, elementwise, run

ADDRESS, LONG = ctypes.c_void_p, ctypes.c_int64


def emitter(level=None):
    return Emitter(target.level(level) if level else None)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("unroll", [1, 3])
def test_tails_neither_miss_nor_touch_anything(level, unroll):
    e = emitter(level)
    with e.function("f", [("a", pointer), ("b", pointer), ("y", pointer), ("n", int64)]) as (a, b, y, n):
        for block in e.blocks(n, float32, unroll=unroll):
            block.store(block.load(a, float32) * block.load(b, float32) + 1, y)
    f = run(e, "f", ADDRESS, ADDRESS, ADDRESS, LONG)
    for size in (*range(40), 63, 64, 65, 100):
        a, b = np.random.default_rng(size).normal(size=(2, size)).astype(np.float32)
        memory = np.full(size + 64, -7, np.float32)
        f(a.ctypes.data, b.ctypes.data, memory[32:].ctypes.data, size)
        np.testing.assert_allclose(memory[32 : 32 + size], a * b + 1, rtol=1e-5, atol=1e-6)
        assert (memory[:32] == -7).all() and (memory[32 + size :] == -7).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "bool", "float16", "bfloat16"])
@pytest.mark.parametrize("steps", [(1, 1), (0, 1), (3, 1), (1, 2), (-2, 3)])
def test_strided_loads_and_stores(level, dtype, steps):
    kind = kinds.BY_NAME[dtype]
    stored = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    step_in, step_out = steps
    e = emitter(level)
    with e.function("f", [("x", pointer), ("y", pointer), ("n", int64), ("s", int64), ("t", int64)]) as (x, y, n, s, t):
        for block in e.blocks(n, kind.computed):
            source = s if step_in not in (0, 1) else step_in
            block.store(block.load(x, kind, source), y, kind, t if step_out != 1 else 1)
    f = run(e, "f", ADDRESS, ADDRESS, LONG, LONG, LONG)
    for size in (0, 1, 5, 16, 37):
        x = (np.random.default_rng(size).normal(size=200) * 50).astype(np.float32).astype(stored)
        y, expected = np.zeros(300, stored), np.zeros(300, stored)
        first = 100 if step_in < 0 else 0
        f(x[first:].ctypes.data, y[50:].ctypes.data, size, step_in, step_out)
        for n in range(size):
            expected[50 + n * step_out] = x[first + n * step_in]
        np.testing.assert_array_equal(y.view(np.uint8), expected.view(np.uint8))


def test_a_tail_leaves_its_surroundings_alone_and_reads_nothing_beyond():
    e = emitter()
    with e.function("f", [("x", pointer), ("y", pointer), ("n", int64)]) as (x, y, n):
        for block in e.blocks(n, float32):
            block.store(block.load(x, float32) + 1, y)
    f = run(e, "f", ADDRESS, ADDRESS, LONG)
    page = 1 << 16
    x = np.zeros(page, np.float32)
    y = np.full(64, 9, np.float32)
    f(x[page - 5 :].ctypes.data, y[8:].ctypes.data, 5)
    assert (y[8:13] == 1).all() and (y[:8] == 9).all() and (y[13:] == 9).all()


@pytest.mark.parametrize("level", LEVELS)
def test_reductions_carry_variables_through_loops(level):
    e = emitter(level)
    with e.function("f", [("x", pointer), ("y", pointer), ("n", int64)]) as (x, y, n):
        lanes = e.lanes(float32)
        totals = [e.variable(e.const(0, float32, lanes)) for _ in range(2)]
        most = e.variable(e.const(-np.inf, float32, lanes))
        for block in e.blocks(n, float32, unroll=2, carried=[*totals, most]):
            value = block.load(x, float32)
            totals[block.turn].value = totals[block.turn].value + block.keep(value, 0)
            most.value = e.math.maximum(most.value, block.keep(value, -np.inf))
        e.store(e.reduce(totals[0].value + totals[1].value, operator.add), y)
        e.store(e.reduce(most.value, e.math.maximum), y, 1)
    f = run(e, "f", ADDRESS, ADDRESS, LONG)
    for size in (1, 7, 16, 33, 100):
        x, y = np.random.default_rng(size).normal(size=size).astype(np.float32), np.zeros(2, np.float32)
        f(x.ctypes.data, y.ctypes.data, size)
        np.testing.assert_allclose(y, [x.sum(), x.max()], rtol=1e-4, atol=1e-5)
    x[3] = np.nan
    f(x.ctypes.data, y.ctypes.data, size)
    assert np.isnan(y).all()


def test_loops_nest_and_branches_merge():
    e = emitter()
    with e.function("f", [("y", pointer), ("n", int64)]) as (y, n):
        total = e.variable(e.const(0, int64))
        with e.loop(n, carried=[total]) as i, e.loop(n, i, 2, carried=[total]) as j:
            with e.if_else(i % 2 == 0, carried=[total]) as (then, otherwise):
                with then:
                    total.value = total.value + i * j
                with otherwise:
                    total.value = total.value - j
            with e.when(j > 5, carried=[total]):
                total.value = total.value + 100
        e.store(total.value, y)
    y = np.zeros(1, np.int64)
    run(e, "f", ADDRESS, LONG)(y.ctypes.data, 9)
    pairs = [(i, j) for i in range(9) for j in range(i, 9, 2)]
    assert y[0] == sum((i * j if i % 2 == 0 else -j) + 100 * (j > 5) for i, j in pairs)


def test_functions_call_each_other():
    e = emitter()
    with e.function("twice", [("x", float32, 4)], (float32, 4), internal=True) as (x,):
        e.ret(x + x)
    with e.function("f", [("x", pointer)]) as (p,):
        e.store(e.call("twice", (float32, 4), e.load(p, float32, 0, 4)), p)
    x = np.arange(4, dtype=np.float32)
    run(e, "f", ADDRESS)(x.ctypes.data)
    assert x.tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_rounds_as_numpy_does(level, dtype):
    stored = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    kind = kinds.BY_NAME[dtype]
    every = np.arange(65536, dtype=np.uint16).view(stored)
    widened = elementwise(lambda m, x: x, kind, out=float32, level=level)(every)
    np.testing.assert_array_equal(widened, every.astype(np.float32))
    bits = np.random.default_rng(0).integers(0, 2**32, 20000, dtype=np.uint32)
    with np.errstate(all="ignore"):
        near = widened * np.float32(1.0001)
    x = np.concatenate([bits.view(np.float32), widened, near, np.float32([65519, 65520, 1e-8, 3e-8])])
    narrowed = elementwise(lambda m, x: x, float32, out=kind, level=level)(x) if dtype == "float16" else narrow(x, level)
    with np.errstate(all="ignore"):
        expected = x.astype(stored)
    numbers = ~np.isnan(x)
    np.testing.assert_array_equal(narrowed.view(np.uint16)[numbers], expected.view(np.uint16)[numbers])
    assert np.isnan(narrowed.astype(np.float32)[~numbers]).all()


def narrow(x, level):
    e = emitter(level)
    with e.function("f", [("x", pointer), ("y", pointer), ("n", int64)]) as (p, q, n):
        for block in e.blocks(n, float32):
            block.store(block.load(p, float32), q, kinds.bfloat16)
    y = np.empty(x.size, ml_dtypes.bfloat16)
    run(e, "f", ADDRESS, ADDRESS, LONG)(x.ctypes.data, y.ctypes.data, x.size)
    return y


NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("to", NAMES)
def test_casts_are_numpys(source, to):
    rng = np.random.default_rng(0)
    x = rng.integers(-100, 100, 50).astype(source) if source != "bool" else rng.random(50) < 0.5
    if source.startswith("float") and to.startswith("uint"):
        x = abs(x)
    f = elementwise(lambda m, x: x.astype(to), kinds.BY_NAME[source], out=kinds.BY_NAME[to])
    np.testing.assert_array_equal(f(x), x.astype(to))


TWO = [
    "add", "subtract", "multiply", "true_divide", "floor_divide", "remainder", "fmod", "maximum", "minimum", "fmax", "fmin",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
]  # fmt: skip


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
def test_functions_of_two_numbers_are_numpys(name, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0 if dtype == "uint8" else -9, 9, (2, 400))
    a, b = a.astype(dtype), b.astype(dtype)
    if dtype.startswith("float"):
        a, b = a / 2, b / 4
        a[::17], b[::23] = np.nan, np.inf
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(a, b)
    out = kinds.BY_NAME[expected.dtype.name]
    y = elementwise(lambda m, a, b: getattr(m, name)(a, b), kinds.BY_NAME[dtype], 2, out=out)(a, b)
    np.testing.assert_array_equal(y, expected)


ONE = ["abs", "sign", "floor", "ceil", "trunc", "rint", "isnan", "isinf", "isfinite", "signbit", "square", "negative", "sqrt"]


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_one_number_are_numpys(name, dtype):
    x = np.array([0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e30, -1e30, np.inf, -np.inf, np.nan, 3.7, -3.2], dtype)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    y = elementwise(lambda m, x: getattr(m, name)(x), kinds.BY_NAME[dtype], out=kinds.BY_NAME[expected.dtype.name])(x)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "power"])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_functions_of_whole_numbers_are_numpys(name, dtype):
    a = np.arange(0 if dtype == "uint8" else -40, 60).astype(dtype)
    b = (np.arange(a.size) % 11).astype(dtype)
    y = elementwise(lambda m, a, b: getattr(m, name)(a, b), kinds.BY_NAME[dtype], 2)(a, b)
    np.testing.assert_array_equal(y, getattr(np, name)(a, b))


def test_division_by_zero_and_of_the_least_number_does_not_trap():
    a = np.array([5, -(2**31), 7], np.int32)
    b = np.array([0, -1, 2], np.int32)
    with np.errstate(all="ignore"):
        for name in ("floor_divide", "remainder", "fmod"):
            y = elementwise(lambda m, a, b, name=name: getattr(m, name)(a, b), int32, 2)(a, b)
            np.testing.assert_array_equal(y, getattr(np, name)(a, b))


def test_python_numbers_are_weak_and_kinds_meet_as_in_numpy():
    e = emitter()
    with e.function("f", []):
        single, double, whole, flag = (e.const(1, kind) for kind in (float32, float64, int64, bool_))
        assert (single * 2.5).kind is float32 and (2 - single).kind is float32
        assert (whole * 2).kind is int64 and (whole * 0.5).kind is float64 and (whole / whole).kind is float64
        assert (single + double).kind is float64 and (single * flag).kind is float32 and (single + whole).kind is float64
        assert (single > 0).kind is bool_ and (flag & flag).kind is bool_
        assert single.dtype.kind == "f" and single.astype("float64").kind is float64


def test_a_value_has_no_truth():
    e = emitter()
    with e.function("f", []), pytest.raises(TypeError, match="no truth value"):
        bool(Value(e, "%x", bool_))


def test_any_asks_every_lane():
    e = emitter()
    with e.function("f", [("x", pointer), ("y", pointer)]) as (x, y):
        e.store(e.any(e.load(x, float32, 0, 8) > 3), y)
    f = run(e, "f", ADDRESS, ADDRESS)
    x, y = np.zeros(8, np.float32), np.zeros(1, bool)
    f(x.ctypes.data, y.ctypes.data)
    assert not y[0]
    x[5] = 4
    f(x.ctypes.data, y.ctypes.data)
    assert y[0]


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="expected one of"):
        target.level("mmx")


@pytest.mark.parametrize("level", LEVELS)
def test_lengths_known_now_write_only_the_parts_they_need(level):
    for size in (0, 1, 8, 16, 17, 32, 50, 64):
        for unroll in (1, 2):
            e = emitter(level)
            with e.function("f", [("x", pointer), ("y", pointer)]) as (x, y):
                for block in e.blocks(size, float32, unroll=unroll):
                    block.store(block.load(x, float32) + block.numbers(float32), y)
            assert size not in (16, 32, 64) or "masked" not in e.text()
            x, y = np.ones(size + 1, np.float32), np.zeros(size + 1, np.float32)
            run(e, "f", ADDRESS, ADDRESS)(x.ctypes.data, y.ctypes.data)
            assert y.tolist() == [*(n + 1 for n in range(size)), 0]


@pytest.mark.parametrize("level", LEVELS)
def test_compact_loops_are_masked_throughout(level):
    e = emitter(level)
    with e.function("f", [("x", pointer), ("y", pointer), ("n", int64)]) as (x, y, n):
        for block in e.blocks(n, float32, compact=True):
            block.store(block.load(x, float32) + 1, y)
    f = run(e, "f", ADDRESS, ADDRESS, LONG)
    for size in (0, 1, 16, 17, 40):
        x, y = np.arange(size + 3, dtype=np.float32), np.zeros(size + 3, np.float32)
        f(x.ctypes.data, y.ctypes.data, size)
        assert y.tolist() == [*(n + 1 for n in range(size)), 0, 0, 0]
