"""What eigen and singular value decompositions share: when the values suffice, and, in their derivatives, differences that
may vanish and arbitrary gauges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base.errors import LinAlgError
from lineal.codegen.choice import ACROSS, planned
from lineal.core import AbstractTensor, is_grad_enabled, lift, synchronize
from lineal.ops.premise import rely

__all__: list[str] = []

CLOSE = 8
"""Values nearer than this many rounding errors of the largest count as equal."""


def settled(name: str, decompose: Callable[..., Any], *given: Any) -> Any:
    """Return `decompose(*given)`, or say which function's iteration did not come to an end."""
    try:
        return decompose(*given)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{name}: The algorithm failed to converge: {error}") from error


def differentiated(A: AbstractTensor) -> bool:
    """Return whether the engine will remember an op on A for the backward pass."""
    if A.origin is not None:
        synchronize(A)
    return A.node is not None and is_grad_enabled()


def vectors_come_free(A: AbstractTensor) -> bool:
    """Return whether the values of Hermitian matrices, or singular values, had better be taken with the vectors.

    Those are what the derivative is made of, and the kernels across the batch know no other way.
    """
    return differentiated(A) or planned("eigh", A.value) == ACROSS


def gaps(values: Any, largest: np.ndarray) -> tuple[Any, Any]:
    """Return the matrix of vⱼ - vᵢ with 1 where it counts as zero, and a constant mask that is 0 there and 1 elsewhere.

    `largest` is the largest |vᵢ|, with one axis more than the batch has.
    """
    gap = values[..., None, :] - values[..., :, None]
    array = values.value
    border = float(CLOSE * np.finfo(array.dtype).eps)
    apart = abs(gap.value) > border * largest[..., None]
    if array.size:
        rely(lambda: (gap.abs() > border * values.abs().amax(-1, True)[..., None]) == lift(apart))
    mask = lift(apart.astype(array.dtype))
    return gap + (1 - mask), mask


def check_gauge(name: str, what: str, turn: Any, scale: np.ndarray) -> None:
    """Raise if the cotangent has a part along which the decomposition is arbitrary."""
    border = 1e-2 * (1 + abs(scale).max(initial=0))
    if turn.value.size and (abs(turn.value) > border).any():
        raise RuntimeError(
            f"{name}: The {what} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss "
            "function depends on this quantity, so it is ill-defined; let it depend on absolute values or projections only"
        )
    if turn.value.size:
        rely(lambda: turn.abs() <= float(border))
