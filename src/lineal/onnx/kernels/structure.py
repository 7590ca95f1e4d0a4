"""Shapes: reshaping, moving axes, joining, splitting, padding, and tensors that are made of shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes
from lineal.core import lift
from lineal.nn import functional as F
from lineal.onnx.kernels.arithmetic import dtype_of
from lineal.onnx.kernels.table import OPERATORS, Node, indices, integers, operator, refuse

__all__ = ["padded"]


@operator("Reshape")
def reshape(node: Node, x: Any, shape: Any) -> Any:
    """y of a shape in which 0 is the size of x there, unless `allowzero` says that it is 0."""
    sizes = integers(shape)
    return x.reshape([x.shape[n] if size == 0 and not node.get("allowzero", 0) else size for n, size in enumerate(sizes)])


@operator("Flatten")
def flatten(node: Node, x: Any) -> Any:
    axis = node.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("Transpose")
def transpose(node: Node, x: Any) -> Any:
    return x.permute(*node.get("perm", range(x.ndim)[::-1]))


@operator("Squeeze")
def squeeze(node: Node, x: Any, axes: Any = None) -> Any:
    places = integers(node.get("axes") if axes is None else axes) or [n for n, size in enumerate(x.shape) if size == 1]
    return x.reshape([size for n, size in enumerate(x.shape) if n not in {each % x.ndim for each in places}])


@operator("Unsqueeze")
def unsqueeze(node: Node, x: Any, axes: Any = None) -> Any:
    places = integers(node.get("axes") if axes is None else axes)
    for place in sorted(each % (x.ndim + len(places)) for each in places):
        x = x.unsqueeze(place)
    return x


@operator("Concat")
def concat(node: Node, *xs: Any) -> Any:
    return ops.cat(xs, node.get("axis", 1))


@operator("Split")
def split(node: Node, x: Any, sizes: Any = None) -> Any:
    """ys of the given sizes, else of equal ones of which the last may be smaller."""
    axis, count = node.get("axis", 0), len(node.outputs)
    wanted = integers(node.get("split") if sizes is None else sizes)
    parts = x.split(wanted or max(-(-x.shape[axis] // count), 1), axis)
    return tuple(parts) if count > 1 else parts[0]


@operator("Expand")
def expand(node: Node, x: Any, shape: Any) -> Any:
    return ops.broadcast_to(x, np.broadcast_shapes(tuple(x.shape), tuple(integers(shape))))


@operator("Tile")
def tile(node: Node, x: Any, repeats: Any) -> Any:
    return x.repeat(*integers(repeats))


@operator("Shape")
def shape(node: Node, x: Any) -> Any:
    return indices(x.shape[node.get("start", 0) : node.get("end")])


@operator("Size")
def size(node: Node, x: Any) -> Any:
    return indices(x.numel())


@operator("Constant")
def constant(node: Node) -> Any:
    found = next((each for name, each in node.attributes.items() if name.startswith("value")), None)
    if found is None or isinstance(found, (str, bytes)):
        raise refuse(node, "no number")
    real = any(isinstance(each, float) for each in (found if isinstance(found, list) else [found]))
    return lift(found) if isinstance(found, np.ndarray) else lift(np.array(found, np.float32 if real else np.int64))


@operator("ConstantOfShape")
def constant_of_shape(node: Node, shape: Any) -> Any:
    value = node.get("value", np.zeros(1, np.float32))
    return ops.full(integers(shape), value.reshape(-1)[0].item(), dtype=dtypes.of(value.dtype))


@operator("Range")
def number_range(node: Node, start: Any, limit: Any, delta: Any) -> Any:
    count = max(math.ceil((limit.item() - start.item()) / delta.item()), 0)
    return (start + ops.arange(count, dtype=start.dtype) * delta).reshape(count)


@operator("EyeLike")
def eye_like(node: Node, x: Any) -> Any:
    dtype = dtype_of(node.get("dtype")) if node.get("dtype") else x.dtype
    rows, columns = x.shape
    return (ops.arange(columns) == ops.arange(rows)[:, None] + node.get("k", 0)).to(dtype)


@operator("Trilu")
def triangle(node: Node, x: Any, k: Any = None) -> Any:
    diagonal = 0 if k is None else int(k.item())
    return ops.triu(x, diagonal) if node.get("upper", 1) else ops.tril(x, diagonal)


@operator("DepthToSpace")
def depth_to_space(node: Node, x: Any) -> Any:
    n, c, h, w = x.shape
    b = node.get("blocksize")
    if node.get("mode", "DCR") == "CRD":
        y = x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3)
    else:
        y = x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // b**2, h * b, w * b)


@operator("SpaceToDepth")
def space_to_depth(node: Node, x: Any) -> Any:
    n, c, h, w = x.shape
    b = node.get("blocksize")
    order = (0, 3, 5, 1, 2, 4) if node.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    return x.reshape(n, c, h // b, b, w // b, b).permute(*order).reshape(n, c * b * b, h // b, w // b)


@operator("Pad")
def pad(node: Node, x: Any, widths: Any = None, value: Any = None, axes: Any = None) -> Any:
    """y = x with so many elements more, in front of each axis and behind it; fewer where the number is negative."""
    numbers = integers(node.get("pads", node.get("paddings")) if widths is None else widths)
    places = [each % x.ndim for each in integers(axes)] or [*range(x.ndim)]
    front, back = numbers[: len(places)], numbers[len(places) :]
    fill = node.get("value", 0.0) if value is None else value.item()
    ends = dict(zip(places, zip(front, back)))
    return padded(x, [ends.get(n, (0, 0)) for n in range(x.ndim)], node.get("mode", "constant"), fill)


def padded(x: Any, ends: list[tuple[int, int]], mode: str = "constant", value: Any = 0.0) -> Any:
    """Return x with elements more, or fewer, in front of and behind each axis."""
    if mode == "constant":
        return F.pad(x, [each for pair in ends[::-1] for each in pair], value=value) if any(map(any, ends)) else x
    for axis, (front, back) in enumerate(ends):
        places = np.arange(x.shape[axis])[max(-front, 0) : x.shape[axis] - max(-back, 0)]
        if front or back:
            x = x.index_select(axis, indices(np.pad(places, (max(front, 0), max(back, 0)), mode)))  # type: ignore[arg-type]
    return x


OPERATORS["Det"] = lambda node, x: ops.det(x)
