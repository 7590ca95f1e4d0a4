"""Images and volumes read at the places of a grid, and the grids of affine maps."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.ops.front import require_tensor

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
CUBIC = -0.75
"""The free number of the cubic convolution, as in `interpolate`."""
DEFAULT = "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
DEFAULT += "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."


@public
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """Return the input (N, C, H, W) at the places of `grid` (N, h, w, 2): (N, C, h, w); or one dimension more of each.

    The grid holds x, y (, z), from -1 to 1 between the middles of the outer pixels (`align_corners`) or their outer edges.
    Jaderberg et al. (2015), Spatial transformer networks, eq. 3. Beyond the edges there are zeros, the border, or the image
    reflected.
    """
    if mode not in MODES:
        raise ValueError(f"grid_sample: expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in PADDINGS:
        raise ValueError(
            f"grid_sample: expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(DEFAULT, stacklevel=3)
    check_grid(input, grid, mode)
    narrow = input.dtype
    x, grid = (each.to(narrow.computes_in) for each in (input, grid))
    sizes = input.shape[2:]
    # the grid names the last axis first
    units = [unnormalised(grid[..., -1 - axis], size, bool(align_corners)) for axis, size in enumerate(sizes)]
    inside = Inside(padding_mode, bool(align_corners))
    read = {"nearest": at_nearest, "bilinear": between, "bicubic": by_cubics}[mode]
    y = read(x.flatten(2), units, sizes, inside).to(narrow)
    return renamed(y, f"GridSampler{len(sizes)}DBackward0")


class Inside:
    """Where places beyond the edges are read."""

    def __init__(self, padding: str, aligned: bool):
        self.padding = padding
        self.aligned = aligned

    def __call__(self, at: Any, size: int) -> Any:
        """Return places within the axis, or as they are if zeros lie around it."""
        if self.padding == "zeros":
            return at
        if self.padding == "reflection":
            at = reflected(at, 0, 2 * (size - 1)) if self.aligned else reflected(at, -1, 2 * size - 1)
        last = float(size - 1)
        # at the edges and beyond, the derivative is 0
        return ops.where((at > 0) & (at < last), at, ops.where(at > 0, last, 0.0).to(at.dtype))


def unnormalised(at: Any, size: int, aligned: bool) -> Any:
    """Return coordinates from -1 to 1 in pixels."""
    return (at + 1) / 2 * (size - 1) if aligned else ((at + 1) * size - 1) / 2


def reflected(at: Any, low: int, high: int) -> Any:
    """Return places reflected at half of `low` and of `high` until they are between."""
    if low == high:
        return ops.zeros_like(at)
    start, span = low / 2, (high - low) / 2
    distance = (at - start).abs()
    rest = distance.fmod(span)
    return ops.where(ops.floor(distance / span) % 2 == 0, rest + start, span - rest + start)


def fetched(x: Any, places: Sequence[Any], sizes: Sequence[int], weight: Any) -> Any:
    """Return weight · x (N, C, flattened) at whole `places` (N, …) of each axis, x being 0 beyond the edges."""
    heres = [(at >= 0) & (at <= size - 1) for at, size in zip(places, sizes)]
    inside: Any = functools.reduce(operator.and_, heres)
    index: Any = 0
    for at, here, size in zip(places, heres, sizes):
        index = index * size + ops.where(here, at, 0).to(dtypes.int64)
    n, c = x.shape[:2]
    shape = index.shape[1:]
    flat = index.reshape(n, 1, math.prod(shape)).expand(n, c, math.prod(shape))
    value = ops.where(inside.unsqueeze(1), x.gather(2, flat).reshape(n, c, *shape), 0)
    return value * weight.unsqueeze(1)


def at_nearest(x: Any, units: list, sizes: tuple[int, ...], inside: Inside) -> Any:
    """Return x at the nearest places, of two equally near the even one; the places have a derivative of 0."""
    places = [ops.round(inside(at, size)) for at, size in zip(units, sizes)]
    # the grid has a history too, though nothing comes back through it
    weight = (sum(units[1:], start=units[0]) * 0).nan_to_num(0, 0, 0) + 1
    return fetched(x, [each.detach() for each in places], sizes, weight)


def between(x: Any, units: list, sizes: tuple[int, ...], inside: Inside) -> Any:
    """Return x interpolated linearly between the places on either side."""
    units = [inside(at, size) for at, size in zip(units, sizes)]
    lows = [ops.floor(at).detach() for at in units]
    y = None
    for corner in itertools.product((0, 1), repeat=len(sizes)):
        shares = [at - low if side else low + 1 - at for at, low, side in zip(units, lows, corner)]
        places = [low + side for low, side in zip(lows, corner)]
        term = fetched(x, places, sizes, math.prod(shares[1:], start=shares[0]))
        y = term if y is None else y + term
    return y


def by_cubics(x: Any, units: list, sizes: tuple[int, ...], inside: Inside) -> Any:
    """Return x interpolated by cubic convolution of the 4 × 4 places about each.   Keys (1981), eq. 4."""
    lows = [ops.floor(at).detach() for at in units]
    weights = [cubic_weights(at - low) for at, low in zip(units, lows)]
    y = None
    for corner in itertools.product(range(4), repeat=len(sizes)):
        places = [ops.round(inside(low + (side - 1), size)).detach() for low, side, size in zip(lows, corner, sizes)]
        shares = [each[side] for each, side in zip(weights, corner)]
        term = fetched(x, places, sizes, math.prod(shares[1:], start=shares[0]))
        y = term if y is None else y + term
    return y


def cubic_weights(t: Any) -> list:
    """Return the weights of the places at -1, 0, 1 and 2 for a place at t, 0 <= t < 1."""
    far = lambda d: ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC
    near = lambda d: ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1
    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def check_grid(input: Any, grid: Any, mode: str) -> None:
    """Refuse an input and a grid that do not belong together."""
    shape, places = require_tensor("grid_sample", input).shape, require_tensor("grid_sample", grid).shape
    if input.dtype is not grid.dtype or not input.dtype.is_floating_point:
        raise RuntimeError(
            f"grid_sample: expected input and grid to have same floating dtype, but got {input.dtype} and {grid.dtype}"
        )
    if len(shape) not in (4, 5) or len(places) != len(shape):
        raise RuntimeError(
            "grid_sample: expected 4D or 5D input and grid with same number of dimensions, but got "
            f"input with sizes {list(shape)} and grid with sizes {list(places)}"
        )
    if shape[0] != places[0] or places[-1] != len(shape) - 2:
        raise RuntimeError(
            f"grid_sample: expected grid of batch size {shape[0]} and size {len(shape) - 2} in last dimension, but got "
            f"input with sizes {list(shape)} and grid with sizes {list(places)}"
        )
    if 0 in shape[2:]:
        raise RuntimeError(f"grid_sample: expected input to have non-empty spatial dimensions, but got {list(shape)}")
    if mode == "bicubic" and len(shape) != 4:
        raise RuntimeError("grid_sample: bicubic interpolation only supports 4D input")


@public
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Return the places (N, H, W, 2) that the maps `theta` (N, 2, 3) give of a grid over `size` (N, C, H, W).

    In three dimensions theta is (N, 3, 4) and the grid (N, D, H, W, 3). Jaderberg et al. (2015), eq. 1.
    """
    if align_corners is None:
        warnings.warn(DEFAULT, stacklevel=3)
    check_affine(theta, size)
    batch, _, *sizes = size
    axes = [middles(theta, count, bool(align_corners)) for count in reversed(sizes)]
    n, place = len(sizes), {"dtype": theta.dtype, "device": theta.device}
    around = [each.reshape(*(1,) * (n - 1 - axis), -1, *(1,) * axis).expand(*sizes) for axis, each in enumerate(axes)]
    base = ops.stack([*around, ops.ones(*sizes, **place)], -1)
    y = base.reshape(1, math.prod(sizes), n + 1) @ theta.transpose(1, 2)
    return renamed(y.reshape(batch, *sizes, n), "AffineGridGeneratorBackward0")


def middles(theta: Any, count: int, aligned: bool) -> Any:
    """Return `count` coordinates from -1 to 1: those of the outer pixels' middles, or of their edges."""
    place = {"dtype": theta.dtype, "device": theta.device}
    if count == 1:
        return ops.zeros(1, **place)
    made = ops.linspace(-1, 1, count, **place)
    return made if aligned else made * ((count - 1) / count)


def check_affine(theta: Any, size: Sequence[int]) -> None:
    """Refuse maps and sizes that do not belong together."""
    require_tensor("affine_grid", theta)
    if not theta.dtype.is_floating_point:
        raise ValueError(f"affine_grid: Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {list(size)}"
        )
    wanted = (size[0], len(size) - 2, len(size) - 1)
    if theta.ndim != 3 or tuple(theta.shape[1:]) != wanted[1:]:
        raise ValueError(
            f"affine_grid: Expected a batch of {wanted[1]}D affine matrices of shape {list(wanted)} for size {list(size)}. "
            f"Got {list(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"affine_grid: Expected non-zero, positive output size. Got {list(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(f"affine_grid: Expected theta of shape {list(wanted)}, got {list(theta.shape)}")
