"""Adam and AdamW."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.ops import zeros_like
from lineal.optim.change import Rule
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_betas, check_option, check_rate, check_ways, scalar

__all__ = ["Adam"]


class Adam(Optimizer):
    """m ← β₁ m + (1-β₁) g, v ← β₂ v + (1-β₂) g², p ← p - lr m̂ / (√v̂ + ε) with m̂ = m / (1-β₁ᵗ), v̂ = v / (1-β₂ᵗ).

    Kingma and Ba (2015), arXiv:1412.6980. With `amsgrad`, v is its own greatest value so far (Reddi et al. 2018).
    Weight decay is added to g, or, with `decoupled_weight_decay`, taken from p directly. `foreach`, `capturable` and
    `fused` are accepted for PyTorch's sake and change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        refuse_tensors(lr, betas, bool(foreach) and not capturable)
        check_rate(lr)
        check_option("epsilon value", eps >= 0, eps)
        check_betas(betas)
        check_option("weight_decay value", weight_decay >= 0, weight_decay)
        check_ways(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "betas": tuple([scalar(each) for each in betas]),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        state.update({name: zeros_like(parameter.detach()) for name in names(group["amsgrad"])})

    def _sparse_update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        beta1, beta2 = group["betas"]
        lr, decay, decoupled = group["lr"], group["weight_decay"], group["decoupled_weight_decay"]
        # t is in float64, which is exact for large t
        size = lr / (1 - beta1**t)
        root = 1 - beta2**t
        root = math.sqrt(root) if isinstance(root, float) else root.sqrt()
        numbers = (beta1, 1 - beta1, beta2, 1 - beta2, size, root, group["eps"], 1 - lr * decay if decoupled else decay)
        return Rule("adam", moments(bool(decay != 0), decoupled, group["amsgrad"]), names(group["amsgrad"]), numbers)


def names(amsgrad: bool) -> tuple[str, ...]:
    """Return the names of the averages that a step changes."""
    return STATE if amsgrad else STATE[:2]


STATE = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")


@functools.cache
def moments(decays: bool, decoupled: bool, amsgrad: bool) -> Callable[..., tuple]:
    """Return the formula of a step: the new p, m, v and, for AMSGrad, the greatest v."""

    def formula(f: Any, p: Any, m: Any, v: Any, *rest: Any) -> tuple:
        *greatest, g, keep1, share1, keep2, share2, size, root, eps, decay = rest
        if decays and decoupled:
            p = p * decay
        elif decays:
            g = g + p * decay
        m = m * keep1 + g * share1
        v = v * keep2 + g * g * share2
        tops: tuple = (f.maximum(greatest[0], v),) if amsgrad else ()
        denominator = f.sqrt(tops[0] if amsgrad else v) / root + eps
        return p - m * size / denominator, m, v, *tops

    return formula


def refuse_tensors(lr: Any, betas: Sequence[Any], in_lists: bool) -> None:
    """Refuse tensors of several elements, one beta alone as a tensor, and tensors for `foreach` without `capturable`."""
    tensors = [isinstance(each, AbstractTensor) for each in (lr, *betas)]
    for what, is_tensor in zip(("lr", "betas[0]", "betas[1]"), tensors):
        if is_tensor and in_lists:
            raise ValueError(f"{what} as a Tensor is not supported for capturable=False and foreach=True")
    if tensors[1] is not tensors[2] or not all(isinstance(each, (float, AbstractTensor)) for each in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    for place, beta in enumerate(betas):
        if isinstance(beta, AbstractTensor) and beta.value.size != 1:
            raise ValueError(f"Tensor betas[{place}] must be 1-element")


class AdamW(Adam):
    """Adam with weight decay taken from the parameters directly: p ← (1 - lr weight_decay) p before each step.

    Loshchilov and Hutter (2019), arXiv:1711.05101.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
