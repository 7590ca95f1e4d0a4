"""Schedulers that take a function of the epoch."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from lineal.optim.lr_scheduler.base import LRScheduler, within_step
from lineal.optim.optimizer import Optimizer


class ByFunction(LRScheduler):
    """A scheduler with a function of the epoch, one for all groups or one for each."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1
    ):
        count = len(optimizer.param_groups)
        self.optimizer = optimizer
        if callable(lr_lambda):
            self.lr_lambdas = [lr_lambda] * count
        elif len(lr_lambda) != count:
            raise ValueError(f"{type(self).__name__}: expected {count} lr_lambdas, got {len(lr_lambda)}")
        else:
            self.lr_lambdas = list(lr_lambda)
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer; of the lambdas, only the attributes of callable objects."""
        state = super().state_dict()
        state["lr_lambdas"] = [None if isinstance(each, types.FunctionType) else dict(vars(each)) for each in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict()` returned; functions stay those given to the constructor."""
        state = dict(state_dict)
        for mine, saved in zip(self.lr_lambdas, state.pop("lr_lambdas")):
            if saved is not None:
                vars(mine).update(saved)
        super().load_state_dict(state)


class LambdaLR(ByFunction):
    """Set the rate to the initial one times `lr_lambda(epoch)`; one function for all groups or one for each."""

    @within_step
    def get_lr(self) -> list[float]:
        return [base * factor(self.last_epoch) for base, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(ByFunction):
    """Multiply the rate by `lr_lambda(epoch)` every epoch; one function for all groups or one for each."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1
    ):
        for each in [lr_lambda] if callable(lr_lambda) else lr_lambda:
            if not callable(each):
                raise TypeError(f"lr_lambda should be a function, but got {type(each).__name__}")
        super().__init__(optimizer, lr_lambda, last_epoch)

    @within_step
    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._rates_()
        return [rate * factor(self.last_epoch) for rate, factor in zip(self._rates_(), self.lr_lambdas, strict=True)]
