"""The frequencies that stand in a spectrum, and the order in which they do."""

from __future__ import annotations

from typing import Any, Unpack

from lineal.base import dtypes
from lineal.base.signatures import Dims, Options, Tensor
from lineal.base.spec import axis, check_shape
from lineal.core.calling import public
from lineal.ops.conversion import cast
from lineal.ops.creation import Range, finish, made, read
from lineal.ops.elementwise.arithmetic import div
from lineal.ops.promotion import unsupported
from lineal.ops.structural.axes import as_dims
from lineal.ops.structural.flipping import roll

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def frequencies(name: str, first: int, count: int, n: int, d: float, options: Any) -> Any:
    """Return (first, first + 1, …) / (n d), `count` numbers, negative ones last."""
    out, requires_grad, target, where = read(name, options)
    if not target.is_floating_point and not target.is_complex:
        raise RuntimeError(f"{name}: requires a floating point or complex dtype, got {target}")
    if target.is_complex:
        raise unsupported(name, target)
    steps = made(Range(first, 1, count, dtypes.float64), where)
    y = div(ifftshift(steps) if first else steps, float(n * d))
    return finish(cast(y, target), requires_grad, out, name)


def whole_number(name: str, n: int) -> int:
    """Return a size; TypeError if it is no int, RuntimeError if it is negative."""
    if not isinstance(n, int):
        raise TypeError(f"{name}(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    check_shape(name, (n,))
    return n


def fftfreq(n: int, d: float = 1.0, **options: Unpack[Options]) -> Tensor:
    """Return the frequencies of `fft` of n numbers taken every `d`: 0, 1, …, then the negative ones, over n d."""
    n = whole_number("fftfreq", n)
    return frequencies("fftfreq", -(n // 2), n, n, d, options)


def rfftfreq(n: int, d: float = 1.0, **options: Unpack[Options]) -> Tensor:
    """Return the frequencies of `rfft` of n numbers taken every `d`: 0, 1, …, n/2 over n d."""
    n = whole_number("rfftfreq", n)
    return frequencies("rfftfreq", 0, n // 2 + 1, n, d, options)


def shifts(name: str, input: Any, dim: Dims | None, forward: bool) -> Any:
    """Return input with frequency 0 moved to the middle of each of `dim`, or from there back to the front."""
    shape = input.value.shape
    axes = tuple(range(len(shape))) if dim is None else tuple([axis(name, each, len(shape)) for each in as_dims(dim)])
    return roll(input, tuple([shape[each] // 2 if forward else (shape[each] + 1) // 2 for each in axes]), axes)


@public
def fftshift(input: Tensor, dim: Dims | None = None) -> Tensor:
    """Return input with its frequencies in order, the negative ones first, in the dimensions `dim` (by default all)."""
    return shifts("fftshift", input, dim, True)


@public
def ifftshift(input: Tensor, dim: Dims | None = None) -> Tensor:
    """Return input with its frequencies in the order of `fft`: the inverse of `fftshift`."""
    return shifts("ifftshift", input, dim, False)
