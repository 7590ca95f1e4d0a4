"""Muon."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Update
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_rate

__all__ = ["Muon"]

MOST_STEPS = 100
WAYS = (None, "original", "match_rms_adamw")


class Muon(Optimizer):
    """b ← b + (1-μ) (g - b), p ← (1 - lr λ) p - c lr O(d), where O makes the singular values of d nearly 1; for matrices.

    Jordan et al. (2024), Muon: an optimizer for hidden layers. d is b, or g + μ (b - g) with `nesterov`; λ is `weight_decay`.
    O takes `ns_steps` of Newton's and Schulz's iteration in bfloat16, with the polynomial a X + b X³ + c X⁵ of
    `ns_coefficients`. c is √max(1, rows/columns), or 0.2 √max(rows, columns) for `adjust_lr_fn="match_rms_adamw"`
    (Liu et al. 2025, arXiv:2502.16982). Parameters of other than two dimensions are a ValueError, complex ones a RuntimeError.
    """

    _by_element_ = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ):
        check_rate(lr)
        for what, value in {"momentum": momentum, "weight decay": weight_decay}.items():
            if not value >= 0:
                raise ValueError(f"{what} should be >= 0 but is: {value}")
        if adjust_lr_fn not in WAYS:
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for parameter in (each for group in self.param_groups for each in group["params"]):
            if parameter.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {parameter.shape}")

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update:
        if parameter.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state, momentum, lr = self.state[parameter], group["momentum"], group["lr"]
        if not state:
            state["momentum_buffer"] = zeros_like(grad.detach())
        mean = state["momentum_buffer"]
        mean.add_((grad - mean) * (1 - momentum))
        along = grad + (mean - grad) * momentum if group["nesterov"] else mean
        along = orthogonalized(along, group["ns_coefficients"], group["ns_steps"], group["eps"])
        size = lr * adjustment(group["adjust_lr_fn"], parameter.shape)
        return Update("muon", shrunk, (parameter, along.to(parameter.dtype)), (1 - lr * group["weight_decay"], size), 1)


def adjustment(way: str | None, shape: Sequence[int]) -> float:
    """Return what the rate is multiplied with, so that steps of matrices of all shapes are alike."""
    rows, columns = shape
    if way == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))


def orthogonalized(G: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """Return U S Vᵀ in bfloat16, S about 1, where G = U Σ Vᵀ: Newton's and Schulz's iteration X ← (a + b XXᵀ + c (XXᵀ)²) X."""
    if steps >= MOST_STEPS:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    X, is_tall = G.to(dtypes.bfloat16), G.shape[0] > G.shape[1]
    X = X.T if is_tall else X
    X = X / X.norm().clamp(min=eps)
    for _ in range(steps):
        X = X.to(dtypes.float32)
        A = rounded(X @ X.T)
        X = rounded(X * a + rounded(A * b + A @ A * c) @ X)
    return X.T if is_tall else X


def rounded(x: Any) -> Any:
    """Return what is left of numbers in bfloat16."""
    return x.to(dtypes.bfloat16).to(dtypes.float32)


def shrunk(m: Any, p: Any, along: Any, keep: Any, size: Any) -> tuple:
    """The formula of a step: the new p."""
    return (p * keep - along * size,)
