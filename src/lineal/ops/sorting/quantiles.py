"""Quantiles: sorted elements, interpolated between ranks."""

from __future__ import annotations

from typing import Any

from lineal.base.dtypes import NARROW, int64
from lineal.base.signatures import Tensor
from lineal.base.spec import axis
from lineal.core import AbstractTensor
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast, dtype_of, number_beside
from lineal.ops.elementwise.arithmetic import lerp
from lineal.ops.front import store
from lineal.ops.sorting.order import sort

__all__ = ["quantile", "nanquantile"]

_MODES = ("linear", "lower", "higher", "midpoint", "nearest")


@public
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Return the elements below which the parts `q` (0 to 1, a number or vector) of all lie along `dim`; NaN if one is."""
    y = _quantile("quantile", input, q, dim, keepdim, interpolation, ignore=False)
    return y if out is None else store(y, out, "quantile")


@public
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Return the quantiles of what is not NaN."""
    y = _quantile("nanquantile", input, q, dim, keepdim, interpolation, ignore=True)
    return y if out is None else store(y, out, "nanquantile")


def _quantile(name: str, x: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, *, ignore: bool) -> Any:
    q = _check(name, x, q, interpolation)
    ndim = x.value.ndim
    place = 0 if dim is None else axis(name, dim, ndim)
    rows = x.reshape(-1) if dim is None or not ndim else x.movedim(place, -1)
    ordered = sort(rows, -1).values
    y = _between(ordered, q, interpolation, ignore)
    if keepdim and ndim:
        y = y.reshape((*(1,) * ndim, y.value.shape[-1])) if dim is None else y.unsqueeze(place)
    return y.movedim(-1, 0) if q.value.ndim else y.squeeze(-1)


def _between(ordered: Any, q: Any, interpolation: str, ignore: bool) -> Any:
    """Return the elements at the ranks q (n - 1) of sorted rows of n, as the last dimension."""
    *lead, size = ordered.value.shape
    parts = q if q.value.ndim else q.reshape(1)
    if ignore:
        known = size - ordered.isnan().sum(-1, keepdim=True)
        ranks = parts * cast((known - 1).clamp(min=0), dtype_of(ordered))
    else:
        ranks = expand(parts * (size - 1), (*lead, parts.value.size))
    if interpolation in ("linear", "midpoint"):
        below, above = _taken(ordered, ranks.floor()), _taken(ordered, ranks.ceil())
        weight = number_beside(ordered, 0.5) if interpolation == "midpoint" else ranks - ranks.floor()
        y = lerp(below, above, weight)
    else:
        y = _taken(ordered, {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]())
    if ignore:
        return y
    largest = ordered.narrow(-1, size - 1, 1)
    return largest.where(largest.isnan(), y)


def _taken(ordered: Any, ranks: Any) -> Any:
    return ordered.gather(-1, cast(ranks, int64))


def _check(name: str, x: Any, q: Any, interpolation: str) -> Any:
    """Return `q` as a tensor of the input's dtype, after refusing what is not meant."""
    storage = x.value.dtype
    if storage.kind != "f" or storage in NARROW:
        raise RuntimeError(f"{name}: input tensor must be either float or double dtype, got {x.dtype}")
    if not x.value.size:
        raise RuntimeError(f"{name}: input tensor must be non-empty, got shape {tuple(x.value.shape)}")
    if interpolation not in _MODES:
        raise RuntimeError(f"{name}: interpolation must be one of {', '.join(_MODES)}, but got {interpolation}")
    if isinstance(q, AbstractTensor):
        if q.value.ndim > 1:
            raise RuntimeError(f"{name}: q must be a scalar or 1D tensor, got shape {tuple(q.value.shape)}")
        if q.value.dtype != storage:
            raise RuntimeError(f"{name}: q tensor must be same dtype as the input tensor, got {dtype_of(q)} and {x.dtype}")
    else:
        q = number_beside(x, q)
    if not ((q.value >= 0) & (q.value <= 1)).all():
        raise RuntimeError(f"{name}: q must be in the range [0, 1] but got {q.value}")
    return q
