"""NAdam."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Update, counted, counter, number_of
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_betas, check_option, check_rate

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Adam that looks ahead: p ← p - lr ((1-μₜ) g / (1-Πμ) + μₜ₊₁ m / (1-μₜ₊₁ Πμ)) / (√v̂ + ε), μₜ = β₁ (1 - 0.96^(tψ) / 2).

    Dozat (2016), Incorporating Nesterov Momentum into Adam; ψ is `momentum_decay`, Πμ the product of μ₁ to μₜ. Weight decay
    is added to g, or, with `decoupled_weight_decay`, taken from p directly. `foreach` and `capturable` change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_option("momentum_decay value", momentum_decay >= 0, momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update:
        state = self.state[parameter]
        if not state:
            state["step"], state["mu_product"] = counter(), counter(1.0)
            state["exp_avg"] = zeros_like(parameter.detach())
            state["exp_avg_sq"] = zeros_like(parameter.detach())
        lr, decay, decoupled = group["lr"], group["weight_decay"], group["decoupled_weight_decay"]
        (beta1, beta2), t = group["betas"], counted(state["step"])
        mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (n * group["momentum_decay"])) for n in (t, t + 1))
        state["mu_product"].mul_(mu if isinstance(mu, float) else mu.to(state["mu_product"].dtype))
        product = number_of(state["mu_product"])
        along_g, along_m = lr * (1 - mu) / (1 - product), lr * ahead / (1 - product * ahead)
        root = 1 - beta2**t
        root = math.sqrt(root) if isinstance(root, float) else root.sqrt()
        tensors = parameter, state["exp_avg"], state["exp_avg_sq"], grad
        ways = beta1, 1 - beta1, beta2, 1 - beta2, along_g, along_m
        numbers = (*ways, root, group["eps"], 1 - lr * decay if decoupled else decay)
        return Update("nadam", ahead_of(bool(decay != 0), decoupled), tensors, numbers, 3)


@functools.cache
def ahead_of(decays: bool, decoupled: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p, m and v."""

    def formula(f: Any, p: Any, m: Any, v: Any, g: Any, *numbers: Any) -> tuple:
        keep1, share1, keep2, share2, along_g, along_m, root, eps, decay = numbers
        if decays and decoupled:
            p = p * decay
        elif decays:
            g = g + p * decay
        m = m * keep1 + g * share1
        v = v * keep2 + g * g * share2
        denominator = f.sqrt(v) / root + eps
        return p - (g * along_g + m * along_m) / denominator, m, v

    return formula
