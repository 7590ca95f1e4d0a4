"""Random numbers: words drawn as the generator draws them, and distributions made of them as eager code does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.structural import part
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Place, dense
from lineal.ops.random.generator import Advance
from lineal.ops.random.sampling import Bernoulli, Cauchy, Exponential, Integers, Normal, Uniform


@lowers(Advance, of=("int64",))
def advance(low: Any, op: Any, y: Any, state: BufferView) -> BufferView:
    """y = the state after one more draw."""
    return low.map(y.shape, y.storage, lambda m, state, place: state + place, state, Place(0), label="advance")


def drawn(low: Any, op: Any, state: BufferView, shape: Sequence[int]) -> BufferView:
    """Return the words of which numbers in [0, 1) are made."""
    return low.draw(state, shape, np.uint64 if op.target.name == "float64" else np.uint32)


def unit(words: Any) -> Any:
    """Return words as float64 numbers in [0, 1): of 53 bits, or of 24."""
    if words.dtype == np.uint64:
        return (words >> 11).astype(np.float64) * 2.0**-53
    return (words >> 8).astype(np.float64) * 2.0**-24


@lowers(Uniform, of=FLOATS)
def uniform(low: Any, op: Any, y: Any, state: BufferView) -> BufferView | None:
    """y = low + (high - low) u, rounded after each step as NumPy does."""
    if y.storage.name not in FLOATS:
        return None
    start, width = float(op.low), float(op.high - op.low)

    def formula(m: Any, words: Any) -> Any:
        u = unit(words)
        return u if (start, width) == (0, 1) else m.rounded_product(u, width) + start

    return low.map(y.shape, y.storage, formula, drawn(low, op, state, y.shape), label="uniform")


@lowers(Bernoulli)
def bernoulli(low: Any, op: Any, y: Any, state: BufferView, p: BufferView) -> BufferView:
    """y = u < p."""
    formula = lambda m, words, p: unit(words) < p.astype(np.float64)
    return low.map(y.shape, y.storage, formula, drawn(low, op, state, y.shape), p, label="bernoulli")


@lowers(Exponential, of=FLOATS)
def exponential(low: Any, op: Any, y: Any, state: BufferView) -> BufferView | None:
    """y = - log(1 - u) / rate."""
    if y.storage.name not in FLOATS:
        return None
    rate = float(op.rate)
    formula = lambda m, words: -m.log1p(-unit(words)) / rate
    return low.map(y.shape, y.storage, formula, drawn(low, op, state, y.shape), label="exponential")


@lowers(Cauchy, of=FLOATS)
def cauchy(low: Any, op: Any, y: Any, state: BufferView) -> BufferView | None:
    """y = median + sigma tan π(u - ½)."""
    if y.storage.name not in FLOATS:
        return None
    median, sigma = float(op.median), float(op.sigma)
    formula = lambda m, words: m.rounded_product(m.tan((unit(words) - 0.5) * math.pi), sigma) + median
    return low.map(y.shape, y.storage, formula, drawn(low, op, state, y.shape), label="cauchy")


@lowers(Integers, where="of less than 2⁶³ numbers")
def integers(low: Any, op: Any, y: Any, state: BufferView) -> BufferView | None:
    """y = low + words modulo high - low."""
    span = op.high - op.low
    if span >= 1 << 63:
        return None
    start = op.low
    formula = lambda m, words: m.remainder(words, span).astype(np.int64) + start
    return low.map(y.shape, y.storage, formula, low.draw(state, y.shape, np.uint64), label="randint")


@lowers(Normal, of=FLOATS)
def normal(low: Any, op: Any, y: Any, state: BufferView) -> BufferView | None:
    """y = √(-2 log(1 - u)) (cos 2πv, sin 2πv), all cosines before all sines."""
    if y.storage.name not in FLOATS:
        return None
    count = math.prod(y.shape)
    half = (count + 1) // 2
    words = drawn(low, op, state, (2 * half,))
    u, v = (part(words, (start,), (half,)) for start in (0, half))
    block = low.block((count,), y.storage)
    parts = []
    for wave, start, size in (("cos", 0, half), ("sin", half, count - half)):
        formula = lambda m, u, v, wave=wave: m.sqrt(-2 * m.log(1 - unit(u))) * getattr(m, wave)(unit(v) * (2 * math.pi))
        args = (part(u, (0,), (size,)), part(v, (0,), (size,)))
        inside = part(block, (start,), (size,))
        parts.append(low.filled((size,), y.storage, formula, *args, label="normal", inside=inside).buffer)
    made = low.join(block, parts)
    return BufferView(made.buffer, tuple(y.shape), dense(tuple(y.shape)))
