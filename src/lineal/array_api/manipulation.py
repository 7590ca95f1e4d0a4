"""What moves numbers, and indexing along an axis, in the array API standard."""

from __future__ import annotations

from collections.abc import Sequence

from lineal import ops
from lineal.array_api.datatypes import together
from lineal.base.dtypes import int64
from lineal.base.signatures import Dims, Tensor
from lineal.base.spec import axis as place_of
from lineal.ops.conversion import cast

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "take",
    "take_along_axis",
    "tile",
    "unstack",
]


def broadcast_arrays(*arrays: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors in the shape that they broadcast to."""
    return tuple(ops.broadcast_tensors(*arrays)) if arrays else ()


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to; ValueError if they do not."""
    try:
        return tuple(ops.broadcast_shapes(*shapes)) if shapes else ()
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def broadcast_to(x: Tensor, /, shape: Sequence[int]) -> Tensor:
    """Return `x` in a shape that it broadcasts to, over the same memory."""
    return ops.broadcast_to(x, shape)


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Join tensors along an existing axis, or flattened if it is None."""
    given = together(*arrays)
    return ops.cat([each.reshape(-1) for each in given]) if axis is None else ops.cat(given, axis)


def expand_dims(x: Tensor, /, axis: Dims) -> Tensor:
    """Return `x` with new axes of size 1, at the places that they have in the result."""
    ndim = x.ndim + (1 if isinstance(axis, int) else len(axis))
    places = [place_of("expand_dims", each, ndim) for each in ((axis,) if isinstance(axis, int) else axis)]
    if len(set(places)) != len(places):
        raise ValueError(f"expand_dims: an axis appears twice among {axis}")
    for place in sorted(places):
        x = ops.unsqueeze(x, place)
    return x


def flip(x: Tensor, /, *, axis: Dims | None = None) -> Tensor:
    """Return `x` in reverse order along axes, all of them if None."""
    return ops.flip(x, tuple(range(x.ndim)) if axis is None else axis)


def moveaxis(x: Tensor, source: Dims, destination: Dims, /) -> Tensor:
    """Return `x` with axes moved to other places."""
    return ops.movedim(x, source, destination)


def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """Return `x` with its axes in another order."""
    return ops.permute(x, axes)


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Return each element (slice, along an axis) as many times as `repeats` says."""
    return ops.repeat_interleave(x, repeats if isinstance(repeats, int) else cast(repeats, int64), axis)


def reshape(x: Tensor, /, shape: Sequence[int], *, copy: bool | None = None) -> Tensor:
    """Return `x` in another shape; with `copy` False over the same memory, or ValueError."""
    if copy is False:
        try:
            return x.view(shape)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
    return ops.reshape(x.clone() if copy else x, shape)


def roll(x: Tensor, /, shift: Dims, *, axis: Dims | None = None) -> Tensor:
    """Return `x` with what leaves at one end of axes coming in at the other; flattened meanwhile if `axis` is None."""
    if isinstance(shift, int) and isinstance(axis, tuple):
        shift = (shift,) * len(axis)
    return ops.roll(x, shift, axis)


def squeeze(x: Tensor, /, axis: Dims) -> Tensor:
    """Return `x` without axes of size 1; ValueError where the size is another."""
    places = [place_of("squeeze", each, x.ndim) for each in ((axis,) if isinstance(axis, int) else axis)]
    if any(x.shape[place] != 1 for place in places):
        raise ValueError(f"squeeze: expected axes of size 1, got {axis} of shape {list(x.shape)}")
    return ops.squeeze(x, places)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Join tensors along a new axis."""
    return ops.stack(together(*arrays), axis)


def positions(indices: Tensor, size: int) -> Tensor:
    """Return places along an axis, negative ones counted from its end."""
    places = cast(indices, int64)
    return ops.where(places < 0, places + size, places)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """Return the slices of `x` at places along an axis, which may be left out where there is but one."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"take: expected an axis for a tensor of {x.ndim} dimensions")
    dim = place_of("take", axis or 0, x.ndim)
    return ops.index_select(x, dim, positions(indices, x.shape[dim]))


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """Return the elements of `x` at places along an axis, one for each index; the other axes broadcast."""
    dim = place_of("take_along_axis", axis, x.ndim)
    return ops.take_along_dim(x, positions(indices, x.shape[dim]), dim)


def tile(x: Tensor, repetitions: Sequence[int], /) -> Tensor:
    """Return copies of `x` side by side, as many along each axis as `repetitions` says."""
    return ops.tile(x, tuple(repetitions))


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Return the slices along an axis."""
    return ops.unbind(x, axis)
