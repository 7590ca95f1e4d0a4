"""Adafactor."""

from __future__ import annotations

from typing import Any

from lineal.base.limits import finfo
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.ops import norm, where, zeros_like
from lineal.optim.change import Update, counted, counter
from lineal.optim.muon import shrunk
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_rate

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """p ← (1 - lr λ) p - α u / max(1, rms(u)/d), where u = g / √v and v is kept as its means over rows and over columns.

    Shazeer and Stern (2018), arXiv:1804.04235. The step is α = max(ε₂, rms(p)) min(lr, 1/√t); means take a share of
    t^`beta2_decay`; v is at least ε₁², by default the square of the distance from 1 to the next number. Tensors of one
    dimension or none keep v itself. Complex parameters are a RuntimeError. `foreach` changes nothing.
    """

    _by_element_ = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        check_rate(lr)
        least = {"epsilon1": eps[0] or 0, "epsilon2": eps[1], "weight_decay": weight_decay}
        for what, value in least.items():
            if not value >= 0:
                raise ValueError(f"{what} should be >= 0 but is: {value}")
        if not beta2_decay <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _state_of_(self, parameter: Any, grad: Any) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = counter()
            if grad.ndim > 1:
                state["row_var"] = zeros_like(grad.detach().mean(-1, keepdim=True))
                state["col_var"] = zeros_like(grad.detach().mean(-2, keepdim=True))
            else:
                state["variance"] = zeros_like(grad.detach())
        return state

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update | None:
        if parameter.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if not grad.numel():
            return None
        state, lr = self._state_of_(parameter, grad), group["lr"]
        t, (eps1, eps2) = counted(state["step"]), group["eps"]
        eps1 = finfo(parameter.dtype).eps if eps1 is None else eps1
        largest = 1 / t**0.5
        is_number = not isinstance(lr < largest, AbstractTensor)
        rate = min(lr, largest) if is_number else where(lr < largest, lr, largest)
        v = variance(state, grad, t ** group["beta2_decay"], eps1)
        u = grad * v.clamp(min=eps1 * eps1).rsqrt()
        size = at_least(eps2, quadratic_mean(parameter.detach())) * rate / at_least(1.0, quadratic_mean(u) / group["d"])
        return Update("adafactor", shrunk, (parameter, u), (1 - lr * group["weight_decay"], size), 1)


def quadratic_mean(x: Any, **along: Any) -> Any:
    """Return √(mean of x²)."""
    y = norm(x, 2, **along)
    return y / (x.numel() / y.numel()) ** 0.5


def at_least(least: float, x: Any) -> Any:
    """Return x, or a number that is greater; that one for NaN, so that one element of a gradient does not spoil all others."""
    return where(x > least, x, least)


def variance(state: dict[str, Any], grad: Any, share: Any, eps: float) -> Any:
    """Let the means of g² take their share of what came now; return what v is according to them."""
    if grad.ndim < 2:
        v = state["variance"]
        return v.add_((grad * grad - v) * share)
    rows, columns = state["row_var"], state["col_var"]
    for means, dim in ((rows, -1), (columns, -2)):
        means.add_((quadratic_mean(grad, dim=dim, keepdim=True).square() - means) * share)
    return rows * columns / rows.mean(-2, keepdim=True).clamp(min=eps)
