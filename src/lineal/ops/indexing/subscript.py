"""What stands in brackets: `x[index]` and `x[index] = value`, and index_put, which spells the same out."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.devices import device_of
from lineal.base.platforms import FOREIGN
from lineal.base.signatures import Tensor
from lineal.base.spec import Axes, broadcast_shapes
from lineal.core import AbstractTensor, apply, lift, modes, module_of, write
from lineal.core.apply import inferred
from lineal.core.calling import public
from lineal.core.inplace import touch
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast, dtype_of, transferred
from lineal.ops.front import require_tensor
from lineal.ops.indexing.advanced import index_op, put_op
from lineal.ops.indexing.basic import Items, select_item, slice_item, slice_op
from lineal.ops.indexing.changing import change
from lineal.ops.indexing.masks import masked_fill_, number_like
from lineal.ops.indexing.reading import Picks, read, tensor_pick, width

__all__ = ["index_put", "index_put_"]

_recorder = modes.recorder.get
_guard = modes.guard.get
_NUMBERS = (bool, int, float, complex, np.generic)


def getitem(self: Tensor, index: Any) -> Tensor:
    """Return the part of the tensor that `index` means: a view for ints, slices, None and Ellipsis, otherwise a copy."""
    kind = index.__class__
    shape = self.value.shape
    if kind is int and shape:
        size = shape[0]
        if not -size <= index < size:
            select_item("index", index, 0, size)
        return apply(slice_op((index if index >= 0 else index + size,)), self)
    if kind is slice and shape:
        return apply(slice_op((slice_item("index", index, shape[0]),)), self)
    if isinstance(index, AbstractTensor) and index.value.ndim and index.value.dtype == np.int64 and shape:
        return apply(index_op((0,), "Index"), self, index)
    items, picks = read(shape, index)
    if not picks:
        return apply(slice_op(items), self)
    part, picks = selected(apply(slice_op(items), self) if items else self, picks)
    if not picks:
        return part
    places, indices, _ = checked("index", part, picks)
    return apply(index_op(places, "Index"), part, *indices)


def is_number(index: Tensor) -> bool:
    """Return whether an index tensor is a single integer, which takes its axis away."""
    return not index.value.ndim and index.value.dtype.kind != "b"


def selected(part: Any, picks: Picks) -> tuple[Any, Picks]:
    """Return the part that the single integers among the index tensors leave, and the others with their axes in it.

    As ints do, they take their axes away before the others are looked at.
    """
    left, gone = [], 0
    for place, index in picks:
        if is_number(index):
            part = looked(part, place - gone, index)
            gone += 1
        else:
            left.append((place - gone, index))
    return part, left


def looked(x: Any, place: int, index: Any) -> Any:
    """Return the view x[…, i, …] of eager code, where a recorder listens: it hears of an op that takes the number i, and that
    what this op gives looks into x.
    """
    copy = apply(index_op((place,), "Index"), x, index.reshape(1)).squeeze(place)
    listener = _recorder()
    if listener is None:
        return copy
    shape = x.value.shape
    number = select_item("index", int(index.value), place, shape[place])
    with modes.Setting((modes.recorder, None)):
        view = apply(slice_op((*((0, size, 1) for size in shape[:place]), number)), x)
    # the backward pass goes by the number that i is then
    view.node, view.index = copy.node, copy.index
    listener.looks(view, copy, x)
    return view


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write `value`, a number or a tensor that broadcasts to it, into the part of the tensor that `index` means."""
    if index is False:
        return
    items, picks = read(self.value.shape, None if index is True else index)
    if not isinstance(value, (AbstractTensor, *_NUMBERS)):
        raise TypeError(f"setitem: can't assign a {type(value).__name__} to a tensor; expected a tensor or a number")
    if not picks:
        if not written_plainly(self, items, value):
            part = apply(slice_op(items), self)
            write(part, fitted(part, value), "setitem")
        return
    part = apply(slice_op(items), self) if items else self
    numbers = [pick for pick in picks if is_number(pick[1])]
    if numbers and len(numbers) < len(picks):
        # the axes of an index by integers and sequences stand elsewhere if something is between them
        inner, rest = selected(part, picks)
        inner = inner.clone()
        key: list[Any] = [slice(None)] * inner.value.ndim
        for place, pick in reversed(rest):
            key[place : place + width(pick)] = [pick]
        setitem(inner, tuple(key), value)
        picks, value = numbers, inner
    single = picks[0][1] if len(picks) == 1 else None
    masks_all = single is not None and single.value.dtype == np.bool_ and single.value.shape == part.value.shape
    if masks_all and (not isinstance(value, AbstractTensor) or value.value.ndim == 0):
        if not isinstance(value, AbstractTensor):
            value = number_like(value, part, "setitem", False)
        masked_fill_(part, single, value)  # type: ignore[arg-type]
        return
    if not isinstance(value, AbstractTensor):
        value = number_like(value, part, "setitem", False)
    change(part, *put_plan("setitem", part, picks, value, False), name="setitem")


