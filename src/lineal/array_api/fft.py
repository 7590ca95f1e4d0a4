"""The extension `fft` of the array API standard: discrete Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.base.signatures import Device, Dims, DType, Tensor
from lineal.ops.fourier import frequencies, multidimensional, onedimensional

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]


def fft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Return the transform along an axis, cut or padded with zeros to `n`."""
    return onedimensional.fft(x, n, axis, norm)


def ifft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Return the inverse transform along an axis."""
    return onedimensional.ifft(x, n, axis, norm)


def fftn(x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward") -> Tensor:
    """Return the transform along several axes, all of them if None."""
    return multidimensional.fftn(x, s, axes, norm)


def ifftn(x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward") -> Tensor:
    """Return the inverse transform along several axes, all of them if None."""
    return multidimensional.ifftn(x, s, axes, norm)


def rfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Return the half of the transform of real numbers that determines the other."""
    return onedimensional.rfft(x, n, axis, norm)


def irfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Return the real numbers, `n` of them, whose transform has this half."""
    return onedimensional.irfft(x, n, axis, norm)


def rfftn(x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward") -> Tensor:
    """Return the transform of real numbers along several axes, half of it along the last."""
    return multidimensional.rfftn(x, s, axes, norm)


def irfftn(
    x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """Return the real numbers whose transform along several axes has this half."""
    return multidimensional.irfftn(x, s, axes, norm)


def hfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Return the real transform of what is Hermitian, given by its half."""
    return onedimensional.hfft(x, n, axis, norm)


def ihfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Return the half of what is Hermitian and has this real transform."""
    return onedimensional.ihfft(x, n, axis, norm)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return the frequencies of a transform of `n` samples that are `d` apart."""
    return frequencies.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return the frequencies of the transform of `n` real samples that are `d` apart."""
    return frequencies.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x: Tensor, /, *, axes: Dims | None = None) -> Tensor:
    """Return frequencies in order, 0 in the middle."""
    return frequencies.fftshift(x, axes)


def ifftshift(x: Tensor, /, *, axes: Dims | None = None) -> Tensor:
    """Return frequencies in the order of a transform, 0 first."""
    return frequencies.ifftshift(x, axes)
