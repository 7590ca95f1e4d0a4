"""SparseAdam."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.optim.change import Update
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_betas, check_option, check_rate

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for gradients that are sparse, which no gradient is here: its step refuses each, as PyTorch's refuses dense ones.

    `Adam` takes the gradient of an embedding as it is.
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

    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update:
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
