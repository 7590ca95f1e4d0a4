"""Copies, and writes through views."""

from __future__ import annotations

from math import prod
from typing import Any

from lineal.core import Overwrite, Renumber, ViewScatter, apply
from lineal.core.inplace import Copy
from lineal.ops.structural.axes import MatrixTranspose
from lineal.transforms.batching.moving import aligned, on_stacks, pointwise, shifted
from lineal.transforms.batching.table import RULES, batches

__all__: list[str] = []

batches(Overwrite, Renumber)(on_stacks)


@batches(Copy)
def copy(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    if isinstance(op.order, tuple):
        op = Copy((prod(x.value.shape[1:]), *op.order))
    return pointwise(op, size, marks, x)


@batches(ViewScatter)
def view_scatter(op: Any, size: int, marks: tuple[bool, ...], base: Any, source: Any) -> Any:
    if not all(type(each) in RULES and not isinstance(each, MatrixTranspose) for each in op.path):
        return NotImplemented
    path = tuple([shifted(each, size) for each in op.path])
    return apply(ViewScatter(path), aligned(size, marks[0], base), aligned(size, marks[1], source))
