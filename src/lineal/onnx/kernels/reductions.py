"""Reductions over axes, running sums, the largest elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.limits import iinfo
from lineal.onnx.kernels.table import OPERATORS, Node, integers, operator

__all__: list[str] = []


def product(x: Any, axes: list[int], keep: bool) -> Any:
    """Return the product over several axes."""
    for axis in sorted({each % x.ndim for each in axes}, reverse=True):
        x = ops.prod(x, axis, keepdim=keep)
    return x


def total(x: Any, axes: list[int], keep: bool) -> Any:
    """Return the sum in the dtype of x."""
    return ops.sum(x, axes, keepdim=keep).to(x.dtype)


def extreme(function: Callable[..., Any], above: bool) -> Callable[[Any, list[int], bool], Any]:
    """Return the reduction to the largest or smallest; of nothing it is the number that all others replace."""

    def reduced(x: Any, axes: list[int], keep: bool) -> Any:
        if all(x.shape[axis] for axis in axes):
            return function(x, axes, keepdim=keep)
        places = {axis % x.ndim for axis in axes}
        shape = [1 if n in places else size for n, size in enumerate(x.shape) if keep or n not in places]
        return ops.full(shape, edge(x.dtype, above), dtype=x.dtype)

    return reduced


def edge(dtype: Any, lowest: bool) -> Any:
    """Return the least or the largest number of a dtype."""
    if dtype.is_floating_point:
        return -math.inf if lowest else math.inf
    return not lowest if dtype is dtypes.bool_ else (iinfo(dtype).min if lowest else iinfo(dtype).max)


REDUCTIONS: dict[str, Callable[[Any, list[int], bool], Any]] = {
    "Sum": total,
    "Mean": lambda x, axes, keep: ops.mean(x, axes, keepdim=keep),
    "Max": extreme(ops.amax, True),
    "Min": extreme(ops.amin, False),
    "Prod": lambda x, axes, keep: product(x, axes, keep).to(x.dtype),
    "L1": lambda x, axes, keep: total(ops.abs(x), axes, keep),
    "L2": lambda x, axes, keep: ops.sqrt(ops.sum(x * x, axes, keepdim=keep)),
    "LogSum": lambda x, axes, keep: ops.log(ops.sum(x, axes, keepdim=keep)),
    "LogSumExp": lambda x, axes, keep: ops.logsumexp(x, axes, keepdim=keep),
    "SumSquare": lambda x, axes, keep: total(x * x, axes, keep),
}


def reduction(function: Callable[[Any, list[int], bool], Any]) -> Callable[..., Any]:
    """Return the entry of a reduction over the axes that an input or an attribute names; over all if none does."""

    def reduced(node: Node, x: Any, axes: Any = None) -> Any:
        places = integers(node.get("axes") if axes is None else axes)
        if not places and node.get("noop_with_empty_axes", 0):
            return x
        return function(x, places or [*range(x.ndim)], bool(node.get("keepdims", 1))) if x.ndim else x

    return reduced


OPERATORS.update({f"Reduce{name}": reduction(function) for name, function in REDUCTIONS.items()})


def place(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the entry of what finds the place of an extreme: the first one, or the last."""

    def found(node: Node, x: Any) -> Any:
        axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
        if not node.get("select_last_index", 0):
            return function(x, axis, keepdim=keep)
        return x.shape[axis] - 1 - function(x.flip(axis), axis, keepdim=keep)

    return found


OPERATORS.update({"ArgMax": place(ops.argmax), "ArgMin": place(ops.argmin)})


@operator("CumSum")
def running_sum(node: Node, x: Any, axis: Any) -> Any:
    (n,) = integers(axis)
    given = x.flip(n) if node.get("reverse", 0) else x
    y = ops.cumsum(given, n).to(x.dtype)
    y = y - given if node.get("exclusive", 0) else y
    return y.flip(n) if node.get("reverse", 0) else y


@operator("TopK")
def largest(node: Node, x: Any, k: Any = None) -> Any:
    (count,) = integers(node.get("k") if k is None else k)
    found = ops.topk(x, count, node.get("axis", -1), bool(node.get("largest", 1)), bool(node.get("sorted", 1)))
    return found[0], found[1]
