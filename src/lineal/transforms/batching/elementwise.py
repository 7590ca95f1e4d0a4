"""Elementwise ops, of which all inputs get one rank, and the parts of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import Op, apply
from lineal.ops.elementwise.exponential import Frexp
from lineal.ops.elementwise.parts import Imag, Real, ViewAsComplex, ViewAsReal
from lineal.ops.pattern import Elementwise
from lineal.transforms.batching.moving import pointwise, ranked
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Frexp, Real, Imag, ViewAsReal, ViewAsComplex)(pointwise)


@batches(Elementwise)
def elementwise(op: Op, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    """The inputs broadcast together, slice by slice."""
    ndim = max(x.value.ndim - mark for x, mark in zip(xs, marks))
    xs = tuple([ranked(x, mark, ndim) for x, mark in zip(xs, marks)])
    shape = np.broadcast_shapes(*[x.value.shape for x in xs])
    return apply(op, *[x if x.value.shape == shape or (not x.value.ndim and x.node is None) else x.expand(shape) for x in xs])
