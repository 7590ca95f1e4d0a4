"""Parts of tensors by places: slices, gathered and scattered elements."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.onnx.kernels.table import OPERATORS, Node, indices, integers, operator, refuse

__all__: list[str] = []

REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@operator("Slice")
def piece(node: Node, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None) -> Any:
    first = integers(node.get("starts") if starts is None else starts)
    last = integers(node.get("ends") if ends is None else ends)
    places = integers(node.get("axes") if axes is None else axes) or [*range(len(first))]
    for axis, start, stop, step in zip(places, first, last, integers(steps) or [1] * len(first)):
        reach = range(*slice(start, stop, step).indices(x.shape[axis]))
        if step < 0:
            x = x.index_select(axis, indices([*reach]))
        else:
            x = x[(slice(None),) * (axis % x.ndim) + (slice(reach.start, max(reach.stop, reach.start), step),)]
    return x


def from_front(places: Any, size: int) -> Any:
    """Return places of which negative ones count from the end."""
    return ops.where(places < 0, places + size, places).long()


@operator("Gather")
def gather(node: Node, x: Any, places: Any) -> Any:
    axis = node.get("axis", 0) % x.ndim
    rows = x.index_select(axis, from_front(places, x.shape[axis]).reshape(-1))
    return rows.reshape([*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]])


@operator("GatherElements")
def gather_elements(node: Node, x: Any, places: Any) -> Any:
    axis = node.get("axis", 0)
    return ops.gather(x, axis, from_front(places, x.shape[axis]))


@operator("GatherND")
def gather_nd(node: Node, x: Any, places: Any) -> Any:
    """y = x at rows of places; the first `batch_dims` axes are those of the places, too."""
    batch = node.get("batch_dims", 0)
    grid = [ops.arange(size).reshape([-1] + [1] * (places.ndim - 2 - n)) for n, size in enumerate(places.shape[:batch])]
    return x[(*grid, *places.unbind(-1))]


@operator("ScatterElements", "Scatter")
def scatter_elements(node: Node, x: Any, places: Any, values: Any) -> Any:
    axis, reduction = node.get("axis", 0), node.get("reduction", "none")
    where = from_front(places, x.shape[axis])
    if reduction == "none":
        return ops.scatter(x, axis, where, values)
    return ops.scatter_reduce(x, axis, where, values, REDUCTIONS[reduction])


@operator("ScatterND")
def scatter_nd(node: Node, x: Any, places: Any, values: Any) -> Any:
    reduction = node.get("reduction", "none")
    if reduction not in ("none", "add"):
        raise refuse(node, f"the reduction {reduction}")
    return ops.index_put(x, tuple(places.unbind(-1)), values, accumulate=reduction == "add")


@operator("OneHot")
def one_hot(node: Node, places: Any, depth: Any, values: Any) -> Any:
    count = integers(depth)[0]
    axis = node.get("axis", -1) % (places.ndim + 1)
    row = ops.arange(count).reshape([-1 if n == axis else 1 for n in range(places.ndim + 1)])
    off, on = values.unbind(0)
    return ops.where(from_front(places, count).unsqueeze(axis) == row, on, off)


@operator("Compress")
def compress(node: Node, x: Any, wanted: Any) -> Any:
    kept = ops.nonzero(wanted).reshape(-1)
    return x.reshape(-1)[kept] if node.get("axis") is None else x.index_select(node.get("axis"), kept)


OPERATORS["NonZero"] = lambda node, x: ops.nonzero(x).t()
