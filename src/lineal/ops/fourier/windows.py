"""Windows: functions that weigh the numbers of a signal. They are computed in float64 and rounded once.

Harris (1978), "On the use of windows for harmonic analysis with the discrete Fourier transform".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from lineal.base import dtypes
from lineal.base.signatures import Options, Tensor
from lineal.ops.conversion import cast
from lineal.ops.creation import Range, finish, made, ones, read
from lineal.ops.elementwise.bessel import i0
from lineal.ops.elementwise.extremes import clamp

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

Formula = Callable[[Any, int], Any]
"""What makes a window of the places 0, 1, … of its numbers and of the distance after which it repeats, or ends."""

HANN, HAMMING, BLACKMAN = (0.5, 0.5), (0.54, 0.46), (0.42, 0.5, 0.08)
"""The coefficients of sums of cosines."""


def cosines(coefficients: Sequence[float]) -> Formula:
    """Return the window Σ (-1)ⁱ aᵢ cos(2πi k / span)."""

    def formula(k: Any, span: int) -> Any:
        y = k * 0 + coefficients[0]
        for i, a in enumerate(coefficients[1:], 1):
            y = y + (k * (2 * math.pi * i / span)).cos() * (a * (-1) ** i)
        return y

    return formula


def triangle(k: Any, span: int) -> Any:
    """Return the window 1 - |2k / span - 1|."""
    return 1 - (k * (2 / span) - 1).abs()


def kaiser_formula(beta: float) -> Formula:
    """Return the window I₀(β √(1 - (2k / span - 1)²)) / I₀(β)."""

    def formula(k: Any, span: int) -> Any:
        inside = clamp(1 - (k * (2 / span) - 1).square(), min=0)
        return i0(inside.sqrt() * beta) / i0(k * 0 + beta)

    return formula


def places(count: int, where: Any) -> Any:
    """Return 0, 1, …, count - 1."""
    return made(Range(0, 1, count, dtypes.float64), where)


def window(name: str, count: int, periodic: bool, formula: Formula, options: Any) -> Any:
    """Return a window of `count` numbers; RuntimeError if that is negative, or for dtypes that are not floating."""
    if not isinstance(count, int):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {type(count).__name__}")
    out, requires_grad, target, where = read(name, options)
    if not target.is_floating_point:
        raise RuntimeError(f"{name}: expects floating point dtypes, got: {target}")
    if count < 0:
        raise RuntimeError(f"{name}: requires non-negative window_length, got window_length={count}")
    if count < 2:
        return finish(ones(count, dtype=target, device=where), requires_grad, out, name)
    y = formula(places(count, where), count if periodic else count - 1)
    return finish(cast(y, target), requires_grad, out, name)


def hann_window(window_length: int, periodic: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window ½ - ½ cos(2πk / N), with N = window_length if periodic, otherwise one less."""
    return window("hann_window", window_length, periodic, cosines(HANN), options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Unpack[Options]
) -> Tensor:
    """Return the window alpha - beta cos(2πk / N), with N = window_length if periodic, otherwise one less."""
    return window("hamming_window", window_length, periodic, cosines((alpha, beta)), options)


def blackman_window(window_length: int, periodic: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window 0.42 - 0.5 cos(2πk / N) + 0.08 cos(4πk / N), with N = window_length if periodic, otherwise one less."""
    return window("blackman_window", window_length, periodic, cosines(BLACKMAN), options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window 1 - |2k / N - 1|, with N = window_length if periodic, otherwise one less."""
    return window("bartlett_window", window_length, periodic, triangle, options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Unpack[Options]) -> Tensor:
    """Return the window I₀(beta √(1 - (2k / N - 1)²)) / I₀(beta), with N = window_length if periodic, otherwise one less."""
    return window("kaiser_window", window_length, periodic, kaiser_formula(beta), options)
