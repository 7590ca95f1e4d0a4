"""Broadcasting by name: expand, broadcast_to and what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base import spec
from lineal.base.dtypes import Category, int64
from lineal.base.signatures import Tensor
from lineal.base.spec import Size
from lineal.core import apply
from lineal.core.calling import public
from lineal.ops.broadcasting import _expand, sum_to_shape
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.layout import shape_of

__all__ = ["broadcast_shapes", "broadcast_tensors", "broadcast_to"]


@public
def expand(
    input: Tensor, *sizes_: int | Sequence[int], size: int | Sequence[int] | None = None, implicit: bool = False
) -> Tensor:
    """Return the view of a larger size, with dimensions of size 1 repeated; -1 keeps a size."""
    return apply(
        _expand(expanded_shape("expand", input.value.shape, shape_of("expand", sizes_ if size is None else (size,)))), input
    )


def expanded_shape(name: str, shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    """Return `size` with the sizes of `shape` for -1; RuntimeError if shape does not expand to it."""
    lead = len(size) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"{name}: the number of sizes provided ({len(size)}) must be greater or equal to the number of dimensions "
            f"in the tensor ({len(shape)}), got {list(size)} for shape {list(shape)}"
        )
    target = list(size)
    for place, wanted in enumerate(size):
        have = shape[place - lead] if place >= lead else None
        if wanted == -1 and have is not None:
            target[place] = have
        elif wanted < 0:
            raise RuntimeError(f"{name}: the expanded size {wanted} isn't allowed at dimension {place} of {list(size)}")
        elif have not in (None, 1, wanted):
            raise RuntimeError(
                f"{name}: the expanded size of the tensor ({wanted}) must match the existing size ({have}) at non-singleton "
                f"dimension {place}. Target sizes: {list(size)}. Tensor sizes: {list(shape)}"
            )
    return tuple(target)


@public
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the view expanded to the shape of `other`."""
    return expand(input, other.value.shape)


@public
def broadcast_to(input: Tensor, size: int | Sequence[int]) -> Tensor:
    """Return the view of input broadcast to the shape `size`."""
    return expand(input, size)


@public
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Return the tensors expanded to their common shape; one that has it already is itself."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    shape = spec.broadcast_shapes("broadcast_tensors", *[x.value.shape for x in given])
    return tuple([x if x.value.shape == shape else expand(x, shape) for x in given])


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that tensors of `shapes` broadcast to; an int stands for a shape of one dimension."""
    given: list[Sequence[int]] = [(each,) if isinstance(each, int) else tuple(each) for each in shapes]
    for shape in given:
        if any(size < 0 for size in shape):
            raise ValueError(f"broadcast_shapes: expected sizes of at least 0, got {tuple(shape)}")
    return Size(spec.broadcast_shapes("broadcast_shapes", *given))


def sum_to_size(input: Tensor, *sizes_: int | Sequence[int], size: int | Sequence[int] | None = None) -> Tensor:
    """Return input summed down to `size`, which must broadcast to input's shape."""
    shape, target = input.value.shape, shape_of("sum_to_size", sizes_ if size is None else (size,))
    try:
        fits = spec.broadcast_shapes("sum_to_size", target, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise RuntimeError(f"sum_to_size: size {list(target)} is not expandable to size {list(shape)}")
    if dtype_of(input).category < Category.FLOATING and (target != shape or not target):
        input = cast(input, int64)
    return sum_to_shape(input, target)
