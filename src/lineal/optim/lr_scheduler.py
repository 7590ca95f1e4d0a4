"""Schedulers: the learning rate as a function of the epoch."""

from __future__ import annotations

import math
import types
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from lineal.core import AbstractTensor
from lineal.optim.optimizer import Optimizer


class LRScheduler:
    """The base of schedulers: call `step()` after each epoch; a subclass says in `get_lr` what the rates then are."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", plain(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler "
                    f"with last_epoch >= 0: got last_epoch = {last_epoch}"
                )
        self.optimizer = optimizer
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._last_lr: list[Any] = []
        self._is_initial = True
        self._advance()
        self._is_initial = False

    @abstractmethod
    def get_lr(self) -> list[float]:
        """Return the rate of each group for `self.last_epoch`, which has just grown by one."""

    def get_last_lr(self) -> list[float]:
        """Return the rates set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or to `epoch`) and set the groups' rates."""
        counts_steps = type(self.optimizer).step is Optimizer.step
        if self._step_count == 1 and counts_steps and self.optimizer.steps_taken == 0:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate is skipped; "
                "call optimizer.step() first",
                stacklevel=2,
            )
        if epoch is not None:
            warnings.warn("step(epoch) is deprecated: call scheduler.step() without an epoch", stacklevel=2)
        self._advance(epoch)

    def _advance(self, epoch: int | None = None) -> None:
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self.closed_form()
        for group, rate in zip(self.optimizer.param_groups, rates):
            if isinstance(group["lr"], AbstractTensor):
                group["lr"].fill_(rate)  # type: ignore[attr-defined]
            else:
                group["lr"] = rate
        self._last_lr = [plain(group["lr"]) for group in self.optimizer.param_groups]

    def closed_form(self) -> list[float]:
        """Return the rates for `self.last_epoch` without those of the epoch before; by default what `get_lr` says."""
        return self.get_lr()

    def rates(self) -> list[Any]:
        """Return the groups' rates as they are now."""
        return [plain(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict()` returned."""
        self.__dict__.update(state_dict)


def plain(rate: Any) -> Any:
    """Return a rate that may be a tensor, as a value of its own."""
    return rate.clone() if isinstance(rate, AbstractTensor) else rate  # type: ignore[attr-defined]


class StepLR(LRScheduler):
    """Multiply the rate by `gamma` every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self.rates()
        return [rate * self.gamma for rate in self.rates()]

    def closed_form(self) -> list[float]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply the rate by `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self.rates() if self._is_initial else [rate * self.gamma for rate in self.rates()]

    def closed_form(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Lower the rate to `eta_min` along half a cosine of `T_max` epochs.

    Loshchilov and Hutter (2017), arXiv:1608.03983. Each
    rate follows from the one before, so that a rate changed from outside keeps its factor.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        epoch, span = self.last_epoch, self.T_max
        if self._is_initial:
            return self.rates()
        if (epoch - 1 - span) % (2 * span) == 0:
            # At the bottom the ratio to the epoch before would be 0/0: the first step up is taken from the base.
            rise = (1 - math.cos(math.pi / span)) / 2
            return [rate + (base - self.eta_min) * rise for rate, base in zip(self.rates(), self.base_lrs)]
        ratio = (1 + math.cos(math.pi * epoch / span)) / (1 + math.cos(math.pi * (epoch - 1) / span))
        return [ratio * (rate - self.eta_min) + self.eta_min for rate in self.rates()]

    def _at(self, base: float, epoch: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2

    def closed_form(self) -> list[float]:
        return [self._at(base, self.last_epoch) for base in self.base_lrs]


class LambdaLR(LRScheduler):
    """Set the rate to the initial one times `lr_lambda(epoch)`; one function for all groups or one for each."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ):
        count = len(optimizer.param_groups)
        if callable(lr_lambda):
            self.lr_lambdas = [lr_lambda] * count
        elif len(lr_lambda) != count:
            raise ValueError(f"LambdaLR: expected {count} lr_lambdas, got {len(lr_lambda)}")
        else:
            self.lr_lambdas = list(lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * factor(self.last_epoch) for base, factor in zip(self.base_lrs, self.lr_lambdas)]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer; of the lambdas, only the attributes of callable objects."""
        state = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(each, types.FunctionType) else dict(vars(each)) for each in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict()` returned; functions stay those given to the constructor."""
        state = dict(state_dict)
        for mine, saved in zip(self.lr_lambdas, state.pop("lr_lambdas")):
            if saved is not None:
                vars(mine).update(saved)
        super().load_state_dict(state)
