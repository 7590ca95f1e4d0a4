"""Convolution and its two adjoints: each is the derivative of one trilinear form, so the derivatives of each are the other two.

    T(x, w, y) = Σ y[n, o, i] w[o, c, r] x[n, c, i · stride + r · dilation - padding]

Small arrays are laid out as the kernel sees them and multiplied by NumPy, large ones by `codegen.contract`, without a copy.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.layouts import suggested_of_either
from lineal.base.signatures import Tensor
from lineal.codegen.contract.geometry import Geometry, phases
from lineal.core import Op, apply
from lineal.ops.layout import restride
from lineal.ops.reductions.sums import sum

native: Any = later.module("lineal.codegen.contract.convolutions")


def overlap(geometry: Geometry) -> tuple[list[slice], list[slice]]:
    """Return which part of what the kernel comes to is image, and which part of the image that is."""
    outside, inside = [], []
    for size, far, front in zip(geometry.image, geometry.reach, geometry.padding):
        start, first = min(max(front, 0), far), min(max(-front, 0), size)
        count = min(size - first, far - start)
        outside.append(slice(start, start + count))
        inside.append(slice(first, first + count))
    return outside, inside


def padded(xp: Any, x: Any, geometry: Geometry) -> Any:
    """Return x (N, C, *image) with zeros around it, as far as the kernel comes; what it does not come to is left out."""
    fields = zip(geometry.image, geometry.reach, geometry.padding)
    if all(not front and far <= size for size, far, front in fields):
        return x
    y = xp.zeros((*x.shape[:2], *geometry.reach), x.dtype)
    outside, inside = overlap(geometry)
    y[(..., *outside)] = x[(..., *inside)]
    return y


def laid_out(xp: Any, x: Any, geometry: Geometry) -> Any:
    """Return (N, C, *kernel, *places): what the kernel sees of x, a view of it or of a padded copy."""
    x = padded(xp, x, geometry)
    steps = x.strides[2:]
    far, near = ([step * each for step, each in zip(steps, way)] for way in (geometry.dilation, geometry.stride))
    shape = (*x.shape[:2], *geometry.kernel, *geometry.places)
    return restride(x, shape, (*x.strides[:2], *far, *near)) if 0 not in shape else xp.zeros(shape, x.dtype)


def columns(xp: Any, x: Any, geometry: Geometry) -> Any:
    """Return (N, groups, channels · kernel, places): a matrix of what the kernel sees for each image and group."""
    rows = x.shape[1] // geometry.groups * math.prod(geometry.kernel)
    return laid_out(xp, x, geometry).reshape(len(x), geometry.groups, rows, math.prod(geometry.places))


def correlated(xp: Any, geometry: Geometry, x: Any, w: Any, bias: Any = None) -> Any:
    """Return ∂T/∂y plus the bias."""
    if xp is np and (y := native.convolved(geometry, x, w, bias)) is not None:
        return y
    outputs, groups = len(w), geometry.groups
    matrices = w.reshape(groups, outputs // groups, w.shape[1] * math.prod(geometry.kernel))
    y = xp.matmul(matrices, columns(xp, x, geometry)).reshape(len(x), outputs, *geometry.places)
    return y if bias is None else y + along_channels(bias, len(geometry.kernel))


def along_channels(bias: Any, axes: int) -> Any:
    """Return a number for each channel so that it broadcasts over so many axes behind."""
    return bias.reshape(-1, *(1,) * axes)


class Convolving(Op):
    """What the three ops share: how the kernel stands on the image."""

    geometry: Geometry
    layout = suggested_of_either
    grad_name = "ConvolutionBackward0"
    keeps = ("1", "0", "")
    wide = True

    def bias_pulled(self, needs: tuple[bool, ...], g: Any) -> tuple:
        """Return the cotangent of the bias, if there is one: Σ ȳ over images and places."""
        if len(needs) < 3:
            return ()
        return (sum(g, (0, *range(2, g.value.ndim))) if needs[2] else None,)


class Convolution(Convolving):
    """y[n, o, i] = Σ w[o, c, r] x[n, c, i · stride + r · dilation - padding] + b[o], x being 0 outside of its sizes.

    x̄ and w̄ are the adjoints below, b̄ = Σ ȳ over images and places; of complex numbers, with the conjugates of w and x.
    """

    def eager(self, xp, x, w, bias=None):
        return correlated(xp, self.geometry, x, w, bias)

    def narrow(self, xp, kernel, x, w, *bias):
        y = native.convolved(self.geometry, x, w, *(bias or (None,))) if xp is np else None
        return super().narrow(xp, kernel, x, w, *bias) if y is None else y

    def vjp(self, needs, g, y, x, w, *bias):
        return (
            by_image(self.geometry, g, w.conj()) if needs[0] else None,
            by_kernel(self.geometry, g, x.conj()) if needs[1] else None,
            *self.bias_pulled(needs, g),
        )


class ConvolutionByImage(Convolving):
    """x[n, c, j] = Σ w[o, c, r] g[n, o, i] + b[c] over all i · stride + r · dilation - padding = j: transposed convolution.

    ḡ = x̄ convolved with w, w̄ the adjoint below. For each residue of the stride it is a convolution of g with part of w.
    """

    def eager(self, xp, g, w, bias=None):
        geometry = self.geometry
        groups, (outputs, channels), axes = geometry.groups, w.shape[:2], len(geometry.kernel)
        turned = w.reshape(groups, outputs // groups, channels, *geometry.kernel).swapaxes(1, 2)
        x = xp.empty((len(g), groups * channels, *geometry.image), g.dtype)
        for phase in phases(geometry):
            place = (..., *[slice(start, None, step) for start, step in zip(phase.start, geometry.stride)])
            if phase.empty:
                x[place] = 0 if bias is None else along_channels(bias, axes)
                continue
            part = turned[(..., *phase.shown)].reshape(groups * channels, outputs // groups, *phase.geometry.kernel)
            y = correlated(xp, phase.geometry, g, part, bias)
            if y.shape == x.shape:
                return y
            x[place] = y
        return x

    def narrow(self, xp, kernel, g, w, *bias):
        groups, (outputs, channels) = self.geometry.groups, w.shape[:2]
        parts = [phase.geometry for phase in phases(self.geometry) if not phase.empty]
        sizes = (groups * channels, outputs // groups)
        if xp is np and all(native.worth(part, g, *sizes) for part in parts):
            return kernel(g, w, *bias)
        return super().narrow(xp, kernel, g, w, *bias)

    def vjp(self, needs, gs, x, g, w, *bias):
        return (
            convolution_op(self.geometry, gs, w.conj()) if needs[0] else None,
            by_kernel(self.geometry, g.conj(), gs) if needs[1] else None,
            *self.bias_pulled(needs, gs),
        )


class ConvolutionByKernel(Convolving):
    """w[o, c, r] = Σ g[n, o, i] x[n, c, i · stride + r · dilation - padding].

    ḡ = x convolved with w̄, x̄ is the adjoint by the image.
    """

    grad_name = "ConvolutionBackwardBackward0"

    def eager(self, xp, g, x):
        geometry, groups, outputs = self.geometry, self.geometry.groups, g.shape[1]
        if xp is np and (w := native.by_kernel(geometry, g, x)) is not None:
            return w
        seen = columns(xp, x, geometry).transpose(1, 0, 3, 2)
        depth, width = seen.shape[1] * seen.shape[2], seen.shape[3]
        rows = g.reshape(len(g), groups, outputs // groups, seen.shape[2]).transpose(1, 2, 0, 3)
        w = xp.matmul(rows.reshape(groups, outputs // groups, depth), seen.reshape(groups, depth, width))
        return w.reshape(outputs, x.shape[1] // groups, *geometry.kernel)

    def narrow(self, xp, kernel, g, x):
        w = native.by_kernel(self.geometry, g, x) if xp is np else None
        return super().narrow(xp, kernel, g, x) if w is None else w

    def vjp(self, needs, gs, w, g, x):
        return (
            convolution_op(self.geometry, x.conj(), gs) if needs[0] else None,
            by_image(self.geometry, g.conj(), gs) if needs[1] else None,
        )


_convolution = functools.lru_cache(1024)(Convolution)
_by_image = functools.lru_cache(1024)(ConvolutionByImage)
_by_kernel = functools.lru_cache(1024)(ConvolutionByKernel)


def convolution_op(geometry: Geometry, x: Tensor, w: Tensor, *bias: Tensor) -> Any:
    """Return x (N, C, *image) convolved with w (O, C / groups, *kernel), plus the bias (O,) if there is one."""
    return apply(_convolution(geometry), x, w, *bias)


def by_image(geometry: Geometry, g: Tensor, w: Tensor, *bias: Tensor) -> Any:
    """Return (N, C, *image): g (N, O, *places) by the transposed convolution with w, plus the bias (C,) if there is one."""
    return apply(_by_image(geometry), g, w, *bias)


def by_kernel(geometry: Geometry, g: Tensor, x: Tensor) -> Any:
    """Return (O, C / groups, *kernel): the sums of products of g (N, O, *places) and x (N, C, *image)."""
    return apply(_by_kernel(geometry), g, x)
