"""What all Fourier transforms ask of their arguments: dtypes, sizes, dimensions, `norm`, and where results are put."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base import config, dtypes
from lineal.base.spec import Axes, axis
from lineal.core import AbstractTensor
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.front import store
from lineal.ops.structural.axes import as_dims
from lineal.ops.structural.padding import constant_pad_nd
from lineal.ops.structural.slicing import slice_view

NORMS = ("backward", "ortho", "forward")


def normed(name: str, norm: str | None) -> str:
    """Return `norm`, by default "backward"."""
    if norm is None:
        return "backward"
    if norm not in NORMS:
        raise RuntimeError(f'{name}: Invalid normalization mode: "{norm}"')
    return norm


def floating(name: str, input: AbstractTensor) -> Any:
    """Return a tensor in a dtype that is transformed: integers in the default one; RuntimeError for half precisions."""
    given = dtype_of(input)
    if not given.is_floating_point and not given.is_complex:
        given = config.defaults.dtype
    if given not in (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128):
        raise RuntimeError(f"{name}: Unsupported dtype {given}")
    return cast(input, given)


def complexes(name: str, input: AbstractTensor) -> Any:
    """Return a tensor in the complex dtype of its precision."""
    input = floating(name, input)
    return cast(input, dtype_of(input).to_complex())


def reals(name: str, input: AbstractTensor) -> Any:
    """Return a tensor in a floating dtype; RuntimeError if it is complex."""
    if dtype_of(input).is_complex:
        raise RuntimeError(f"{name}: expects a real input tensor, but got {dtype_of(input)}")
    return floating(name, input)


def placed(name: str, dim: int, ndim: int) -> int:
    """Return `dim` as an axis; IndexError if a tensor of no dimensions is to have one."""
    if not ndim:
        raise IndexError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
    return axis(name, dim, ndim)


def check_size(name: str, size: int) -> None:
    """Refuse transforms of no numbers at all."""
    if size < 1:
        raise RuntimeError(f"{name}: Invalid number of data points ({size}) specified")


def extents(name: str, shape: tuple[int, ...], s: int | Sequence[int] | None, dim: Any) -> tuple[list[int], Axes]:
    """Return the sizes that `s` asks for (-1: none in particular) and the axes: those of `dim`, or the last ones, or all."""
    ndim = len(shape)
    wanted = None if s is None else as_dims(s)
    if dim is None:
        count = ndim if wanted is None else len(wanted)
        if count > ndim:
            raise RuntimeError(f"{name}: Got shape with {count} values but input tensor only has {ndim} dimensions.")
        axes = tuple(range(ndim - count, ndim))
    else:
        axes = tuple([placed(name, each, ndim) for each in as_dims(dim)])
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"{name}: FFT dims must be unique, got {dim}")
    if wanted is None:
        return [-1] * len(axes), axes
    if len(wanted) != len(axes):
        raise RuntimeError(f"{name}: When given, dim and shape arguments must have the same length, got {wanted} and {axes}")
    return list(wanted), axes


def resized(name: str, input: Any, sizes: Sequence[int], axes: Axes) -> Any:
    """Return input cut, or filled up with zeros, at the end of `axes` to `sizes` (-1: as they are)."""
    for size, place in zip(sizes, axes):
        shape = input.value.shape
        given = shape[place]
        size = given if size == -1 else size
        check_size(name, size)
        if size < given:
            input = slice_view(input, place, 0, size)
        elif size > given:
            input = constant_pad_nd(input, (*(0,) * (2 * (len(shape) - place - 1)), 0, size - given))
    return input


def stored(name: str, y: Any, out: AbstractTensor | None, *inputs: AbstractTensor) -> Any:
    """Return the result, in `out` if that is given, which is complex exactly if the result is."""
    if out is None:
        return y
    if isinstance(out, AbstractTensor) and dtype_of(out).is_complex != dtype_of(y).is_complex:
        kind = "complex" if dtype_of(y).is_complex else "floating point"
        raise RuntimeError(f"{name}: expects a {kind} output tensor, but got {dtype_of(out)}")
    return store(y, out, name, *inputs)
