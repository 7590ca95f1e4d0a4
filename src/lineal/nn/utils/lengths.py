"""A weight as its lengths and directions: Salimans and Kingma (2016), arXiv:1602.07868."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import renamed


def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Tensor:
    """Return the `pow`-norms of the slices of `v` along `dim`, which broadcast against `v`; -1 means one for all of it."""
    if dim == -1:
        return v.norm(pow)
    shape = [1] * v.ndim
    shape[dim] = v.shape[dim]
    return v.movedim(dim, 0).reshape(v.shape[dim], -1).norm(pow, 1).reshape(shape)


def rescaled(v: Any, g: Any, dim: int) -> Tensor:
    """Return g v / ‖v‖, whose slices along `dim` have the lengths `g` (up to sign)."""
    wide = v.to(v.dtype.computes_in)
    y = (wide * (g.to(g.dtype.computes_in) / norm_except_dim(wide, 2, dim))).to(v.dtype)
    fused = dim in (0, v.ndim - 1) and v.is_contiguous() and g.is_contiguous()
    return renamed(y, "WeightNormInterfaceBackward0" if fused else "MulBackward0")
