"""Fourier transforms along one dimension."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.base.spec import Axes
from lineal.core.calling import public
from lineal.ops.elementwise.parts import conj
from lineal.ops.fourier.posing import check_size, complexes, floating, normed, placed, reals, resized, stored
from lineal.ops.fourier.transforms import ADJOINT, complex_transform, real_transform, transform_to_real

__all__ = ["fft", "hfft", "ifft", "ihfft", "irfft", "rfft"]


def line(name: str, x: Any, n: int | None, dim: int) -> tuple[Any, Axes]:
    """Return x cut or filled up with zeros to n along `dim`, and that axis."""
    axes = (placed(name, dim, x.value.ndim),)
    if n is not None:
        check_size(name, n)
    return resized(name, x, (-1 if n is None else n,), axes), axes


def along(name: str, input: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Any:
    """Return the complex spectrum of input: of a real one by half the work."""
    norm = normed(name, norm)
    x, axes = line(name, floating(name, input), n, dim)
    if x.value.dtype.kind == "c":
        return complex_transform(x, axes, norm, forward)
    y = real_transform(x, axes, norm if forward else ADJOINT[norm], False)
    return y if forward else conj(y)


def half(name: str, input: Any, n: int | None, dim: int, norm: str) -> Any:
    """Return the frequencies 0 … n/2 of a real input."""
    x, axes = line(name, reals(name, input), n, dim)
    return real_transform(x, axes, norm, True)


def whole(name: str, input: Any, n: int | None, dim: int, norm: str, turned: bool) -> Any:
    """Return the n real numbers that belong to the frequencies 0 … n/2, by default n = 2 (size - 1); `turned`: of -i for i."""
    x = complexes(name, input)
    place = placed(name, dim, x.value.ndim)
    size = 2 * (x.value.shape[place] - 1) if n is None else n
    check_size(name, size)
    x = resized(name, x, (size // 2 + 1,), (place,))
    return transform_to_real(conj(x) if turned else x, (place,), norm, size)


@public
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the sums Σⱼ input[j] exp(-2πi jk / n) for k = 0 … n-1 along `dim`, input cut or filled up with zeros to n.

    `norm`: "backward" (the default) divides the inverse by n, "forward" this one, "ortho" each by √n.
    """
    return stored("fft", along("fft", input, n, dim, norm, True), out, input)


@public
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse of `fft` along `dim`."""
    return stored("ifft", along("ifft", input, n, dim, norm, False), out, input)


@public
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the frequencies 0 … n/2 of `fft` of a real input; the others are their conjugates."""
    return stored("rfft", half("rfft", input, n, dim, normed("rfft", norm)), out, input)


@public
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the n real numbers of which input is the `rfft`; by default n = 2 (size - 1)."""
    return stored("irfft", whole("irfft", input, n, dim, normed("irfft", norm), False), out, input)


@public
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the `fft`, n real numbers, of a signal with input[-j] = input[j]*, of which input is the first half."""
    return stored("hfft", whole("hfft", input, n, dim, ADJOINT[normed("hfft", norm)], True), out, input)


@public
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the first half, 0 … n/2, of the signal of which the real input is the `hfft`."""
    return stored("ihfft", conj(half("ihfft", input, n, dim, ADJOINT[normed("ihfft", norm)])), out, input)
