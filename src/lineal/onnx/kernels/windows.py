"""Pooling over windows, and over whole images."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.nn import functional as F
from lineal.onnx.kernels.products import borders
from lineal.onnx.kernels.structure import padded
from lineal.onnx.kernels.table import OPERATORS, Node, operator, refuse

__all__: list[str] = []

MAXIMA: dict[int, Any] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGES: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def geometry(node: Node, x: Any) -> tuple[list[int], list[int], list[int], list[tuple[int, int]]]:
    """Return kernel, strides, dilations and paddings of the windows over the last axes."""
    kernel = node.get("kernel_shape")
    n = len(kernel)
    if n not in MAXIMA or x.ndim != n + 2:
        raise refuse(node, f"an input of {x.ndim} dimensions")
    steps, spread = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    return kernel, steps, spread, borders(node, x.shape[2:], kernel, steps, spread)


def is_even(kernel: list[int], ends: list[tuple[int, int]]) -> bool:
    """Return whether pooling can pad by itself: as much behind as in front, and at most half a window."""
    return all(front == back and 2 * front <= size for size, (front, back) in zip(kernel, ends))


@operator("MaxPool")
def max_pool(node: Node, x: Any) -> Any:
    """y = the largest of each window; and its place in all of x, if it is asked for."""
    kernel, steps, spread, ends = geometry(node, x)
    if node.get("storage_order", 0):
        raise refuse(node, "column-major places")
    pool, rounds, asked = MAXIMA[len(kernel)], bool(node.get("ceil_mode", 0)), len(node.outputs) > 1
    if not is_even(kernel, ends):
        if asked:
            raise refuse(node, f"places and the padding {ends}")
        low = -math.inf if x.dtype.is_floating_point else int(ops.amin(x).item())
        return pool(padded(x, [(0, 0), (0, 0), *ends], "constant", low), kernel, steps, 0, spread, rounds)
    y = pool(x, kernel, steps, [front for front, _ in ends], spread, rounds, asked)
    if not asked:
        return y
    n, c, area = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    return y[0], y[1] + (ops.arange(n * c) * area).reshape(n, c, *[1] * len(kernel))


@operator("AveragePool")
def average_pool(node: Node, x: Any) -> Any:
    """y = the average of each window, padding counted or not."""
    kernel, steps, spread, ends = geometry(node, x)
    if any(each != 1 for each in spread):
        raise refuse(node, f"dilations {spread}")
    pool, rounds, counted = AVERAGES[len(kernel)], bool(node.get("ceil_mode", 0)), bool(node.get("count_include_pad", 0))
    if is_even(kernel, ends):
        return pool(x, kernel, steps, [front for front, _ in ends], rounds, counted)
    whole = [(0, 0), (0, 0), *ends]
    y = pool(padded(x, whole), kernel, steps, 0, rounds)
    return y if counted else y / pool(padded(ops.ones_like(x), whole), kernel, steps, 0, rounds)


@operator("LpPool")
def power_pool(node: Node, x: Any) -> Any:
    """y = (Σ |x|ᵖ)^(1/p) over each window."""
    kernel, steps, spread, ends = geometry(node, x)
    p = node.get("p", 2)
    if any(each != 1 for each in spread):
        raise refuse(node, f"dilations {spread}")
    powers = padded(ops.abs(x) ** p, [(0, 0), (0, 0), *ends])
    sums = AVERAGES[len(kernel)](powers, kernel, steps, 0, bool(node.get("ceil_mode", 0))) * math.prod(kernel)
    return sums ** (1 / p)


def image(x: Any) -> list[int]:
    """Return the axes of an image, behind those of the batch and the channels."""
    return [*range(2, x.ndim)]


OPERATORS.update(
    {
        "GlobalAveragePool": lambda node, x: ops.mean(x, image(x), keepdim=True),
        "GlobalMaxPool": lambda node, x: ops.amax(x, image(x), keepdim=True),
    }
)


@operator("GlobalLpPool")
def whole_power(node: Node, x: Any) -> Any:
    p = node.get("p", 2)
    return ops.sum(ops.abs(x) ** p, image(x), keepdim=True) ** (1 / p)


@operator("GridSample")
def grid_sample(node: Node, x: Any, grid: Any) -> Any:
    word = node.get("mode", "linear")
    mode: Any = {"linear": "bilinear", "cubic": "bicubic"}.get(word, word)
    return F.grid_sample(x, grid, mode, node.get("padding_mode", "zeros"), bool(node.get("align_corners", 0)))
