"""Resizing images: along each axis a sum of a few elements, at places and with weights that follow from the sizes.

Source: the description of the operator Resize, https://onnx.ai/onnx/operators/onnx__Resize.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.core import lift
from lineal.onnx.kernels.table import Node, indices, integers, operator, refuse

__all__: list[str] = []

PLACES: dict[str, Callable[[np.ndarray, int, int, float], np.ndarray]] = {
    "half_pixel": lambda n, size, count, scale: (n + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda n, size, count, scale: (n + 0.5) / scale - 0.5 if count > 1 else 0 * n,
    "asymmetric": lambda n, size, count, scale: n / scale,
    "align_corners": lambda n, size, count, scale: n * ((size - 1) / (size * scale - 1)) if count > 1 else 0.0 * n,
    "half_pixel_symmetric": lambda n, size, count, scale: size / 2 * (1 - count / (scale * size)) + (n + 0.5) / scale - 0.5,
}
"""Where in the input the elements of the output lie: of their numbers, both sizes, and the scale."""
ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


@operator("Resize", "Upsample")
def resize(node: Node, x: Any, *given: Any) -> Any:
    """y = x at other sizes, by the nearest element, linear or cubic interpolation."""
    mode = node.get("mode", "nearest")
    if node.get("antialias", 0) or node.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise refuse(node, "antialias, or a part of the image")
    axes = [each % x.ndim for each in node.get("axes", range(x.ndim))]
    for axis, count, scale in targets(node, x, axes, given):
        if count != x.shape[axis] or scale != 1:
            x = resampled(node, x, axis, count, scale, "linear" if mode == "bilinear" else mode)
    return x


def targets(node: Node, x: Any, axes: list[int], given: tuple[Any, ...]) -> list[tuple[int, int, float]]:
    """Return for each axis its new size, and the scale between the sizes."""
    old = len(given) == 1 or node.operator == "Upsample"
    scales: Any = node.get("scales") if not given else given[0] if old else given[1] if len(given) > 1 else None
    sizes = integers(given[2]) if len(given) > 2 else []
    if sizes:
        if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise refuse(node, f"the policy {node.get('keep_aspect_ratio_policy')}")
        return [(axis, size, size / x.shape[axis]) for axis, size in zip(axes, sizes)]
    factors = [float(each) for each in (scales.tolist() if hasattr(scales, "tolist") else scales)]
    return [(axis, int(np.floor(x.shape[axis] * each)), each) for axis, each in zip(axes, factors)]


def resampled(node: Node, x: Any, axis: int, count: int, scale: float, mode: str) -> Any:
    """Return x with another size along an axis."""
    size = x.shape[axis]
    usual = "asymmetric" if node.operator == "Upsample" or node.version < 11 else "half_pixel"
    at = PLACES[node.get("coordinate_transformation_mode", usual)](np.arange(count, dtype=np.float64), size, count, scale)
    if mode == "nearest":
        rounded = ROUNDINGS[node.get("nearest_mode", "floor" if usual == "asymmetric" else "round_prefer_floor")](at)
        return x.index_select(axis, indices(np.clip(rounded, 0, size - 1)))
    total: Any = 0
    for places, weights in taps(node, at, size, mode):
        column = lift(weights.astype(x.value.dtype).reshape([-1 if n == axis else 1 for n in range(x.ndim)]))
        total = total + x.index_select(axis, indices(places)) * column
    return total


def taps(node: Node, at: np.ndarray, size: int, mode: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the places and weights of the elements that are summed up: two for linear interpolation, four for cubic."""
    if mode == "linear":
        inside = np.clip(at, 0, size - 1)
        first = np.floor(inside)
        return [(first, 1 - (inside - first)), (np.minimum(first + 1, size - 1), inside - first)]
    first = np.floor(at)
    found = [(first + n, cubic(np.abs(at - first - n), node.get("cubic_coeff_a", -0.75))) for n in range(-1, 3)]
    if node.get("exclude_outside", 0):
        found = [(place, np.where((place < 0) | (place >= size), 0.0, weight)) for place, weight in found]
        whole = sum(weight for _, weight in found)
        found = [(place, weight / whole) for place, weight in found]
    return [(np.clip(place, 0, size - 1), weight) for place, weight in found]


def cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Return the weight of an element at a distance.   Keys (1981), eq. 15 with a free slope a."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
