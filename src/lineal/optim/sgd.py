"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineal.optim.optimizer import Optimizer, check_option


class SGD(Optimizer):
    """p ← p - lr d with d = g + weight_decay p, and with momentum μ: v ← μ v + (1 - dampening) d, p ← p - lr v.

    With `nesterov`, p ← p - lr (d + μ v). `foreach` and `fused` are accepted for PyTorch's sake and change nothing.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        check_option("learning rate", lr >= 0, lr)
        check_option("momentum value", momentum >= 0, momentum)
        check_option("weight_decay value", weight_decay >= 0, weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
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

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        if group["weight_decay"] != 0:
            grad = grad + parameter * group["weight_decay"]
        momentum = group["momentum"]
        if momentum != 0:
            state = self.state[parameter]
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = grad.detach().clone()
            else:
                velocity.mul_(momentum).add_(grad * (1 - group["dampening"]))
            grad = grad + velocity * momentum if group["nesterov"] else velocity
        parameter.sub_(grad * group["lr"])
