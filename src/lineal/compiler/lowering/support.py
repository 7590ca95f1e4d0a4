"""What the code generator can do: which dtypes it knows, which elementwise ops it can write."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.formulas import formula_of
from lineal.ops.pattern import Elementwise

__all__ = ["identity", "same", "supported"]

NARROW = frozenset(each.name for each in kinds.BY_NAME.values() if each.is_narrow)
"""The half precisions, which are computed in float32."""
KNOWN = kinds.FLOATS | NARROW | {"bool", "int8", "int16", "int32", "int64", "uint8"}
WHOLE = frozenset(
    "add sub mul neg eq ne lt le gt ge logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
    "bitwise_not where maximum minimum abs sign keep drop clamp clamp_min clamp_max relu".split()
)
"""The ops on whole numbers and bool whose scalar expression is all there is to them: no division by zero, no overflow."""


@cache
def supported(what: Any, inputs: tuple[np.dtype, ...] = ()) -> bool:
    """Return whether a dtype is known, or an elementwise op can be written for inputs of these dtypes."""
    if isinstance(what, np.dtype):
        return what.name in KNOWN
    if any(each.kind in "iub" for each in inputs) and what.label not in WHOLE:
        return False
    return writable(what, inputs)


def writable(op: Elementwise, inputs: tuple[np.dtype, ...]) -> bool:
    """Return whether the op's scalar expression is a formula."""
    try:
        formula_of(op.scalar, [kinds.kind_of(each) for each in inputs])
    except (AttributeError, TypeError, NotImplementedError, KeyError, ValueError):
        return False
    return True


def identity(op: Any) -> Any:
    """Return what equal ops have in common, None if that cannot be said; zeros of either sign differ."""
    if isinstance(op, Elementwise):
        return op.scalar, op.result
    words = (
        type(op),
        *[
            (repr(each), type(each)) if isinstance(each, (float, bool, int)) else each
            for each in map(op.__getattribute__, op.fields)
        ],
    )
    try:
        hash(words)
    except TypeError:
        return None
    return words


def same(m: Any, x: Any) -> Any:
    """Return x: the formula of copies and conversions."""
    return x
