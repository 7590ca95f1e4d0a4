"""Structure: axes, shapes, slices, joints, paddings. What stays as it is is written so that no size need be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.creation import filled
from lineal.onnx.rules.inplace import put
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.varying import Varying
from lineal.onnx.writer import FIRST, LAST, GraphWriter, Value
from lineal.ops.structural.axes import MatrixTranspose, Permute, Squeeze, Transpose, Unsqueeze
from lineal.ops.structural.diagonals import Diagonal
from lineal.ops.structural.embedding import Embed
from lineal.ops.structural.flipping import Flip, Roll
from lineal.ops.structural.grids import BlockDiag
from lineal.ops.structural.joining import Cat, Split
from lineal.ops.structural.padding import ConstantPad, Crop, EdgeFold, EdgePad
from lineal.ops.structural.repeating import Repeat
from lineal.ops.structural.reshape import View, ViewDtype
from lineal.ops.structural.slicing import Select, Slice
from lineal.ops.structural.stacking import Stack, Unbind
from lineal.ops.structural.striding import AsStrided, AsStridedAdjoint
from lineal.ops.structural.triangles import Tril, Triu
from lineal.ops.structural.windows import Fold, Unfold

__all__ = ["sliced"]

no_export("how numbers lie in memory: a file knows no strides", AsStrided, AsStridedAdjoint, ViewDtype)
no_export("never met: a trace has its parts, one by one", Split, Unbind)
no_export("no rule so far", BlockDiag, Fold)
no_export("never met: where somebody listens, other ops stand for it", EdgeFold, EdgePad)


def place_in(place: Any, size: Any) -> Any:
    """Return a place of an axis, counted from the end if only that does not depend on sizes; the end itself is `LAST`."""
    if isinstance(size, Varying) and isinstance(place, Varying):
        back = place - size
        if isinstance(back, int):
            return back or LAST
    return place


def sliced(graph: GraphWriter, x: Value, cuts: Sequence[tuple[int, Any, Any, int]]) -> str:
    """Return x cut along axes to (axis, start, stop, step); cuts that leave all of an axis are left out."""
    cuts = [each for each in cuts if not whole(each[1:], x.shape[each[0]])]
    if not cuts:
        return x.name
    axes, starts, stops, steps = zip(*cuts)
    starts, stops = ([place_in(place, x.shape[axis]) for axis, place in zip(axes, ends)] for ends in (starts, stops))
    return graph.node("Slice", x, graph.sizes(starts), graph.sizes(stops), graph.ints(axes), graph.sizes(steps))


def whole(cut: tuple, size: Any) -> bool:
    """Return whether a cut is all of an axis."""
    start, stop, step = cut
    return isinstance(start, int) and start == 0 and type(stop) is type(size) and stop == size and step == 1


@exports(Permute, by="Transpose")
def permute(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Transpose", x, perm=list(op.axes)) if op.axes else graph.node("Identity", x)


@exports(Transpose, by="Transpose")
def transpose(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    order = list(range(x.ndim))
    order[op.first], order[op.second] = op.second, op.first
    return graph.node("Transpose", x, perm=order)


@exports(MatrixTranspose, by="Transpose")
def matrix_transpose(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Transpose", x, perm=[1, 0]) if x.ndim == 2 else graph.node("Identity", x)


@exports(Squeeze, by="Squeeze")
def squeeze(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Squeeze", x, graph.ints(op.axes)) if op.axes else graph.node("Identity", x)


@exports(Unsqueeze, by="Unsqueeze")
def unsqueeze(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Unsqueeze", x, graph.ints(op.axes)) if op.axes else graph.node("Identity", x)


@exports(View, by="Reshape")
def view(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x in another shape: axes that stay are 0, one follows from the number of elements, others are computed."""
    shape: list[Any] = list(op.shape)
    if not any(isinstance(each, Varying) for each in shape):
        return graph.node("Reshape", x, graph.ints(shape), allowzero=int(0 in shape) or None)
    for n, size in enumerate(shape):
        if n < x.ndim and isinstance(size, Varying) and isinstance(x.shape[n], Varying) and numbers_equal(size, x.shape[n]):
            shape[n] = 0
    left = [n for n, size in enumerate(shape) if isinstance(size, Varying)]
    if left:
        shape[left[-1]] = -1
    if any(size == 0 for size, given in zip(shape, op.shape) if isinstance(given, int)):
        return graph.node("Reshape", x, graph.sizes(op.shape), allowzero=1)
    return graph.node("Reshape", x, graph.sizes(shape))


