"""Functions that make training noisier on purpose."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core.calling import public

SELU_FLOOR = 1.7580993408473766
"""Minus the value that SELU tends to: alpha times scale."""


def check_probability(name: str, p: float) -> None:
    """Refuse what is no probability."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: expected a probability between 0 and 1, got {p}")


def dropped(
    input: Any, p: float, training: bool, inplace: bool, shape: tuple[int, ...] | None = None, alpha: bool = False
) -> Any:
    """Return the input with elements (or, by a `shape` to be broadcast, parts) dropped, to 0 or to SELU's floor."""
    if not training or p == 0:
        return input
    if p == 1:
        return input.mul_(0) if inplace else ops.mul(input, 0.0)
    noise = ops.bernoulli(input.detach() if shape is None else input.detach().new_empty(shape), 1 - p)
    if not alpha:
        noise = noise / (1 - p)
        return input.mul_(noise) if inplace else ops.mul(input, noise)
    scale = 1 / math.sqrt((SELU_FLOOR**2 * p + 1) * (1 - p))
    moved = (noise - (1 - p)) * (SELU_FLOOR * scale)
    noise = noise * scale
    return input.mul_(noise).add_(moved) if inplace else ops.add(ops.mul(input, noise), moved)


def by_channel(name: str, input: Any) -> tuple[int, ...]:
    """Return the shape of one number for each channel of each example."""
    if input.ndim < 2:
        raise RuntimeError(f"{name}: Feature dropout requires at least 2 dimensions in the input, got {input.ndim}")
    return (*input.shape[:2], *(1,) * (input.ndim - 2))


@public
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability `p` while training and scale the others by 1/(1-p)."""
    check_probability("dropout", p)
    return dropped(input, p, training, inplace)


@public
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Do what `dropout` does to whole channels of (C, L) or (N, C, L).   Tompson et al. (2015)."""
    check_probability("dropout1d", p)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input")
    shape = (input.shape[0], 1) if input.ndim == 2 else by_channel("dropout1d", input)
    return dropped(input, p, training, inplace, shape)


@public
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Do what `dropout` does to whole channels, the second dimension, of (N, C, H, W)."""
    check_probability("dropout2d", p)
    if input.ndim != 4:
        warnings.warn(f"dropout2d: received a {input.ndim}D input: channels are its second dimension", stacklevel=3)
    return dropped(input, p, training, inplace, by_channel("dropout2d", input) if training and p else None)


@public
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Do what `dropout` does to whole channels of (C, D, H, W) or (N, C, D, H, W)."""
    check_probability("dropout3d", p)
    if input.ndim not in (4, 5):
        warnings.warn(f"dropout3d: received a {input.ndim}D input: channels are its second dimension", stacklevel=3)
    shape = (input.shape[0], 1, 1, 1) if input.ndim == 4 else by_channel("dropout3d", input) if training and p else None
    return dropped(input, p, training, inplace, shape)


@public
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set each element to the floor of SELU with probability `p`, and scale and move all so that mean and variance stay.

    Klambauer et al. (2017), arXiv:1706.02515.
    """
    check_probability("alpha_dropout", p)
    return dropped(input, p, training, inplace, alpha=True)


@public
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Do what `alpha_dropout` does to whole channels, the second dimension."""
    check_probability("feature_alpha_dropout", p)
    return dropped(input, p, training, inplace, by_channel("feature_alpha_dropout", input) if training and p else None, True)
