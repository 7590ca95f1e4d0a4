"""Adamax."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Rule
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_betas, check_option, check_rate

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """m ← β₁ m + (1-β₁) g, u ← max(β₂ u, |g| + ε), p ← p - lr / (1-β₁ᵗ) · m / u.

    Kingma and Ba (2015), arXiv:1412.6980, section 7. `foreach` and `capturable` are accepted for PyTorch's sake and change
    nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
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
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state.update({name: zeros_like(parameter.detach()) for name in STATE})

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        beta1, beta2 = group["betas"]
        decay = group["weight_decay"]
        size = group["lr"] / (1 - beta1**t)
        return Rule("adamax", largest(bool(decay != 0)), STATE, (beta1, 1 - beta1, beta2, size, group["eps"], decay))


STATE = ("exp_avg", "exp_inf")


@functools.cache
def largest(decays: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p, m and u."""

    def formula(f: Any, p: Any, m: Any, u: Any, g: Any, *numbers: Any) -> tuple:
        keep, share, fade, size, eps, decay = numbers
        g = g + p * decay if decays else g
        m = m * keep + g * share
        u = f.maximum(u * fade, f.abs(g) + eps)
        return p - m * size / u, m, u

    return formula
