"""What the derivatives of eigen and singular value decompositions share: differences that may vanish, arbitrary gauges."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import lift
from lineal.ops.premise import rely

__all__: list[str] = []

CLOSE = 8
"""Values nearer than this many rounding errors of the largest count as equal."""


def gaps(values: Any, largest: np.ndarray) -> tuple[Any, Any]:
    """Return the matrix of vⱼ - vᵢ with 1 where it counts as zero, and a constant mask that is 0 there and 1 elsewhere.

    `largest` is the largest |vᵢ|, with one axis more than the batch has.
    """
    gap = values[..., None, :] - values[..., :, None]
    array = values.value
    border = float(CLOSE * np.finfo(array.dtype).eps)
    apart = np.abs(gap.value) > border * largest[..., None]
    if array.size:
        rely(lambda: (gap.abs() > border * values.abs().amax(-1, True)[..., None]) == lift(apart))
    mask = lift(apart.astype(array.dtype))
    return gap + (1 - mask), mask


def check_gauge(name: str, what: str, turn: Any, scale: np.ndarray) -> None:
    """Raise if the cotangent has a part along which the decomposition is arbitrary."""
    if turn.value.size and np.any(np.abs(turn.value) > 1e-2 * (1 + np.abs(scale).max())):
        raise RuntimeError(
            f"{name}: The {what} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss "
            "function depends on this quantity, so it is ill-defined; let it depend on absolute values or projections only"
        )
