"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineal.base import dtypes
from lineal.ops import zeros_like
from lineal.optim.optimizer import Optimizer, check_option
from lineal.tensors import tensor


class RMSprop(Optimizer):
    """v ← α v + (1-α) g², p ← p - lr g / (√v + ε); with `centered`, v - m² with the running mean m of g stands for v.

    Hinton (2012), lecture 6 of Neural Networks for Machine Learning; centred: Graves (2013), arXiv:1308.0850. With
    momentum μ, b ← μ b + g / (√v + ε) and p ← p - lr b. `foreach` and `capturable` change nothing.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-2,
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
        options = {"learning rate": lr, "epsilon value": eps, "momentum value": momentum}
        for what, value in {**options, "weight_decay value": weight_decay, "alpha value": alpha}.items():
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

    def _state_of(self, parameter: Any, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
            state["step"] = tensor(0.0, dtype=dtypes.float32)
            state.update({name: zeros_like(parameter.detach()) for name, needed in wanted.items() if needed})
        return state

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state = self._state_of(parameter, group)
        alpha = group["alpha"]
        state["step"].add_(1)
        if group["weight_decay"] != 0:
            grad = grad + parameter * group["weight_decay"]
        v = state["square_avg"].mul_(alpha).add_(grad * grad.conj() * (1 - alpha))
        if group["centered"]:
            m = state["grad_avg"].lerp_(grad, 1 - alpha)
            v = v - m * m
        direction = grad / (v.sqrt() + group["eps"])
        if group["momentum"] > 0:
            direction = state["momentum_buffer"].mul_(group["momentum"]).add_(direction)
        parameter.sub_(direction * group["lr"])