def written_plainly(x: Tensor, items: Items, value: Any) -> bool:
    """Write `value` with NumPy alone and return True, if neither a history nor a recorder nor a view is there to be told."""
    watched = _recorder() is not None or _guard() is not None
    if x.node is not None or x.origin is not None or watched or inferred(x):
        return False
    if isinstance(value, AbstractTensor):
        if value.node is not None or value.origin is not None:
            return False
        value = value.value
        if value.dtype != x.value.dtype:
            return False
    else:
        value = number_like(value, x, "setitem", False).value
    try:
        x.value[slice_op(items).index] = value
    except ValueError:
        return False
    touch(x, "setitem")
    return True


def fitted(part: Tensor, value: Any) -> Any:
    """Return what is assigned in the dtype and shape of the part it is written into."""
    if not isinstance(value, AbstractTensor):
        return expand(number_like(value, part, "setitem", False), part.value.shape)
    return expand_to(part.value.shape, cast(value, dtype_of(part)), "setitem")


def expand_to(shape: tuple[int, ...], value: Tensor, name: str) -> Any:
    """Return `value` expanded to `shape`, without its leading dimensions of size 1 if it has too many."""
    found = value.value.shape
    while len(found) > len(shape) and found[0] == 1:
        found = found[1:]
    try:
        fits = broadcast_shapes(name, found, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"{name}: shape mismatch: value tensor of shape {list(value.value.shape)} cannot be broadcast to "
            f"indexing result of shape {list(shape)}"
        )
    return expand(value if found == value.value.shape else value.reshape(found), shape)


def checked(name: str, x: AbstractTensor, picks: Picks) -> tuple[Axes, list[Any], list[tuple[int, ...]]]:
    """Return the axes and the index tensors of an advanced index after checking masks and shapes, and the indices' shapes."""
    indices, shape = [index for _, index in picks], x.value.shape
    if FOREIGN:
        indices = [transferred(index, device_of(x.value)) for index in indices]
    shapes: list[tuple[int, ...]] = []
    for place, index in picks:
        found = index.value.shape
        if index.value.dtype == np.bool_:
            if found != shape[place : place + len(found)]:
                raise IndexError(
                    f"{name}: The shape of the mask {list(found)} at index {place} does not match the shape of the "
                    f"indexed tensor {list(shape)} at index {place}"
                )
            found = (int(module_of(index).count_nonzero(index.value)),) if len(picks) > 1 or name != "index" else ()
        shapes.append(found)
    if len(shapes) > 1:
        try:
            broadcast_shapes(name, *shapes)
        except RuntimeError:
            listed = ", ".join(str(list(each)) for each in shapes)
            raise IndexError(
                f"{name}: shape mismatch: indexing tensors could not be broadcast together with shapes {listed}"
            ) from None
    return tuple(place for place, _ in picks), indices, shapes


def put_plan(name: str, x: Tensor, picks: Picks, values: Any, accumulate: bool) -> tuple:
    """Return the op of index_put and its inputs after the first: the values expanded, and the indices."""
    require_tensor(name, values)
    places, indices, shapes = checked(name, x, picks)
    if values.value.dtype != x.value.dtype:
        raise RuntimeError(
            f"{name}: Index put requires the source and destination dtypes match, "
            f"got {dtype_of(x)} for the destination and {dtype_of(values)} for the source"
        )
    op = put_op(places, accumulate, "IndexPut")
    if values.value.ndim == 0 and values.node is None and values.origin is None and not accumulate and _recorder() is None:
        return op, values, *indices
    ends = [place + width(index) for place, index in picks]
    rest = [size for axis, size in enumerate(x.value.shape) if not any(a <= axis < b for a, b in zip(places, ends))]
    together = all(end == start for end, start in zip(ends, places[1:]))
    front = places[0] if together else 0
    shape = (*rest[:front], *broadcast_shapes(name, *shapes), *rest[front:])
    return op, expand_to(shape, values, name), *indices


def read_indices(name: str, x: Tensor, indices: Any) -> Picks:
    """Return the picks that a sequence of index tensors means, one per axis (None: the whole axis)."""
    if isinstance(indices, AbstractTensor):
        raise TypeError(f"{name}: expected indices to be a tuple of tensors, got a tensor")
    picks: Picks = []
    axis = 0
    for each in indices:
        if each is None:
            axis += 1
            continue
        index = tensor_pick(each)
        index = lift(np.array(index)) if index.__class__ is int else index
        picks.append((axis, index))
        axis += width(index)
    if axis > x.value.ndim:
        raise IndexError(f"{name}: too many indices for tensor of dimension {x.value.ndim} (got {axis})")
    return picks


@public
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return input with input[indices] = values, or += values with `accumulate`, repeated places adding up."""
    op, *others = put_plan("index_put", input, read_indices("index_put", input, indices), values, bool(accumulate))
    return apply(op, input, *others)


@public
def index_put_(self: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write `values` at the places `indices`, or add them there with `accumulate`."""
    op, *others = put_plan("index_put_", self, read_indices("index_put_", self, indices), values, bool(accumulate))
    return change(self, op, *others, name="index_put_")
