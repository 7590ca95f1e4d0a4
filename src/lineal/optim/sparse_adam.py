"""SparseAdam."""

from __future__ import annotations

import math
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Update
from lineal.optim.entries import add_entries, entries_of, put_entries
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_betas, check_option, check_rate

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients, as those of `Embedding(sparse=True)`: m, v and p change at the entries of g alone.

    m ← m + (1 - β₁)(g - m), v ← v + (1 - β₂)(g² - v), p ← p - lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε). Dense ones are refused.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ):
        check_rate(lr)
        check_option("learning rate", lr > 0, lr)
        check_option("epsilon value", eps > 0, eps)
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        groups = enumerate(self.param_groups)
        wrong = [[n, k] for n, group in groups for k, each in enumerate(group["params"]) if each.is_complex()]
        if wrong:
            raise ValueError(f"Complex params at indices {wrong}: SparseAdam does not support complex parameters")

    def _sparse_update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state, grad = self.state[parameter], grad.coalesce()
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(parameter.detach()), zeros_like(parameter.detach())
        state["step"] += 1
        t, (first, second) = state["step"], group["betas"]
        g, averages = grad.entries, []
        for name, new, beta in (("exp_avg", g, first), ("exp_avg_sq", g.square(), second)):
            old = entries_of(state[name], grad)
            averages.append(old + (new - old) * (1 - beta))
            put_entries(state[name], grad, averages[-1])
        size = group["lr"] * math.sqrt(1 - second**t) / (1 - first**t)
        add_entries(parameter, grad, averages[0] * -size / (averages[1].sqrt() + group["eps"]))

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update:
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
