"""Adadelta."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Rule
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_option, check_rate

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """v ← ρ v + (1-ρ) g², d = √(u + ε) / √(v + ε) · g, u ← ρ u + (1-ρ) d², p ← p - lr d.

    Zeiler (2012), arXiv:1212.5701. `foreach` and `capturable` are accepted for PyTorch's sake and change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check_rate(lr)
        check_option("rho value", 0 <= rho <= 1, rho)
        check_option("epsilon value", eps >= 0, eps)
        check_option("weight_decay value", weight_decay >= 0, weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state.update({name: zeros_like(parameter.detach()) for name in STATE})

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        rho, decay = group["rho"], group["weight_decay"]
        return Rule("adadelta", compared(bool(decay != 0)), STATE, (rho, 1 - rho, group["eps"], group["lr"], decay))


STATE = ("square_avg", "acc_delta")


@functools.cache
def compared(decays: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p, v and u."""

    def formula(m: Any, p: Any, v: Any, u: Any, g: Any, keep: Any, share: Any, eps: Any, lr: Any, decay: Any) -> tuple:
        g = g + p * decay if decays else g
        v = v * keep + g * g * share
        d = m.sqrt(u + eps) / m.sqrt(v + eps) * g
        return p - d * lr, v, u * keep + d * d * share

    return formula
