"""Rprop."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops import zeros_like
from lineal.optim.change import Rule
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_option, check_rate

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """p ← p - sign(g) s, where s grows by η₊ while the sign of g stays and shrinks by η₋ when it changes; then p stays once.

    Riedmiller and Braun (1993), A Direct Adaptive Method for Faster Backpropagation Learning. s begins with `lr` and stays
    between `step_sizes`; `etas` is (η₋, η₊). `foreach` and `capturable` are accepted for PyTorch's sake and change nothing.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check_rate(lr)
        check_option("eta values", 0 < etas[0] < 1 < etas[1], f"{etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        # both parts of a complex parameter have a size
        begin = group["lr"] * (1 + 1j if parameter.is_complex() else 1)
        state["prev"] = zeros_like(parameter.detach())
        state["step_size"] = (zeros_like(grad.detach()) + begin).detach()

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        return Rule("rprop", resilient, ("prev", "step_size"), (*group["etas"], *group["step_sizes"]))


def resilient(m: Any, p: Any, before: Any, size: Any, g: Any, shrink: Any, grow: Any, least: Any, most: Any) -> tuple:
    """The formula of a step: the new p, the gradient that the next step compares with, and the new sizes."""
    product = g * before
    size = m.where(product > 0, size * grow, m.where(product < 0, size * shrink, size))
    size = m.where(size < least, least, m.where(size > most, most, size))
    g = m.where(product < 0, 0.0, g)
    return p - m.where(g > 0, size, m.where(g < 0, -size, 0.0)), g, size
