"""What all schedulers share: the groups' rates, set anew at each step."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from lineal.core import AbstractTensor
from lineal.optim.optimizer import Optimizer
from lineal.optim.options import scalar

__all__ = ["EPOCH_DEPRECATION_WARNING", "LRScheduler", "check_optimizer", "for_groups", "plain", "put", "within_step"]

F = TypeVar("F", bound=Callable[..., Any])

EPOCH_DEPRECATION_WARNING = (
    "step(epoch) is deprecated: call scheduler.step() without an epoch. With one, the rates are those of the closed form, "
    "where there is one, which need not be those that single steps lead to."
)
ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate is skipped; "
    "call optimizer.step() first"
)
OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization; "
    "please make sure that optimizer.step() is called before lr_scheduler.step()"
)


class LRScheduler:
    """The base of schedulers: call `step()` after each epoch; a subclass says in `get_lr` what the rates then are.

    It may say in `_get_closed_form_lr` what they are without those of the epoch before.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        check_optimizer(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", plain(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler "
                    f"with last_epoch >= 0: got last_epoch = {last_epoch}"
                )
        self.optimizer = optimizer
        self.base_lrs = [plain(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        optimizer.__dict__["_scheduled_step"] = optimizer.__dict__.get("step")
        self._initial_step()

    def _initial_step(self) -> None:
        """Take the step to the first epoch, which leaves rates that follow from the ones before as they are."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[float]:
        """Return the rate of each group for `self.last_epoch`, which has just grown by one."""
        raise NotImplementedError(f"{type(self).__name__} has no rates")

    def get_last_lr(self) -> list[float]:
        """Return the rates set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or to `epoch`) and set the groups' rates."""
        if self._step_count == 1:
            own = vars(self.optimizer)
            if own.get("step") is not own.get("_scheduled_step"):
                warnings.warn(OVERRIDDEN, UserWarning, stacklevel=2)
            elif not self.optimizer._opt_called and own.get("step") is None:
                warnings.warn(ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of `epoch`."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        way = self.get_lr if epoch is None else getattr(self, "_get_closed_form_lr", self.get_lr)
        self._take_(way)

    def _take_(self, rates: Callable[[], list[float]]) -> None:
        """Set the groups' rates to those that a method returns."""
        self._get_lr_called_within_step = True
        try:
            found = rates()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, found, strict=True):
            put(group, rate)
        self._last_lr = self._rates_()

    def _rates_(self) -> list[Any]:
        """Return the groups' rates as they are now."""
        return [plain(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict()` returned."""
        self.__dict__.update(state_dict)


_LRScheduler = LRScheduler


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def within_step(get_lr: F) -> F:
    """Return a `get_lr` that warns when a user calls it: the rates that it returns are the next ones."""

    @functools.wraps(get_lr)
    def watched(self: Any) -> Any:
        if not self._get_lr_called_within_step:
            message = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."
            warnings.warn(message, UserWarning, stacklevel=2)
        return get_lr(self)

    return watched  # type: ignore[return-value]


def plain(rate: Any) -> Any:
    """Return a rate that may be a tensor, as a value of its own."""
    return rate.clone() if isinstance(rate, AbstractTensor) else rate  # type: ignore[attr-defined]


def put(group: dict[str, Any], rate: Any) -> None:
    """Set a group's rate; a tensor stays the same tensor, which a compiled step may hold."""
    if isinstance(group["lr"], AbstractTensor):
        group["lr"].fill_(scalar(rate))  # type: ignore[attr-defined]
    else:
        group["lr"] = rate


def put_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set a group's momentum, or its first beta if it has betas."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def for_groups(name: str, optimizer: Optimizer, given: Any) -> list[Any]:
    """Return an option's value for each of the groups; ValueError if a sequence has another length."""
    groups = len(optimizer.param_groups)
    values = list(given) if isinstance(given, (list, tuple)) else [given] * groups
    if len(values) != groups:
        raise ValueError(f"{name}: expected a value for each of {groups} param_groups, got {len(values)}")
    return [plain(each) for each in values]


def start_momentum(scheduler: Any, base_momentum: Any, max_momentum: Any, last_epoch: int) -> tuple[list[Any], list[Any]]:
    """Return the least and the greatest momentum of each group; ValueError if the optimizer has no momentum."""
    optimizer = scheduler.optimizer
    if not {"momentum", "betas"} & set(optimizer.defaults):
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    scheduler.use_beta1 = "betas" in optimizer.defaults
    least, most = for_groups("base_momentum", optimizer, base_momentum), for_groups("max_momentum", optimizer, max_momentum)
    if last_epoch == -1:
        for group, low, high in zip(optimizer.param_groups, least, most):
            put_momentum(group, high)
            group["max_momentum"], group["base_momentum"] = high, low
    return least, most
