"""RMSprop."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Rule
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_option, check_rate

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """v ← α v + (1-α) g², p ← p - lr g / (√v + ε); with `centered`, v - m² with the running mean m of g stands for v.

    Hinton (2012), lecture 6 of Neural Networks for Machine Learning; centred: Graves (2013), arXiv:1308.0850. With
    momentum μ, b ← μ b + g / (√v + ε) and p ← p - lr b. `foreach` and `capturable` change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check_rate(lr)
        options = {"epsilon value": eps, "momentum value": momentum, "weight_decay value": weight_decay, "alpha value": alpha}
        for what, value in options.items():
            check_option(what, value >= 0, value)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state.update({name: zeros_like(parameter.detach()) for name in names(group)})

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        alpha, decay, momentum = group["alpha"], group["weight_decay"], group["momentum"]
        formula = scaled(bool(decay != 0), group["centered"], bool(momentum > 0))
        return Rule("rmsprop", formula, names(group), (alpha, 1 - alpha, group["eps"], group["lr"], decay, momentum))


def names(group: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the averages that a step changes."""
    wanted = {"square_avg": True, "grad_avg": group["centered"], "momentum_buffer": bool(group["momentum"] > 0)}
    return tuple([name for name, needed in wanted.items() if needed])


@functools.cache
def scaled(decays: bool, centered: bool, moving: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p, v and, where they are wanted, mean of g and direction."""

    def formula(m: Any, p: Any, v: Any, *rest: Any) -> tuple:
        *others, g, keep, share, eps, lr, decay, momentum = rest
        g = g + p * decay if decays else g
        v = v * keep + g * g * share
        means: tuple = (others[0] * keep + g * share,) if centered else ()
        direction = g / (m.sqrt(v - means[0] * means[0] if centered else v) + eps)
        directions: tuple = (others[-1] * momentum + direction,) if moving else ()
        return p - (directions[0] if moving else direction) * lr, v, *means, *directions

    return formula
