"""What is done to the entries one by one, or to two tensors of one shape."""

from __future__ import annotations

import functools
from typing import Any

from lineal import ops
from lineal.sparse.answering import EVERY, answers, enter
from lineal.sparse.coordinates import SparseTensor, made, merged, places
from lineal.sparse.patterned import Patterned
from lineal.tensors import Tensor

__all__ = ["add", "div", "mul", "sub"]

CONVERSIONS = """to float double half bfloat16 cfloat cdouble char short int long byte bool cpu cuda contiguous clone detach
pin_memory neg conj_physical""".split()
"""What is done to entries that may share coordinates."""
ZERO_KEEPING = """abs angle arcsin arcsinh arctan arctanh asin asinh atan atanh ceil deg2rad erf erfinv expm1 fix floor frac
isinf isnan isneginf isposinf log1p positive rad2deg relu round sgn sign signbit sin sinh sqrt square tan tanh trunc""".split()
"""What leaves zeros as they are, and is done to sums of entries."""
ENDS = {"__neg__": "neg", "__abs__": "abs", "negative": "neg", "absolute": "abs"}


def converted(name: str, x: Patterned, *given: Any, **options: Any) -> Patterned:
    """Return a sparse tensor of what a method makes of the entries."""
    return x.with_entries(getattr(x.entries, name)(*given, **options))


def summed(name: str, x: Patterned, *given: Any, **options: Any) -> Patterned:
    """Return a sparse tensor of what a method makes of the sums of entries."""
    return converted(name, x.merged(), *given, **options)


for _rule, _names in ((converted, CONVERSIONS), (summed, ZERO_KEEPING)):
    for _name in _names:
        enter(functools.partial(_rule, _name), (_name, *[end for end, other in ENDS.items() if other == _name]), EVERY)


def is_number(thing: Any) -> bool:
    """Return whether a factor is one number."""
    return not isinstance(thing, Tensor) or (thing.ndim == 0 and not isinstance(thing, Patterned))


@answers("mul", "multiply", "__rmul__")
def mul(input: Any, other: Any) -> SparseTensor:
    """Return the products: by a number, by what strided tensors have at the entries' places, or where both have entries."""
    if not isinstance(input, SparseTensor):
        input, other = other, input
    if is_number(other):
        return input.with_entries(input.entries * other)
    if isinstance(other, SparseTensor):
        return of_common(input, other)
    if ops.broadcast_shapes(input.shape, other.shape) != input.shape:
        raise RuntimeError(f"mul: expected a strided factor that expands to {list(input.shape)}, got {list(other.shape)}")
    return input.with_entries(input.entries * other.expand(input.shape)[tuple(input.coordinates)])


def of_common(x: SparseTensor, other: SparseTensor) -> SparseTensor:
    """Return the products of entries at the coordinates that both tensors have."""
    if x.shape != other.shape or x.sparse_dim() != other.sparse_dim():
        raise RuntimeError(f"mul: expected sparse tensors of one shape, got {list(x.shape)} and {list(other.shape)}")
    x, other = merged(x), merged(other)
    mine, others = (places(each.coordinates, each.shape[: each.sparse_dim()]) for each in (x, other))
    here = ops.isin(mine, others).nonzero()[:, 0]
    there = ops.searchsorted(others, mine.index_select(0, here))
    entries = x.entries.index_select(0, here) * other.entries.index_select(0, there)
    return made(x.coordinates.index_select(1, here), entries, x.shape, True)


@answers("div", "divide", "true_divide", "__truediv__", of=EVERY)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Patterned:
    """Return the entries divided by a number."""
    if not isinstance(input, Patterned) or not is_number(other):
        raise RuntimeError("div: a sparse tensor can be divided by a number only; use to_dense() first")
    input = input.merged()
    return input.with_entries(ops.div(input.entries, other, rounding_mode=rounding_mode))


@answers("pow", "__pow__", of=EVERY)
def power(input: Patterned, exponent: Any) -> Patterned:
    """Return powers of the entries; the exponent is a positive number, so that zeros stay zeros."""
    if not is_number(exponent) or not exponent > 0:
        raise RuntimeError(f"pow: expected a positive number as the exponent of a sparse tensor, got {exponent!r}")
    return summed("pow", input, exponent)


@answers("add", "__radd__")
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return the sum of tensors of one shape, of which one at least is sparse; strided if one is."""
    if not isinstance(other, Tensor) or not isinstance(input, Tensor):
        raise NotImplementedError("add: a number would fill the zeros of a sparse tensor; use to_dense() first")
    if not (isinstance(input, SparseTensor) and isinstance(other, SparseTensor)):
        return ops.add(input.to_dense(), other.to_dense(), alpha=alpha)
    if input.shape != other.shape or input.sparse_dim() != other.sparse_dim():
        raise RuntimeError(f"add: expected sparse tensors of one shape, got {list(input.shape)} and {list(other.shape)}")
    # alpha has to be a number of the result's dtype
    entries = other.entries if alpha == 1 else ops.zeros_like(other.entries, dtype=input.dtype).add(other.entries, alpha=alpha)
    return merged(made(ops.cat([input.coordinates, other.coordinates], 1), ops.cat([input.entries, entries]), input.shape))


@answers("sub", "subtract")
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return the difference of tensors of one shape."""
    return add(input, other, alpha=-alpha)


@answers("rsub", "__rsub__")
def sub_from_right(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return the difference `other - alpha * input`."""
    return add(other, input, alpha=-alpha)
