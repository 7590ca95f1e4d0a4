"""Patches of images as columns, which are what kernels of a single 1 see; and their sum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.convolution import convolved, spread
from lineal.onnx.rules.table import exports
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.contraction.patches import Patches, PatchesAdded

__all__: list[str] = []


def picking(graph: GraphWriter, g: Any, channels: int, storage: Any) -> str:
    """Return the kernels of which each picks one place of the window, for every channel."""
    if np.dtype(storage).kind != "f":
        raise OnnxExporterError(f"patches of {np.dtype(storage).name}: convolutions take floating numbers")
    one = np.eye(math.prod(g.kernel), dtype=storage).reshape(-1, 1, *g.kernel)
    return graph.constant(np.tile(one, (channels, 1, *[1] * len(g.kernel))))


@exports(Patches, by="Conv")
def patches(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = what kernels of a single 1 see, as columns."""
    channels = int(x.shape[1])
    made = convolved(graph, op.geometry, channels, x, picking(graph, op.geometry, channels, x.storage))
    return graph.node("Reshape", made, graph.ints([0, channels * math.prod(op.geometry.kernel), -1]))


@exports(PatchesAdded, by="ConvTranspose")
def patches_added(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = the adjoint: columns put back through the same kernels."""
    g, channels = op.geometry, int(y.shape[1])
    lead = graph.ints([0, channels * math.prod(g.kernel)])
    image = graph.node("Reshape", x, graph.node("Concat", lead, graph.sizes(g.places), axis=0))
    return spread(graph, g, channels, image, picking(graph, g, channels, x.storage))
