"""Stochastic gradient descent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.optim.change import Rule, Update
from lineal.optim.entries import add_entries
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_option, check_rate, check_ways

__all__ = ["SGD"]


class SGD(Optimizer):
    """p ← p - lr d with d = g + weight_decay p, and with momentum μ: v ← μ v + (1 - dampening) d, p ← p - lr v.

    With `nesterov`, p ← p - lr (d + μ v). `foreach` and `fused` are accepted for PyTorch's sake and change nothing.
    """

    _counts_ = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        check_rate(lr)
        check_option("momentum value", momentum >= 0, momentum)
        check_option("weight_decay value", weight_decay >= 0, weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_ways(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update | None:
        decay, momentum = group["weight_decay"], group["momentum"]
        if not momentum or self.state[parameter].get("momentum_buffer") is not None:
            return super()._update_(parameter, grad, group)
        grad = grad + parameter * decay if decay != 0 else grad
        velocity = self.state[parameter]["momentum_buffer"] = grad.detach().clone()
        grad = grad + velocity * momentum if group["nesterov"] else velocity
        return Update("sgd", descent(False), (parameter, grad), (group["lr"], decay), 1)

    _by_rule_ = staticmethod(_update_)

    def _sparse_update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        if group["weight_decay"] != 0:
            raise RuntimeError("SGD: weight_decay is not supported with sparse gradients, which it would make dense")
        momentum = group["momentum"]
        if momentum:
            before = self.state[parameter].get("momentum_buffer")
            velocity = grad if before is None else before * momentum + grad * (1 - group["dampening"])
            self.state[parameter]["momentum_buffer"] = velocity
            grad = grad + velocity * momentum if group["nesterov"] else velocity
        add_entries(parameter, grad, grad.entries * -group["lr"])

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        lr, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        if not momentum:
            return Rule("sgd", descent(bool(decay != 0)), (), (lr, decay))
        numbers = (lr, decay, momentum, 1 - group["dampening"])
        return Rule("sgd", rolling(bool(decay != 0), group["nesterov"]), ("momentum_buffer",), numbers)


@functools.cache
def descent(decays: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p."""

    def formula(m: Any, p: Any, g: Any, lr: Any, decay: Any) -> tuple:
        return (p - (g + p * decay if decays else g) * lr,)

    return formula


@functools.cache
def rolling(decays: bool, nesterov: bool) -> Callable[..., tuple]:
    """Return the formula of a step with momentum: the new p and v."""

    def formula(m: Any, p: Any, v: Any, g: Any, lr: Any, decay: Any, momentum: Any, share: Any) -> tuple:
        g = g + p * decay if decays else g
        v = v * momentum + g * share
        return p - (g + v * momentum if nesterov else v) * lr, v

    return formula
