"""Where the pixels of an image go: resize, crop, pad, flip, rotate, erase."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes
from lineal.data.vision.images import filled
from lineal.nn import functional
from lineal.tensors import Tensor, from_numpy

__all__ = [
    "InterpolationMode",
    "affine",
    "center_crop",
    "crop",
    "erase",
    "gaussian_blur",
    "horizontal_flip",
    "pad",
    "resize",
    "resized_crop",
    "rotate",
    "vertical_flip",
]


class InterpolationMode(enum.Enum):
    """How pixels between those of an image are made."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def resized(size: Sequence[int], height: int, width: int, max_size: int | None) -> tuple[int, int]:
    """Return the height and width that a given size means: of one number, the shorter edge's."""
    if len(size) == 2 and max_size is None:
        return size[0], size[1]
    if len(size) != 1:
        raise ValueError(f"resize: size should be an int or a sequence of one int if max_size is given, got {list(size)}")
    short, long = sorted((height, width))
    edges = size[0], int(size[0] * long / short)
    if max_size is not None and edges[1] > max_size:
        edges = int(max_size * edges[0] / edges[1]), max_size
    return edges if height <= width else (edges[1], edges[0])


def resize(
    inpt: Tensor,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Tensor:
    """Return an image in another size: height and width, or the length of the shorter edge."""
    rows, columns = inpt.shape[-2:]
    wanted = resized([size] if isinstance(size, int) else list(size), rows, columns, max_size)
    if wanted == (rows, columns):
        return inpt
    mode = InterpolationMode(interpolation).value
    smooth = mode in ("bilinear", "bicubic")
    planes = inpt.reshape(-1, inpt.shape[-3], *inpt.shape[-2:]) if inpt.ndim > 2 else inpt[None, None]
    whole = not inpt.is_floating_point()
    made = functional.interpolate(
        planes.to(dtypes.float32) if whole else planes, wanted, mode=mode, antialias=smooth and bool(antialias)
    )
    if whole:
        made = (made.round_().clamp_(0, 255) if smooth and inpt.dtype is dtypes.uint8 else made).to(inpt.dtype)
    return made.reshape(*inpt.shape[:-2], *wanted)


def crop(inpt: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Return a part of an image; what lies outside of it is 0."""
    rows, columns = inpt.shape[-2:]
    inside = inpt[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if top >= 0 and left >= 0 and top + height <= rows and left + width <= columns:
        return inside
    before = min(max(-left, 0), width), min(max(-top, 0), height)
    after = width - before[0] - inside.shape[-1], height - before[1] - inside.shape[-2]
    return ops.constant_pad_nd(inside, (before[0], after[0], before[1], after[1]))


def both(size: int | Sequence[int]) -> tuple[int, int]:
    """Return a height and a width."""
    edges = [size] if isinstance(size, int) else list(size)
    if len(edges) not in (1, 2):
        raise ValueError(f"size: Please provide only two dimensions (h, w) for size, got {list(edges)}")
    return edges[0], edges[-1]


def center_crop(inpt: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """Return the middle of an image, with zeros around it if it is smaller."""
    height, width = both(output_size)
    rows, columns = inpt.shape[-2:]
    if width > columns or height > rows:
        before = max(width - columns, 0) // 2, max(height - rows, 0) // 2
        after = (max(width - columns, 0) + 1) // 2, (max(height - rows, 0) + 1) // 2
        inpt = ops.constant_pad_nd(inpt, (before[0], after[0], before[1], after[1]))
        rows, columns = inpt.shape[-2:]
    return crop(inpt, round((rows - height) / 2.0), round((columns - width) / 2.0), height, width)


def resized_crop(
    inpt: Tensor,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Tensor:
    """Return a part of an image in another size."""
    return resize(crop(inpt, top, left, height, width), size, interpolation, antialias=antialias)


def edges(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Return the widths to the left, at the top, to the right and at the bottom."""
    widths = [padding] if isinstance(padding, int) else list(padding)
    if len(widths) not in (1, 2, 4):
        raise ValueError(f"pad: Padding must be an int or a 1, 2, or 4 element tuple, not a {len(widths)} element tuple")
    left, top, right, bottom = widths * (4 // len(widths))
    return left, top, right, bottom


def mirrored(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """Return which pixels of a row stand in the padded one."""
    places = np.arange(-before, size + after)
    if mode == "edge":
        return places.clip(0, size - 1)
    if mode not in ("reflect", "symmetric"):
        raise ValueError(f"pad: padding_mode should be either constant, edge, reflect or symmetric, got {mode!r}")
    skip = mode == "reflect"
    if max(before, after) > size - skip:
        raise ValueError(f"pad: {mode} padding of {max(before, after)} is too wide for {size} pixels")
    last = size - 1
    places = np.where(places < 0, -places - 1 + skip, places)
    return np.where(places > last, 2 * last + 1 - skip - places, places)


def pad(inpt: Tensor, padding: int | Sequence[int], fill: Any = None, padding_mode: str = "constant") -> Tensor:
    """Put pixels around an image: left and right, top and bottom, or left, top, right, bottom."""
    left, top, right, bottom = edges(padding)
    rows, columns = inpt.shape[-2:]
    if padding_mode != "constant":
        down = from_numpy(mirrored(rows, top, bottom, padding_mode))
        across = from_numpy(mirrored(columns, left, right, padding_mode))
        return inpt[..., down, :][..., across]
    if not isinstance(fill, Sequence):
        return ops.constant_pad_nd(inpt, (left, right, top, bottom), 0 if fill is None else fill)
    made = filled(fill, inpt).expand(*inpt.shape[:-2], rows + top + bottom, columns + left + right).clone()
    made[..., top : top + rows, left : left + columns] = inpt
    return made


def horizontal_flip(inpt: Tensor) -> Tensor:
    """Swap left and right."""
    return inpt.flip(-1)


def vertical_flip(inpt: Tensor) -> Tensor:
    """Swap top and bottom."""
    return inpt.flip(-2)


def turned_size(rows: int, columns: int, cosine: float, sine: float) -> tuple[int, int]:
    """Return the height and width in which a turned image has room."""
    half = np.array([0.5 * columns, 0.5 * rows])
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * half
    found = corners @ np.array([[cosine, sine], [-sine, cosine]]) + half
    # so that what is a whole number but for rounding does not take another pixel
    low, high = (np.trunc(bound / 1e-4) * 1e-4 for bound in (found.min(0), found.max(0)))
    width, height = np.ceil(high) - np.floor(low)
    return int(height), int(width)


def rotate(
    inpt: Tensor,
    angle: float,
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Tensor:
    """Turn an image by some degrees, counter-clockwise, about its middle or the pixel `center`, (x, y)."""
    rows, columns = inpt.shape[-2:]
    quarters, rest = divmod(angle, 90)
    if center is None and rest == 0 and (quarters % 2 == 0 or expand or rows == columns):
        return ops.rot90(inpt, int(quarters), (-2, -1)).clone()
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    height, width = turned_size(rows, columns, cosine, sine) if expand else (rows, columns)
    x0, y0 = (0.0, 0.0) if center is None or expand else (center[0] - columns * 0.5, center[1] - rows * 0.5)
    matrix = about([[cosine, -sine], [sine, cosine]], x0, y0, 0.0, 0.0)
    return sampled(inpt, grid(matrix, (rows, columns), (height, width)), InterpolationMode(interpolation).value, fill)


def affine(
    inpt: Tensor,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Tensor:
    """Turn an image by some degrees, clockwise, scale it, shear it by some degrees along x and y, and move it by pixels."""
    rows, columns = inpt.shape[-2:]
    if scale <= 0:
        raise ValueError(f"affine: Argument scale should be positive, got {scale}")
    slant = [float(shear), 0.0] if isinstance(shear, (int, float)) else [float(each) for each in shear]
    turn, sx, sy = math.radians(angle), math.radians(slant[0]), math.radians(slant[1] if len(slant) > 1 else 0.0)
    x0, y0 = (0.0, 0.0) if center is None else (center[0] - columns * 0.5, center[1] - rows * 0.5)
    # rotation · shear along y · shear along x
    a, c = math.cos(turn - sy) / math.cos(sy), math.sin(turn - sy) / math.cos(sy)
    forward = np.array([[a, -a * math.tan(sx) - math.sin(turn)], [c, -c * math.tan(sx) + math.cos(turn)]]) * scale
    matrix = about(np.linalg.inv(forward), x0, y0, *translate)
    return sampled(inpt, grid(matrix, (rows, columns), (rows, columns)), InterpolationMode(interpolation).value, fill)


def about(matrix: Any, x0: float, y0: float, dx: float, dy: float) -> np.ndarray:
    """Return the map (2, 3) that moves back by (dx, dy), and then applies a matrix about a point."""
    linear = np.asarray(matrix)
    return np.column_stack([linear, np.array([x0, y0]) - linear @ np.array([x0 + dx, y0 + dy])])


def grid(matrix: np.ndarray, size: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Return where each pixel of an image of size `wanted` is taken from, from -1 to 1 across an image of another size."""
    height, width = wanted
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    places = np.stack([x, y, np.ones_like(x)], -1) @ matrix.T
    return from_numpy((places / [0.5 * size[1], 0.5 * size[0]])[None].astype(np.float32))


def gaussian_blur(inpt: Tensor, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None) -> Tensor:
    """Blur an image by the weights exp(-x² / 2σ²) in windows of odd widths, across and down; its borders are mirrored."""
    widths = [kernel_size] * 2 if isinstance(kernel_size, int) else [*kernel_size, kernel_size[-1]][:2]
    if any(each <= 0 or each % 2 == 0 for each in widths):
        raise ValueError(f"gaussian_blur: kernel_size should be odd and positive numbers, got {widths}")
    spreads = [0.15 * each + 0.35 for each in widths] if sigma is None else sigma
    spreads = [spreads] * 2 if isinstance(spreads, (int, float)) else [*spreads, spreads[-1]][:2]
    if any(each <= 0 for each in spreads):
        raise ValueError(f"gaussian_blur: sigma should have positive values, got {spreads}")
    numbers = inpt if inpt.is_floating_point() else inpt.to(dtypes.float32)
    planes = pad(numbers, [each // 2 for each in widths], padding_mode="reflect")
    planes = planes.reshape(-1, 1, *planes.shape[-2:])
    for width, spread, shape in zip(widths, spreads, ((1, 1, 1, -1), (1, 1, -1, 1))):
        weights = (-((ops.arange(width, dtype=numbers.dtype) - width // 2) ** 2) / (2 * spread**2)).softmax(0)
        planes = functional.conv2d(planes, weights.reshape(shape))
    made = planes.reshape(inpt.shape)
    return made if inpt.is_floating_point() else made.round_().to(inpt.dtype)


def sampled(inpt: Tensor, grid: Tensor, mode: str, fill: Any) -> Tensor:
    """Return an image at the places of a grid; what lies outside is filled."""
    planes = inpt.reshape(1, -1, *inpt.shape[-2:])
    numbers = planes if inpt.is_floating_point() else planes.to(dtypes.float32)
    places = grid.to(numbers.dtype)
    made = functional.grid_sample(numbers, places, mode=mode, padding_mode="zeros", align_corners=False)
    made = made.reshape(*inpt.shape[:-2], *made.shape[-2:])
    if fill is not None:
        inside = functional.grid_sample(ops.ones_like(numbers[:, :1]), places, mode, "zeros", align_corners=False)[0]
        colour = filled(fill, made)
        made = ops.where(inside < 0.5, colour, made) if mode == "nearest" else made * inside + (1 - inside) * colour
    return made if inpt.is_floating_point() else made.round_().to(inpt.dtype)


def erase(inpt: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """Write `v` over the rectangle of `h` rows from `i` on and `w` columns from `j` on."""
    made = inpt if inplace else inpt.clone()
    made[..., i : i + h, j : j + w] = v
    return made
