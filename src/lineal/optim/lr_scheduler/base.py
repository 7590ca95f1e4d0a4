"""What all schedulers share: the groups' rates, set anew at each step."""

from __future__ import annotations

import warnings
from abc import abstractmethod
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
        self.begin()

    def begin(self) -> None:
        """Take the step to the first epoch, which leaves rates that follow from the ones before as they are."""
        self._is_initial = True
        self.advance()
        self._is_initial = False

    @abstractmethod
    def get_lr(self) -> list[float]:
        """Return the rate of each group for `self.last_epoch`, which has just grown by one."""

    def get_last_lr(self) -> list[float]:
        """Return the rates set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or to `epoch`) and set the groups' rates."""
        called = self.optimizer._opt_called
        if self._step_count == 1 and not called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate is skipped; "
                "call optimizer.step() first",
                stacklevel=2,
            )
        if epoch is not None:
            warnings.warn("step(epoch) is deprecated: call scheduler.step() without an epoch", stacklevel=2)
        self.advance(epoch)

    def advance(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of `epoch`."""
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self.closed_form()
        for group, rate in zip(self.optimizer.param_groups, rates):
            self.put(group, rate)
        self._last_lr = [plain(group["lr"]) for group in self.optimizer.param_groups]

    @staticmethod
    def put(group: dict[str, Any], rate: Any) -> None:
        """Set a group's rate; a tensor stays the same tensor, which a compiled step may hold."""
        if isinstance(group["lr"], AbstractTensor):
            group["lr"].fill_(rate)  # type: ignore[attr-defined]
        else:
            group["lr"] = rate

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
