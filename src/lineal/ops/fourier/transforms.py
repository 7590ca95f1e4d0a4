"""Discrete Fourier transforms as ops: the adjoint of each is one of them, so that derivatives of any order are closed.

With F x = Σₙ x[n] exp(-2πi k·n / N), the adjoint of F is N times its inverse; what scales one by c scales the other by c.
"""

from __future__ import annotations

import functools
from typing import Any

from lineal.base import later
from lineal.base.spec import Axes
from lineal.core import AbstractTensor, Op, apply, lift, module_of
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.elementwise.parts import real

scipy: Any = later.module("scipy")

ADJOINT = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""By which `norm` the transform the other way has the same factor."""


class FftC2C(Op):
    """y[k] = c Σₙ x[n] exp(∓2πi k·n / N) over `axes`, minus if `forward`;  x̄ = ȳ the other way, with the same c."""

    axes: Axes
    norm: str
    forward: bool
    host_only = "SciPy"
    no_lowering = "host step: SciPy has the transforms"

    def eager(self, xp, x):
        transform = scipy.fft.fftn if self.forward else scipy.fft.ifftn
        return transform(x, axes=self.axes, norm=self.norm) if x.size else x.copy()

    def vjp(self, needs, g, y, x):
        return (apply(_c2c(self.axes, ADJOINT[self.norm], not self.forward), g),)


class FftR2C(Op):
    """y = the forward transform of a real x over `axes`; `onesided`: its frequencies 0 … N/2 along the last of them.

    x̄ = the real part of ȳ transformed back, where frequencies that are left out count as zero. FftC2R adds those from 1 to
    (N-1)/2 twice, which halves of them make good.
    """

    axes: Axes
    norm: str
    onesided: bool
    host_only = "SciPy"
    no_lowering = "host step: SciPy has the transforms"

    def eager(self, xp, x):
        if not x.size:
            halved = self.axes[-1] if self.onesided else None
            shape = [size // 2 + 1 if place == halved else size for place, size in enumerate(x.shape)]
            return xp.zeros(shape, x.dtype.char.upper())
        transform = scipy.fft.rfftn if self.onesided else scipy.fft.fftn
        return transform(x, axes=self.axes, norm=self.norm)

    def vjp(self, needs, g, y, x):
        norm = ADJOINT[self.norm]
        if not self.onesided:
            return (real(apply(_c2c(self.axes, norm, False), g)),)
        size = x.shape[self.axes[-1]]
        return (apply(_c2r(self.axes, norm, size), paired(g, self.axes[-1], size, 0.5)),)


class FftC2R(Op):
    """y = x transformed back over `axes` to `size` real numbers along the last of them; x has the frequencies 0 … size/2.

    x̄ = ȳ transformed, twice where a frequency stands for its negative too.
    """

    axes: Axes
    norm: str
    size: int
    host_only = "SciPy"
    no_lowering = "host step: SciPy has the transforms"

    def eager(self, xp, x):
        if not x.size:
            shape = [self.size if place == self.axes[-1] else size for place, size in enumerate(x.shape)]
            return xp.zeros(shape, x.real.dtype)
        sizes = [*[x.shape[place] for place in self.axes[:-1]], self.size]
        return scipy.fft.irfftn(x, sizes, self.axes, self.norm)

    def vjp(self, needs, g, y, x):
        return (paired(apply(_r2c(self.axes, ADJOINT[self.norm], True), g), self.axes[-1], self.size, 2.0),)


_c2c = functools.lru_cache(1024)(FftC2C)
_r2c = functools.lru_cache(1024)(FftR2C)
_c2r = functools.lru_cache(1024)(FftC2R)


def paired(z: Any, axis: int, size: int, factor: float) -> Any:
    """Return one half of a spectrum, its frequencies along `axis` that have a negative among `size` times `factor`."""
    shape, real_dtype = z.value.shape, z.value.real.dtype
    weights = module_of(z).full((shape[axis], *(1,) * (len(shape) - axis - 1)), factor, real_dtype)
    weights[0] = 1
    if size % 2 == 0:
        weights[-1] = 1
    return mul(z, lift(weights))


def complex_transform(input: AbstractTensor, axes: Axes, norm: str, forward: bool) -> Any:
    """Return the transform of a complex tensor over `axes`; over none it is a copy."""
    return apply(_c2c(axes, norm, forward), input) if axes else input.clone()  # type: ignore[attr-defined]


def real_transform(input: AbstractTensor, axes: Axes, norm: str, onesided: bool) -> Any:
    """Return the forward transform of a real tensor over `axes`."""
    return apply(_r2c(axes, norm, onesided), input)


def transform_to_real(input: AbstractTensor, axes: Axes, norm: str, size: int) -> Any:
    """Return the backward transform of half a spectrum over `axes`, of `size` real numbers along the last of them."""
    return apply(_c2r(axes, norm, size), input)
