"""Random tensors for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.devices import as_device
from lineal.base.dtypes import Category, dtype
from lineal.base.signatures import Device, Format, Tensor
from lineal.base.spec import sizes
from lineal.core import lift

__all__ = ["make_tensor"]


def make_tensor(
    *shape: int | Sequence[int],
    dtype: dtype,
    device: Device = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Format | None = None,
) -> Tensor:
    """Return a tensor of uniform random numbers in [low, high), by default [-9, 9), [0, 10) if unsigned, both truth values."""
    as_device(device)
    target = sizes("make_tensor", shape)
    drawn = (*target[:-1], target[-1] * 2) if noncontiguous and target else target
    unsigned = dtype.numpy.kind in "ub"
    bottom, top = (0 if unsigned else -9) if low is None else low, (10 if unsigned else 9) if high is None else high
    if bottom > top:
        raise ValueError(f"make_tensor: expected low <= high, got low={low} and high={high}")
    value = draw(drawn, dtype, bottom, top)
    if exclude_zero:
        value[value == 0] = 1 if dtype.category < Category.FLOATING else np.finfo(np.float32).tiny
    if noncontiguous and target:
        value = value[..., ::2]
    made: Any = lift(value)
    return made.requires_grad_() if requires_grad else made


def draw(shape: tuple[int, ...], target: dtype, low: float, high: float) -> np.ndarray:
    """Return random numbers of a dtype."""
    generator = np.random.default_rng(np.random.randint(1 << 31))
    if target.category is Category.BOOL:
        return np.asarray(generator.integers(0, 2, shape)).astype(bool)
    if target.category is Category.INTEGER:
        return np.asarray(generator.integers(int(np.ceil(low)), max(int(high), int(np.ceil(low)) + 1), shape)).astype(
            target.numpy
        )
    value = np.asarray(generator.uniform(low, high, shape))
    if target.is_complex:
        value = value + 1j * generator.uniform(low, high, shape)
    return np.asarray(value).astype(target.numpy)
