"""ASGD."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Update, counted, counter, number_of, put
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_option, check_rate

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """p ← (1 - λ η) p - η g, a ← a + μ (p - a), with η = lr / (1 + λ lr t)^α and μ = 1 / max(1, t - t₀).

    Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging; the average a is `state[p]["ax"]`.
    `foreach` and `capturable` are accepted for PyTorch's sake and change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        check_rate(lr)
        check_option("weight_decay value", weight_decay >= 0, weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update:
        state, lr, lambd, decay = self.state[parameter], group["lr"], group["lambd"], group["weight_decay"]
        if not state:
            state.update(step=counter(), eta=counter(), mu=counter(1.0), ax=zeros_like(parameter.detach()))
            put(state["eta"], lr)
        t, eta, mu = counted(state["step"]), number_of(state["eta"]), number_of(state["mu"])
        put(state["eta"], lr / (1 + lambd * lr * t) ** group["alpha"])
        since = t - group["t0"]
        put(state["mu"], 1 / (max(1.0, since) if isinstance(since, float) else since.clamp(min=1)))
        formula = averaged(bool(decay != 0), mu == 1 if isinstance(mu, float) else None)
        return Update("asgd", formula, (parameter, state["ax"], grad), (1 - lambd * eta, eta, mu, decay), 2)


@functools.cache
def averaged(decays: bool, begins: bool | None) -> Callable[..., tuple]:
    """Return the formula of a step: the new p and a, which is p where μ = 1; None for `begins`: μ says so."""

    def formula(m: Any, p: Any, a: Any, g: Any, keep: Any, eta: Any, mu: Any, decay: Any) -> tuple:
        g = g + p * decay if decays else g
        p = p * keep - g * eta
        if begins:
            return p, p
        mean = a + (p - a) * mu
        return p, mean if begins is False else m.where(mu == 1, p, mean)

    return formula