def numbers_equal(a: Varying, b: Varying) -> bool:
    """Return whether two numbers were the same at all trials."""
    return a.numbers == b.numbers


@exports(Select, by="Gather")
def select(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    place = place_in(op.place, x.shape[op.dim])
    return graph.node("Gather", x, graph.number(place, np.int64), axis=op.dim)


@exports(Slice, by="Slice")
def slice_axis(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return sliced(graph, x, [(op.dim, op.start, op.stop, op.step)])


@exports(Crop, by="Slice")
def crop(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return sliced(graph, x, [(axis, start, stop, 1) for axis, (start, stop) in enumerate(op.ranges)])


@exports(ConstantPad, by="Pad")
def constant_pad(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    pads = graph.sizes([before for before, _ in op.widths] + [behind for _, behind in op.widths])
    return graph.node("Pad", x, pads, graph.number(op.fill, x.storage), mode="constant")


@exports(Embed, by="ScatterElements")
def embed(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    zeros = Value(filled(graph, y.shape, 0, y.storage), y.shape, y.storage)
    return put(graph, (op.view,), [x.shape], zeros, x)


@exports(Cat, by="Concat")
def cat(graph: GraphWriter, op: Any, y: Any, *xs: Value) -> str:
    return graph.node("Concat", *xs, axis=op.dim)


@exports(Stack, by="Unsqueeze, Concat")
def stack(graph: GraphWriter, op: Any, y: Any, *xs: Value) -> str:
    return graph.node("Concat", *[graph.node("Unsqueeze", x, graph.ints([op.dim])) for x in xs], axis=op.dim)


@exports(Flip, by="Slice")
def flip(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    if not op.axes:
        return graph.node("Identity", x)
    back = graph.ints([-1] * len(op.axes))
    return graph.node("Slice", x, back, graph.ints([FIRST] * len(op.axes)), graph.ints(op.axes), back)


@exports(Roll, by="Slice, Concat")
def roll(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = the parts before and behind a place of each axis, exchanged."""
    for shift, axis in zip(op.shifts, op.axes):
        size = x.shape[axis]
        cut = -shift if isinstance(size, Varying) and not isinstance(shift, Varying) else -(shift % size) if size else 0
        if isinstance(size, Varying) and isinstance(shift, int) and abs(shift) >= min(size.numbers):
            raise OnnxExporterError(f"roll by {shift} of an axis that may be shorter")
        if not isinstance(cut, int) or cut:
            parts = (cut, LAST), (0, cut)
            names = [graph.node("Slice", x, *[graph.sizes([each]) for each in (*ends, axis, 1)]) for ends in parts]
            x = x._replace(name=graph.node("Concat", *names, axis=axis))
    return graph.node("Identity", x)


@exports(Repeat, by="Tile")
def repeat(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    lead = len(op.repeats) - x.ndim
    name = graph.node("Unsqueeze", x, graph.ints(range(lead))) if lead else x
    return graph.node("Tile", name, graph.sizes(op.repeats))


@exports(Tril, Triu, by="Trilu")
def triangle(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Trilu", x, graph.number(op.diagonal, np.int64), upper=int(isinstance(op, Triu)))


@exports(Diagonal, by="Reshape, Gather")
def diagonal(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = every (columns + 1)-th element of matrices that are laid out flat; their sizes must be known."""
    rows, columns, count = int(x.shape[op.first]), int(x.shape[op.second]), int(y.shape[-1])
    order = [*(n for n in range(x.ndim) if n not in (op.first, op.second)), op.first, op.second]
    turned = graph.node("Transpose", x, perm=order)
    flat = graph.node("Reshape", turned, graph.sizes([*[x.shape[n] for n in order[:-2]], rows * columns]), allowzero=1)
    start = op.offset if op.offset > 0 else -op.offset * columns
    return graph.node("Gather", flat, graph.ints(start + n * (columns + 1) for n in range(count)), axis=x.ndim - 2)


@exports(Unfold, by="Gather")
def unfold(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = windows of an axis of known size, as the last axis."""
    count = int(y.shape[op.dim])
    places = np.arange(count)[:, None] * int(op.step) + np.arange(int(op.size))
    windows = graph.node("Gather", x, graph.constant(places.astype(np.int64)), axis=op.dim)
    order = [n for n in range(x.ndim + 1) if n != op.dim + 1]
    return graph.node("Transpose", windows, perm=[*order, op.dim + 1])
