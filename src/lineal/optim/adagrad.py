"""Adagrad."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import full_like
from lineal.optim.change import Rule, counted
from lineal.optim.entries import add_entries, entries_of, put_entries
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_option, check_rate, check_ways

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """s ← s + g², p ← p - lr / (1 + (t-1) lr_decay) · g / (√s + ε).

    Duchi, Hazan and Singer (2011), JMLR 12. `foreach` and `fused` are accepted for PyTorch's sake and change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        check_rate(lr)
        options = {"lr_decay value": lr_decay, "weight_decay value": weight_decay}
        options |= {"initial_accumulator_value value": initial_accumulator_value, "epsilon value": eps}
        for what, value in options.items():
            check_option(what, value >= 0, value)
        check_ways(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for parameter in group["params"]:
                self._state_of_(parameter, None, group)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        # both parts of a complex parameter begin with the value
        begin = group["initial_accumulator_value"] * (1 + 1j if parameter.is_complex() else 1)
        state["sum"] = full_like(parameter.detach(), begin)

    def _sparse_update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        state, grad = self._state_of_(parameter, grad, group), grad.coalesce()
        t = counted(state["step"])
        sums = entries_of(state["sum"], grad) + grad.entries.square()
        put_entries(state["sum"], grad, sums)
        size = group["lr"] / ((t - 1) * group["lr_decay"] + 1)
        add_entries(parameter, grad, grad.entries * -size / (sums.sqrt() + group["eps"]))

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        decay = group["weight_decay"]
        size = group["lr"] / ((t - 1) * group["lr_decay"] + 1)
        return Rule("adagrad", gathered(bool(decay != 0)), ("sum",), (size, group["eps"], decay))


@functools.cache
def gathered(decays: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p and s."""

    def formula(m: Any, p: Any, s: Any, g: Any, size: Any, eps: Any, decay: Any) -> tuple:
        g = g + p * decay if decays else g
        s = s + g * g
        return p - g * size / (m.sqrt(s) + eps), s

    return formula
