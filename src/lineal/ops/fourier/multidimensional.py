"""Fourier transforms over several dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base.signatures import Dims, Tensor
from lineal.core.calling import public
from lineal.ops.elementwise.parts import conj
from lineal.ops.fourier.posing import check_size, complexes, extents, normed, reals, resized, stored
from lineal.ops.fourier.transforms import ADJOINT, complex_transform, real_transform, transform_to_real

__all__ = ["fft2", "fftn", "hfft2", "hfftn", "ifft2", "ifftn", "ihfft2", "ihfftn", "irfft2", "irfftn", "rfft2", "rfftn"]

Sizes = int | Sequence[int] | None


def spectrum(name: str, input: Any, s: Sizes, dim: Dims | None, norm: str | None, forward: bool) -> Any:
    """Return the complex transform over all the axes."""
    x = complexes(name, input)
    sizes, axes = extents(name, x.value.shape, s, dim)
    return complex_transform(resized(name, x, sizes, axes), axes, normed(name, norm), forward)


def posed(name: str, x: Any, s: Sizes, dim: Dims | None) -> tuple[list[int], tuple[int, ...]]:
    """Return the sizes asked for and the axes, of which there is one at least."""
    sizes, axes = extents(name, x.value.shape, s, dim)
    if not axes:
        raise RuntimeError(f"{name}: must transform at least one axis")
    return sizes, axes


def half(name: str, input: Any, s: Sizes, dim: Dims | None) -> tuple[Any, tuple[int, ...], int]:
    """Return half a spectrum, cut or filled up, its axes, and how many real numbers it has along the last of them."""
    x = complexes(name, input)
    sizes, axes = posed(name, x, s, dim)
    size = 2 * (x.value.shape[axes[-1]] - 1) if sizes[-1] == -1 else sizes[-1]
    check_size(name, size)
    return resized(name, x, [*sizes[:-1], size // 2 + 1], axes), axes, size


def signal(name: str, input: Any, s: Sizes, dim: Dims | None) -> tuple[Any, tuple[int, ...]]:
    """Return a real signal, cut or filled up, and its axes."""
    x = reals(name, input)
    sizes, axes = posed(name, x, s, dim)
    return resized(name, x, sizes, axes), axes


@public
def fftn(
    input: Tensor, s: Sizes = None, dim: Dims | None = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return the sums Σ input[j] exp(-2πi Σ jk / n) over the dimensions `dim`, input cut or filled up with zeros to sizes `s`.

    Without `dim` they are the last ones, as many as `s` has sizes, or all. `norm`: "backward" (the default) divides the inverse
    by the number of terms, "forward" this one, "ortho" each by its root.
    """
    return stored("fftn", spectrum("fftn", input, s, dim, norm, True), out, input)


@public
def ifftn(
    input: Tensor, s: Sizes = None, dim: Dims | None = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return the inverse of `fftn`."""
    return stored("ifftn", spectrum("ifftn", input, s, dim, norm, False), out, input)


@public
def rfftn(
    input: Tensor, s: Sizes = None, dim: Dims | None = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return `fftn` of a real input, of which the last of the dimensions has the frequencies 0 … n/2."""
    x, axes = signal("rfftn", input, s, dim)
    return stored("rfftn", real_transform(x, axes, normed("rfftn", norm), True), out, input)


@public
def irfftn(
    input: Tensor, s: Sizes = None, dim: Dims | None = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return the real numbers of which input is the `rfftn`; the last size is by default 2 (size - 1)."""
    x, axes, size = half("irfftn", input, s, dim)
    return stored("irfftn", transform_to_real(x, axes, normed("irfftn", norm), size), out, input)


@public
def hfftn(
    input: Tensor, s: Sizes = None, dim: Dims | None = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return the `fftn`, real numbers, of a signal with input[-j] = input[j]*, given by half of its last dimension."""
    x, axes, size = half("hfftn", input, s, dim)
    norm = normed("hfftn", norm)
    x = complex_transform(x, axes[:-1], norm, True) if len(axes) > 1 else x
    return stored("hfftn", transform_to_real(conj(x), axes[-1:], ADJOINT[norm], size), out, input)


@public
def ihfftn(
    input: Tensor, s: Sizes = None, dim: Dims | None = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return the half, along the last dimension, of the signal of which the real input is the `hfftn`."""
    x, axes = signal("ihfftn", input, s, dim)
    norm = normed("ihfftn", norm)
    y = conj(real_transform(x, axes[-1:], ADJOINT[norm], True))
    y = complex_transform(y, axes[:-1], norm, False) if len(axes) > 1 else y
    return stored("ihfftn", y, out, input)


@public
def fft2(input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return `fftn` over two dimensions, by default the last ones."""
    return fftn(input, s, dim, norm, out=out)


@public
def ifft2(
    input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return `ifftn` over two dimensions, by default the last ones."""
    return ifftn(input, s, dim, norm, out=out)


@public
def rfft2(
    input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return `rfftn` over two dimensions, by default the last ones."""
    return rfftn(input, s, dim, norm, out=out)


@public
def irfft2(
    input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return `irfftn` over two dimensions, by default the last ones."""
    return irfftn(input, s, dim, norm, out=out)


@public
def hfft2(
    input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return `hfftn` over two dimensions, by default the last ones."""
    return hfftn(input, s, dim, norm, out=out)


@public
def ihfft2(
    input: Tensor, s: Sizes = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return `ihfftn` over two dimensions, by default the last ones."""
    return ihfftn(input, s, dim, norm, out=out)
