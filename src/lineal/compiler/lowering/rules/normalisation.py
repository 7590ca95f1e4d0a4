"""Normalisations: distances from the mean and one over the spread, which the backward pass shares, then one loop."""

from __future__ import annotations

import math
from typing import Any

from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.reductions.normalisation import BatchNorm, GroupNorm, LayerNorm
from lineal.ops.reductions.standardising import Centred, InverseSpread
from lineal.ops.structural.reshape import View

SCALES = {
    "": lambda m, rest, r: rest * r,
    "w": lambda m, rest, r, w: rest * r * w,
    "b": lambda m, rest, r, b: rest * r + b,
    "wb": lambda m, rest, r, w, b: rest * r * w + b,
}


@lowers(LayerNorm, GroupNorm, BatchNorm, of=FLOATS)
def normalised(low: Any, op: Any, ys: Any, x: BufferView, *others: BufferView) -> tuple[BufferView, BufferView, BufferView]:
    """y = (x - mean) r w + b, the mean and the variance."""
    lying, dtype = op.lying(x.shape), x.buffer.dtype
    x = low.view(View(lying.shape), x)
    beside = [low.view(View(lying.weights), each) for each in others]
    rest = low.same(Centred(lying.axes), x)
    r = low.same(InverseSpread(lying.axes, op.eps), rest)
    y = low.map(lying.shape, dtype, SCALES[op.terms], rest, r, *beside, label=op.key)
    share = 1 / (lying.length or math.nan)
    moments = []
    for source, kind, label in ((x, "add", "mean"), (rest, "squares", "var")):
        found = low.reduce(source, lying.axes, kind, keepdim=True, wide=kind == "squares")
        found = low.map(found.shape, dtype, lambda m, total: (total * share).astype(dtype), found, label=label)
        moments.append(low.view(View(lying.statistics), found))
    return low.view(View(ys[0].shape), y), *moments
