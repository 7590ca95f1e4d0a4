"""Pooling and resampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.convolution import behind
from lineal.onnx.rules.table import exports
from lineal.onnx.varying import Varying, numbers_of
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.spatial.maxima import WindowMax
from lineal.ops.spatial.resampling import Resample
from lineal.ops.spatial.taps import Taps
from lineal.ops.spatial.windows import Windows, count_of

__all__: list[str] = []

MODES = {"linear": "linear", "cubic": "cubic", "nearest": "nearest"}


def pooled(graph: GraphWriter, operator: str, count: int, x: Value, windows: Sequence[Any], **attributes: Any) -> list[str]:
    """Return what an operator gives of windows over the last axes, behind two others, which are put there if missing."""
    lead = x.ndim - len(windows)
    if not all(isinstance(each, Windows) for each in windows) or lead not in (1, 2):
        raise OnnxExporterError("windows of several sizes (adaptive pooling whose output does not divide the input)")
    rounded = operator == "MaxPool" and is_rounded_up(windows)
    ends = [each.padding for each in windows] if rounded else [behind(*geometry(each)) for each in windows]
    given = graph.node("Unsqueeze", x, graph.ints([0])) if lead == 1 else x
    names = graph.nodes_of(
        operator,
        [given],
        count,
        kernel_shape=[int(each.kernel) for each in windows],
        strides=[int(each.stride) for each in windows],
        dilations=[int(each.dilation) for each in windows] if any(each.dilation != 1 for each in windows) else None,
        pads=[*[each.padding for each in windows], *ends],
        ceil_mode=1 if rounded else None,
        **attributes,
    )
    return [graph.node("Squeeze", each, graph.ints([0])) for each in names] if lead == 1 else list(names)


def geometry(windows: Windows) -> tuple[Any, ...]:
    """Return what `behind` asks of windows."""
    return windows.size, windows.kernel, windows.count, windows.stride, windows.dilation, windows.padding


def is_rounded_up(windows: Sequence[Windows]) -> bool:
    """Return whether, of sizes that vary, there are as many windows as `ceil_mode` gives, and not always as many without."""
    up, down = True, True
    for each in windows:
        like = each.size if isinstance(each.size, Varying) else Varying([int(each.size)])
        rest = each.kernel, each.stride, each.padding, each.dilation
        for size, count in zip(like.numbers, numbers_of(each.count, like)):
            up &= count_of(size, *rest, True) == count
            down &= count_of(size, *rest, False) == count
    return up and not down and any(isinstance(each.size, Varying) for each in windows)


@exports(WindowMax, by="MaxPool")
def window_max(graph: GraphWriter, op: Any, ys: Any, x: Value) -> tuple[str, str]:
    """y, index = MaxPool, whose indices count through all images and channels."""
    top, index = pooled(graph, "MaxPool", 2, x, op.windows)
    area: Any = math.prod(x.shape[x.ndim - len(op.windows) :])
    return top, graph.node("Mod", index, graph.number(area, np.int64))


@exports(Resample, by="AveragePool, Resize, or MatMul")
def resample(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = averages or interpolation, by the operators for them; other maps of known sizes as products with a matrix."""
    origins: list[Any] = [each.origin if isinstance(each, Taps) else each for each in op.taps]
    names = {each.name if each else "" for each in origins}
    if names == {"averages"} and is_average(origins):
        windows, counted, _ = zip(*[each.given for each in origins])
        return pooled(graph, "AveragePool", 1, x, windows, count_include_pad=int(any(counted)))[0]
    if len(names) == 1 and names <= MODES.keys() and x.ndim == len(origins) + 2:
        return resized(graph, origins, y, x)
    if not all(isinstance(each, Taps) for each in op.taps):
        raise OnnxExporterError(f"a resampling of sizes that vary ({', '.join(sorted(names))})")
    for n, taps in enumerate(op.taps):
        x = x._replace(name=multiplied(graph, taps, x, x.ndim - len(op.taps) + n))
    return x.name


def is_average(origins: Sequence[Any]) -> bool:
    """Return whether AveragePool counts padding as these averages do: all of it or none, as much behind as in front."""
    windows, counted, divisors = zip(*[each.given for each in origins])
    if not all(isinstance(each, Windows) for each in windows) or any(each is not None for each in divisors):
        return False
    ends = [behind(*geometry(each)) for each in windows]
    even = all(end == each.padding for end, each in zip(ends, windows))
    none = not any(counted)
    return even and (none or all(number == each.padding for number, each in zip(counted, windows)))


def resized(graph: GraphWriter, origins: Sequence[Any], y: Any, x: Value) -> str:
    """Return the interpolation by Resize: of given scales where there are some, else of sizes."""
    mode, last = origins[0].name, {each.given[3] for each in origins}
    if len(last) > 1:
        raise OnnxExporterError("a resampling that differs from axis to axis")
    aligned = last.pop()
    scales = [each.given[2] for each in origins]
    if mode == "nearest":
        place, rounding = ("half_pixel", "round_prefer_ceil") if aligned else ("asymmetric", "floor")
    else:
        place, rounding = "align_corners" if aligned else "half_pixel", None
    words = {"mode": MODES[mode], "coordinate_transformation_mode": place, "nearest_mode": rounding}
    if mode == "cubic":
        words["cubic_coeff_a"] = -0.75
    if all(scales):
        given = graph.constant(np.array([1.0, 1.0, *scales], np.float32))
        return graph.node("Resize", x, "", given, **words)
    lead = graph.node("Shape", x, start=0, end=2)
    sizes = graph.node("Concat", lead, graph.sizes(y.shape[2:]), axis=0)
    return graph.node("Resize", x, "", "", sizes, **words)


def multiplied(graph: GraphWriter, taps: Taps, x: Value, axis: int) -> str:
    """Return a linear map along an axis as a product with its matrix."""
    table = np.zeros((taps.size, taps.count))
    for n in range(taps.places.shape[1]):
        used = np.flatnonzero(taps.counts > n)
        np.add.at(table, (taps.places[used, n], used), taps.weights[used, n])
    order = [*(n for n in range(x.ndim) if n != axis), axis]
    rows = graph.node("MatMul", graph.node("Transpose", x, perm=order), graph.constant(table.astype(x.storage)))
    return graph.node("Transpose", rows, perm=[order.index(n) for n in range(x.ndim)])
