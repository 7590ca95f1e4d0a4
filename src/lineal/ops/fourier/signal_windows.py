"""The windows of `torch.signal.windows`: symmetric unless `sym` is false, which leaves off the last of one number more."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Unpack

from lineal.base import dtypes
from lineal.base.signatures import Options, Tensor
from lineal.ops.conversion import cast
from lineal.ops.creation import finish, full, read
from lineal.ops.fourier.windows import BLACKMAN, HAMMING, HANN, Formula, cosines, kaiser_formula, places, triangle

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def window(name: str, M: int, sym: bool, formula: Formula, options: Any, alone: float = 1.0) -> Any:
    """Return a window of M numbers, `alone` if that is one.

    ValueError if M < 0, for dtypes but float32 and float64, and for layouts but the strided one.
    """
    layout = options.get("layout")
    if layout is not None and str(layout) != "torch.strided":
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    _, requires_grad, target, where = read(name, options)
    if not isinstance(M, int):
        raise TypeError(f"{name} requires a window length of type int, got M={M!r}")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if target not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {target}")
    if M < 2:
        return finish(full((M,), alone, dtype=target, device=where), requires_grad)
    return finish(cast(formula(places(M, where), M - 1 if sym else M), target), requires_grad)


def bartlett(M: int, *, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window 1 - |2k / N - 1|, N = M - 1 if `sym`, otherwise M."""
    return window("bartlett", M, sym, triangle, options)


def blackman(M: int, *, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window 0.42 - 0.5 cos(2πk / N) + 0.08 cos(4πk / N), N = M - 1 if `sym`, otherwise M."""
    return window("blackman", M, sym, cosines(BLACKMAN), options)


def cosine(M: int, *, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window sin(π (k + ½) / N), N = M if `sym`, otherwise M + 1."""
    return window("cosine", M, sym, lambda k, span: ((k + 0.5) * (math.pi / (span + 1))).sin(), options)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Unpack[Options]
) -> Tensor:
    """Return the window exp(-|k - center| / tau), the center by default in the middle; only there if `sym`."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    formula = lambda k, span: ((k - (span / 2 if center is None else center)).abs() * (-1 / tau)).exp()
    return window("exponential", M, sym, formula, options, math.exp(-abs(center or 0) / tau))


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window exp(-½ ((k - N/2) / std)²), N = M - 1 if `sym`, otherwise M."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return window("gaussian", M, sym, lambda k, span: (((k - span / 2) * (1 / std)).square() * -0.5).exp(), options)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window Σ (-1)ⁱ aᵢ cos(2πi k / N), N = M - 1 if `sym`, otherwise M."""
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    coefficients = tuple(a)
    if not coefficients:
        raise ValueError("Coefficients cannot be empty")
    return window("general_cosine", M, sym, cosines(coefficients), options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window alpha - (1 - alpha) cos(2πk / N), N = M - 1 if `sym`, otherwise M."""
    return window("general_hamming", M, sym, cosines((alpha, 1 - alpha)), options)


def hamming(M: int, *, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window 0.54 - 0.46 cos(2πk / N), N = M - 1 if `sym`, otherwise M."""
    return window("hamming", M, sym, cosines(HAMMING), options)


def hann(M: int, *, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window ½ - ½ cos(2πk / N), N = M - 1 if `sym`, otherwise M."""
    return window("hann", M, sym, cosines(HANN), options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return the window I₀(beta √(1 - (2k / N - 1)²)) / I₀(beta), N = M - 1 if `sym`, otherwise M."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return window("kaiser", M, sym, kaiser_formula(beta), options)


def nuttall(M: int, *, sym: bool = True, **options: Unpack[Options]) -> Tensor:
    """Return Nuttall's window of minimal side lobes: four cosines over N = M - 1 if `sym`, otherwise M."""
    return window("nuttall", M, sym, cosines(NUTTALL), options)
