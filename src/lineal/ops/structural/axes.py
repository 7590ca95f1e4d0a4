"""The axes of a tensor in another order, and axes of size 1 put in and taken out. All of it views."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from lineal.base import spec
from lineal.base.signatures import Dims, Tensor
from lineal.base.spec import Axes, Axis, Order, axis
from lineal.core import AbstractTensor, Op, apply, renamed
from lineal.core.calling import no_tensor, public
from lineal.ops.layout import shape_of

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "squeeze", "swapaxes", "swapdims", "t", "transpose", "unsqueeze"]


class Permute(Op):
    """y = x with its axes in the order `axes`; x̄ = ȳ with them back."""

    axes: Order
    aliasing = "view"

    def eager(self, xp, x):
        return x.transpose(self.axes)

    def vjp(self, needs, g, y, x):
        back = [0] * len(self.axes)
        for place, each in enumerate(self.axes):
            back[each] = place
        return (apply(_permute(tuple(back)), g),)


class Transpose(Op):
    """y = x with the axes `first` and `second` exchanged; x̄ = ȳ likewise."""

    first: Axis
    second: Axis
    aliasing = "view"

    def eager(self, xp, x):
        return x.swapaxes(self.first, self.second)

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


class MatrixTranspose(Op):
    """Y = Xᵀ for a matrix X; X̄ = Ȳᵀ. (PyTorch's `t`; numbers and vectors stay as they are.)"""

    grad_name = "TBackward0"
    aliasing = "view"

    def eager(self, xp, x):
        return x.transpose()

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


class Squeeze(Op):
    """y = x without its `axes`, which have size 1; x̄ = ȳ with them put back."""

    axes: Axes
    aliasing = "view"

    def eager(self, xp, x):
        return x.squeeze(self.axes)

    def vjp(self, needs, g, y, x):
        return (apply(_unsqueeze(self.axes), g),)


class Unsqueeze(Op):
    """y = x with `axes` of size 1 put in, counted in y; x̄ = ȳ without them."""

    axes: Axes
    aliasing = "view"

    @functools.cached_property
    def where(self) -> tuple:
        return (*[None if place in self.axes else _ALL for place in range(max(self.axes, default=-1) + 1)], ...)

    def eager(self, xp, x):
        return x[self.where]

    def vjp(self, needs, g, y, x):
        return (apply(_squeeze(self.axes), g),)


_ALL = slice(None)
_permute = functools.lru_cache(4096)(Permute)
_transpose = functools.lru_cache(4096)(Transpose)
_squeeze = functools.lru_cache(4096)(Squeeze)
_unsqueeze = functools.lru_cache(4096)(Unsqueeze)
_t = MatrixTranspose()


@public
def permute(input: Tensor, *order: int | Sequence[int], dims: Any = None) -> Tensor:
    """Return the view with dimension `dims[i]` of input as dimension i."""
    try:
        ndim = input.value.ndim
    except AttributeError:
        raise no_tensor("permute", input) from None
    if not order and dims is None:
        raise TypeError('permute: missing the argument "dims"')
    given = shape_of("permute", order if dims is None else (dims,))
    if len(given) != ndim:
        raise RuntimeError(f"permute: expected as many dims as the {ndim} dimensions of the input, got {given}")
    found = tuple([axis("permute", dim, ndim) for dim in given])
    if len(set(found)) != ndim:
        raise RuntimeError(f"permute: duplicate dims are not allowed, got {given}")
    return apply(_permute(found), input)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return the view with dimensions `dim0` and `dim1` exchanged."""
    try:
        ndim = input.value.ndim
    except AttributeError:
        raise no_tensor("transpose", input) from None
    first, second = axis("transpose", dim0, ndim), axis("transpose", dim1, ndim)
    return apply(_transpose(first, second) if ndim else _permute(()), input)


@public
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Return the view with dimensions `axis0` and `axis1` exchanged."""
    return transpose(input, axis0, axis1)


@public
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return the view with dimensions `dim0` and `dim1` exchanged."""
    return transpose(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix, as a view; numbers and vectors as they are."""
    try:
        ndim = input.value.ndim
    except AttributeError:
        raise no_tensor("t", input) from None
    if ndim > 2:
        raise RuntimeError(f"t: expected a tensor with <= 2 dimensions, got shape {list(input.value.shape)}")
    return apply(_t, input)


@public
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return the view with dimensions `source` at the positions `destination`, the others in their order."""
    ndim = input.value.ndim
    source, destination = as_dims(source), as_dims(destination)
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: expected as many source dims as destination dims, got {source} and {destination}")
    taken = [axis("movedim", dim, ndim) for dim in source]
    put = [axis("movedim", dim, ndim) for dim in destination]
    if len(set(taken)) != len(taken) or len(set(put)) != len(put):
        raise RuntimeError(f"movedim: repeated dim in source {source} or destination {destination}")
    if not ndim:
        return apply(_permute(()), input)
    others = iter([place for place in range(ndim) if place not in taken])
    arrived = dict(zip(put, taken))
    return apply(_permute(tuple([arrived[place] if place in arrived else next(others) for place in range(ndim)])), input)


@public
def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return the view with dimensions `source` at the positions `destination`, the others in their order."""
    return movedim(input, source, destination)


def as_dims(dims: Any) -> Axes:
    """Return one dimension, or several, as a tuple."""
    if dims.__class__ is int or not isinstance(dims, Iterable):
        return (dims,)
    return tuple(dims.tolist() if isinstance(dims, AbstractTensor) and dims.value.ndim else dims)  # type: ignore


def only_one(name: str, dim: Any, axis: Any) -> Any:
    """Return `axis`, by which name NumPy's users give `dim`; TypeError if both are given."""
    if dim is not None:
        raise TypeError(f"{name}: expected dim or axis, got both")
    return axis


def squeeze(input: Tensor, dim: Dims | None = None, *, axis: Dims | None = None) -> Tensor:
    """Return the view without the dimensions of size 1, or without those of `dim` (one or several) that have size 1."""
    try:
        shape = input.value.shape
    except AttributeError:
        raise no_tensor("squeeze", input) from None
    given: Any = dim if axis is None else only_one("squeeze", dim, axis)
    if given is None:
        return apply(_squeeze(tuple([place for place, size in enumerate(shape) if size == 1])), input)
    if given.__class__ is int and shape:
        place = spec.axis("squeeze", given, len(shape))
        return renamed(apply(_squeeze((place,) if shape[place] == 1 else ()), input), "SqueezeBackward1")
    found = [spec.axis("squeeze", each, len(shape)) for each in as_dims(given)]
    if len(set(found)) != len(found):
        raise RuntimeError(f"squeeze: dim {found[-1]} appears multiple times in the list of dims {tuple(given)}")
    return renamed(
        apply(_squeeze(tuple(sorted([place for place in found if shape and shape[place] == 1]))), input), "SqueezeBackward2"
    )


def unsqueeze(input: Tensor, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Return the view with a dimension of size 1 at position `dim`."""
    try:
        ndim = input.value.ndim + 1
    except AttributeError:
        raise no_tensor("unsqueeze", input) from None
    given: Any = dim if axis is None else only_one("unsqueeze", dim, axis)
    return apply(_unsqueeze((spec.axis("unsqueeze", given, ndim),)), input)


def matrix_transpose(input: Tensor) -> Tensor:
    """Return the view with the last two dimensions exchanged; a number as it is."""
    if input.value.ndim == 1:
        raise RuntimeError("mT: tensor.mT is only supported on matrices or batches of matrices, got a vector")
    return transpose(input, -2, -1) if input.value.ndim else apply(_permute(()), input)


@public
def adjoint(input: Tensor) -> Tensor:
    """Return the conjugate transpose of matrices (the last two dimensions); a view if input is real."""
    if input.value.ndim == 1:
        raise RuntimeError("adjoint: expected matrices or batches of matrices, got a vector")
    return matrix_transpose(input).conj()


def hermitian(input: Tensor) -> Tensor:
    """Return the conjugate transpose of one matrix."""
    if input.value.ndim not in (0, 2):
        raise RuntimeError(f"H: tensor.H is only supported on matrices (2-D tensors), got shape {list(input.value.shape)}")
    return matrix_transpose(input).conj()


def reverse_axes(input: Tensor) -> Tensor:
    """Return the view with all dimensions in reverse order."""
    return apply(_permute(tuple(range(input.value.ndim - 1, -1, -1))), input)
