"""Signals, images and volumes in another size."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Dims, Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.average_pooling import adaptive_avg_pool
from lineal.ops.conversion import dtype_of
from lineal.ops.front import require_tensor
from lineal.ops.promotion import unsupported
from lineal.ops.spatial import taps
from lineal.ops.spatial.resampling import resample

RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "lanczos": 4, "trilinear": 5}
"""How many dimensions the input has, for modes that are for one number of them."""
MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
NODES = {
    "nearest": "UpsampleNearest{}D",
    "nearest-exact": "UpsampleNearestExact{}D",
    "linear": "UpsampleLinear{}D",
    "bilinear": "UpsampleBilinear{}D",
    "trilinear": "UpsampleTrilinear{}D",
    "bicubic": "UpsampleBicubic{}D",
    "lanczos": "UpsampleLanczos{}D",
}


@public
def interpolate(
    input: Tensor,
    size: Dims | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Return the input (N, C, …), of one to three more dimensions, in another `size`, or larger by `scale_factor`.

    `mode` is "nearest", "nearest-exact", "area" (means of windows), "linear" (3D), "bilinear", "bicubic", "lanczos" (4D) or
    "trilinear" (5D). `align_corners` lays the middles of the corners on each other, else their outer edges. Places are those
    of the given factor, unless `recompute_scale_factor` takes the one of the sizes. `antialias` widens the kernel of what
    becomes smaller.
    """
    shape = require_tensor("interpolate", input).shape
    aligned = check_alignment(mode, align_corners)
    sizes, scales = targets(shape[2:], size, scale_factor, bool(recompute_scale_factor))
    check_mode(mode, len(shape), aligned, antialias)
    if mode == "area":
        return adaptive_avg_pool(len(sizes), input, sizes)
    if 0 in shape[1:] or min(sizes) <= 0:
        raise RuntimeError(
            f"interpolate: Input and output sizes should be greater than 0, but got input {list(shape)} and output {sizes}"
        )
    check_dtype(mode, input)
    wide = dtype_of(input) is dtypes.float64
    maps = [tap(mode, *each, aligned, antialias, wide) for each in zip(shape[2:], sizes, scales)]
    name = f"{NODES[mode].format(len(sizes))}{'Aa' if antialias else ''}Backward0"
    if dtype_of(input) is dtypes.uint8 and "nearest" not in mode:
        return resample(input.to(dtypes.float32), *maps).round().clamp(0, 255).to(dtypes.uint8)
    return renamed(resample(input, *maps), name)


def tap(mode: str, size: int, count: int, scale: float | None, aligned: bool, antialias: bool, wide: bool) -> taps.Taps:
    """Return the map of one axis, for an input of float64 if `wide`."""
    if antialias:
        return taps.antialiased(mode, size, count, scale, aligned)
    if mode in ("nearest", "nearest-exact"):
        return taps.nearest(size, count, scale, mode == "nearest-exact", wide)
    return (taps.cubic if mode == "bicubic" else taps.linear)(size, count, scale, aligned)


def check_alignment(mode: str, align_corners: bool | None) -> bool:
    """Return whether corners are aligned; ValueError for modes that have no corners."""
    if align_corners is not None and mode in ("nearest", "area", "nearest-exact"):
        raise ValueError(
            "interpolate: align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    return bool(align_corners)


def check_mode(mode: str, ndim: int, aligned: bool, antialias: bool) -> None:
    """Refuse a mode that there is not for the input's dimensions."""
    if antialias and not (mode in taps.KERNELS and ndim == 4):
        raise ValueError(
            "interpolate: Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor "
            f"as input, got mode {mode} and {ndim} dimensions"
        )
    if ndim not in (3, 4, 5) or (mode not in NODES and mode != "area"):
        raise NotImplementedError(
            f"interpolate: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: {MODES} (got {mode})"
        )
    if RANKS.get(mode, ndim) != ndim:
        raise NotImplementedError(f"interpolate: Got {ndim}D input, but {mode} mode needs {RANKS[mode]}D input")
    if mode == "lanczos" and (aligned or not antialias):
        raise ValueError("interpolate: Lanczos mode requires antialias=True and align_corners=False")


def check_dtype(mode: str, input: Any) -> None:
    """Refuse numbers that are not interpolated."""
    kind, found = input.value.dtype.kind, dtype_of(input)
    if kind not in "fV" and found is not dtypes.uint8:
        raise unsupported(f"interpolate ({mode})", found)


def targets(sizes: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool) -> tuple[list[int], list[Any]]:
    """Return the sizes to be made and, where they are given and to be used, the factors."""
    if size is not None and scale_factor is not None:
        raise ValueError("interpolate: only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("interpolate: either size or scale_factor should be defined")
    given = size if scale_factor is None else scale_factor
    each: list[Any] = list(given) if isinstance(given, Sequence) else [given] * len(sizes)
    if len(each) != len(sizes):
        raise ValueError(
            f"interpolate: Input and {'output' if scale_factor is None else 'scale_factor'} must have the same number of "
            f"spatial dimensions, but got input with spatial dimensions of {list(sizes)} and {given}"
        )
    if scale_factor is None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is not meaningful with an explicit size.")
        return [operator.index(one) for one in each], [None] * len(sizes)
    factors = [float(one) for one in each]
    made = [math.floor(count * factor) for count, factor in zip(sizes, factors)]
    return made, [None] * len(sizes) if recompute else factors


@public
def upsample(
    input: Tensor,
    size: Dims | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Return `interpolate` of the same arguments."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@public
def upsample_nearest(input: Tensor, size: Dims | None = None, scale_factor: float | Sequence[float] | None = None) -> Tensor:
    """Return `interpolate` by the nearest element."""
    return interpolate(input, size, scale_factor, "nearest")


@public
def upsample_bilinear(input: Tensor, size: Dims | None = None, scale_factor: float | Sequence[float] | None = None) -> Tensor:
    """Return `interpolate` in two dimensions with aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)
