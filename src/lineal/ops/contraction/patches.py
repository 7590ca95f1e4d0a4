"""What a kernel sees of images, laid out as columns, and its adjoint, which adds columns up where they overlap."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

from lineal.base.signatures import Tensor
from lineal.codegen.contract.geometry import Geometry
from lineal.core import Op, apply
from lineal.ops.contraction.convolution import laid_out, overlap


class Patches(Op):
    """y[n, (c, r), i] = x[n, c, i · stride + r · dilation - padding]; x̄ = the columns of ȳ added up where they lie."""

    geometry: Geometry
    grad_name = "Im2ColBackward0"
    no_lowering = "host step: no rule so far"

    def eager(self, xp, x):
        geometry = self.geometry
        seen = laid_out(xp, x, geometry)
        y = xp.empty(seen.shape, x.dtype)
        y[...] = seen
        return y.reshape(len(x), x.shape[1] * math.prod(geometry.kernel), math.prod(geometry.places))

    def vjp(self, needs, g, y, x):
        return (patches_added(self.geometry, g),)


class PatchesAdded(Op):
    """y[n, c, j] = Σ x[n, (c, r), i] over all i · stride + r · dilation - padding = j; x̄ = what the kernel sees of ȳ."""

    geometry: Geometry
    grad_name = "Col2ImBackward0"
    no_lowering = "host step: no rule so far"
    wide = True

    def eager(self, xp, x):
        geometry = self.geometry
        channels = x.shape[1] // math.prod(geometry.kernel)
        x = x.reshape(len(x), channels, *geometry.kernel, *geometry.places)
        whole = xp.zeros((len(x), channels, *geometry.reach), x.dtype)
        for r in itertools.product(*map(range, geometry.kernel)):
            starts = [each * far for each, far in zip(r, geometry.dilation)]
            fields = zip(starts, geometry.places, geometry.stride)
            whole[(..., *[slice(start, start + (n - 1) * step + 1, step) for start, n, step in fields])] += x[:, :, *r]
        y = xp.zeros((len(x), channels, *geometry.image), x.dtype)
        outside, inside = overlap(geometry)
        y[(..., *inside)] = whole[(..., *outside)]
        return y

    def vjp(self, needs, g, y, x):
        return (patches(self.geometry, g),)


_patches = functools.lru_cache(1024)(Patches)
_added = functools.lru_cache(1024)(PatchesAdded)


def patches(geometry: Geometry, x: Tensor) -> Any:
    """Return (N, C · kernel, places) of what the kernel sees of x (N, C, *image)."""
    return apply(_patches(geometry), x)


def patches_added(geometry: Geometry, x: Tensor) -> Any:
    """Return (N, C, *image), to which the columns of x (N, C · kernel, places) are added."""
    return apply(_added(geometry), x)
