"""RAdam."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Rule
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_betas, check_option, check_rate

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """Adam that divides by √v̂ only where v has seen enough: p ← p - lr m̂ r / (√v̂ + ε) if ρₜ > 5, else p ← p - lr m̂.

    r = √((ρₜ-4)(ρₜ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρₜ)), ρ∞ = 2/(1-β₂) - 1, ρₜ = ρ∞ - 2tβ₂ᵗ/(1-β₂ᵗ): Liu et al. (2020), arXiv:1908.03265.
    Weight decay is added to g, or, with `decoupled_weight_decay`, taken from p directly. `foreach` and `capturable` change
    nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        check_rate(lr)
        check_option("epsilon value", eps >= 0, eps)
        check_betas(betas)
        check_option("weight_decay value", weight_decay >= 0, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state.update({name: zeros_like(parameter.detach()) for name in STATE})

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        lr, decay, decoupled = group["lr"], group["weight_decay"], group["decoupled_weight_decay"]
        beta1, beta2 = group["betas"]
        rectified, scale = rectification(beta2, t)
        shares = beta1, 1 - beta1, beta2, 1 - beta2
        numbers = (*shares, lr / (1 - beta1**t), scale, group["eps"], 1 - lr * decay if decoupled else decay)
        return Rule("radam", moments(bool(decay != 0), decoupled, rectified), STATE, numbers)


STATE = ("exp_avg", "exp_avg_sq")


def rectification(beta2: Any, t: Any) -> tuple[bool | None, Any]:
    """Return whether v has seen enough after t steps, and r √(1-β₂ᵗ); where t is a tensor, None and 0 if it has not."""
    bias, most = 1 - beta2**t, 2 / (1 - beta2) - 1
    length = most - 2 * t * beta2**t / bias
    if isinstance(length, float) and not length > 5:
        return False, 0.0
    square = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length) * bias
    if isinstance(square, float):
        return True, math.sqrt(square)
    return None, square.where(length > 5, 0.0).sqrt()


@functools.cache
def moments(decays: bool, decoupled: bool, rectified: bool | None) -> Callable[..., tuple]:
    """Return the formula of a step: the new p, m and v; with None for `rectified`, the scale says by 0 that it is not."""

    def formula(f: Any, p: Any, m: Any, v: Any, g: Any, *numbers: Any) -> tuple:
        keep1, share1, keep2, share2, size, scale, eps, decay = numbers
        if decays and decoupled:
            p = p * decay
        elif decays:
            g = g + p * decay
        m = m * keep1 + g * share1
        v = v * keep2 + g * g * share2
        if rectified is False:
            return p - m * size, m, v
        factor = scale / (f.sqrt(v) + eps)
        return p - m * size * (factor if rectified else f.where(scale > 0, factor, 1.0)), m, v

    return formula
