"""Special functions of NumPy's arrays: SciPy's, and in float64 others where SciPy's are many units in the last place away.

These are e^(±x²) of a rounded square, and reflections with a rounded argument.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base import later

__all__ = ["digamma", "erfcx", "lgamma", "log_ndtr", "ndtr", "trigamma"]

special: Any = later.module("scipy.special")

ROOT_HALF = math.sqrt(0.5)
FAR = 40.0
"""Where e^(-x²/2) is 0, and e^(x²) infinite."""


def square(x: Any) -> tuple[Any, Any]:
    """Return x² rounded and the rounding error (Dekker 1971)."""
    x = np.clip(x, -FAR, FAR)
    wide = x * 134217729.0
    high = wide - (wide - x)
    low = x - high
    y = x * x
    return y, ((high * high - y) + 2.0 * high * low) + low * low


def is_single(x: Any) -> bool:
    """Return whether SciPy computes in more digits than it gives."""
    return x.dtype != np.float64


def erfcx(x: Any) -> Any:
    """Return e^(x²) erfc x."""
    y = special.erfcx(x)
    return y if is_single(x) else np.where((x < 0) & (y < np.inf), y * (1.0 + square(x)[1]), y)


def ndtr(x: Any) -> Any:
    """Return ½ erfc(-x/√2)."""
    if is_single(x):
        return special.ndtr(x)
    y, lost = square(x)
    slow = special.erfcx(np.maximum(-x, 1.0) * ROOT_HALF)
    return np.where(x < -1, 0.5 * np.exp(-0.5 * y) * slow * (1.0 - 0.5 * lost), special.ndtr(x))


def log_ndtr(x: Any) -> Any:
    """Return log ½ erfc(-x/√2)."""
    y = special.log_ndtr(x)
    return y if is_single(x) else np.where(x > 1, np.log1p(-ndtr(-x)), y)


def lgamma(x: Any) -> Any:
    """Return log |Γ(x)|; of the smallest numbers SciPy gives ∞, at far poles -∞ and of -∞ nan."""
    y = np.where(np.abs(x) < 1e-300, -np.log(np.abs(x)), special.gammaln(x))
    return np.where((x <= 0) & (np.floor(x) == x), x.dtype.type(np.inf), y)


def digamma(x: Any) -> Any:
    """Return ψ(x); at 0 the limit depends on the side, and the sign of zero tells which."""
    y = np.where(x == 0, np.copysign(np.inf, -x).astype(x.dtype), special.digamma(x))
    if is_single(x):
        return y
    fraction = x - np.rint(x)
    turned = special.digamma(1.0 - x) - np.pi / np.tan(np.pi * np.where(fraction == 0, np.nan, fraction))
    return np.where(x < 0, turned, y)


def trigamma(x: Any) -> Any:
    """Return ψ′(x); it has no limit at -∞, where SciPy gives ∞."""
    return np.where(x == -np.inf, np.nan, special.polygamma(1, x)).astype(x.dtype)
