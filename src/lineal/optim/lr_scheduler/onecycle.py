"""The scheduler that raises the rate once and lowers it once, and the momentum the other way round."""

from __future__ import annotations

import math
from typing import Any

from lineal.optim.lr_scheduler.base import LRScheduler
from lineal.optim.optimizer import Optimizer


def cosine(start: float, end: float, share: float) -> float:
    """Return the value at `share` of the way from start to end along half a cosine."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def linear(start: float, end: float, share: float) -> float:
    """Return the value at `share` of the straight way from start to end."""
    return (end - start) * share + start


class OneCycleLR(LRScheduler):
    """From max_lr/div_factor up to max_lr in the share `pct_start` of the steps, then down; one `step()` per batch.

    The end is max_lr/(div_factor final_div_factor); with `three_phase` the way down passes the start at the same pace.
    The momentum (Adam's first beta) goes from max_momentum to base_momentum and back.  Smith and Topin (2017),
    arXiv:1708.07120.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: expected pct_start between 0 and 1, got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.optimizer = optimizer
        self.total_steps = counted(total_steps, epochs, steps_per_epoch)
        self.pct_start = pct_start
        self.three_phase = three_phase
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, self.each("max_lr", max_lr)):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self._start_momentum(last_epoch, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def _start_momentum(self, last_epoch: int, base_momentum: Any, max_momentum: Any) -> None:
        if not {"momentum", "betas"} & set(self.optimizer.defaults):
            raise ValueError("OneCycleLR: the optimizer must have momentum or beta1 when cycle_momentum is True")
        self.use_beta1 = "betas" in self.optimizer.defaults
        bounds = self.each("base_momentum", base_momentum), self.each("max_momentum", max_momentum)
        if last_epoch == -1:
            for group, low, high in zip(self.optimizer.param_groups, *bounds):
                group["base_momentum"], group["max_momentum"] = low, high

    def each(self, name: str, given: Any) -> list[Any]:
        """Return an option's value for each of the groups."""
        groups = len(self.optimizer.param_groups)
        values = list(given) if isinstance(given, (list, tuple)) else [given] * groups
        if len(values) != groups:
            raise ValueError(f"OneCycleLR: expected {groups} values for {name}, got {len(values)}")
        return values

    def phases(self) -> list[tuple[float, str, str, str, str]]:
        """Return each phase's last step, first and last rate, first and last momentum."""
        steps, turn = self.total_steps, self.pct_start * self.total_steps - 1
        up = (turn, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if not self.three_phase:
            return [up, (steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        down = (2 * turn, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        return [up, down, (steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: tried to step {step} times, but total_steps is {self.total_steps}")
        anneal = cosine if self._anneal_func_type == "cos" else linear
        phases = self.phases()
        place = next((place for place, phase in enumerate(phases[:-1]) if step <= phase[0]), len(phases) - 1)
        start = phases[place - 1][0] if place else 0.0
        end, first, last, from_momentum, to_momentum = phases[place]
        share = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(anneal(group[first], group[last], share))
            if self.cycle_momentum:
                self.put_momentum(group, anneal(group[from_momentum], group[to_momentum], share))
        return rates

    def put_momentum(self, group: dict[str, Any], momentum: float) -> None:
        """Set a group's momentum or first beta."""
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


def counted(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """Return the number of steps in all, checked."""
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError("OneCycleLR: expected total_steps, or both epochs and steps_per_epoch")
    given = {"total_steps": total_steps} if total_steps is not None else {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    product = 1
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"OneCycleLR: expected a positive integer for {name}, got {value}")
        product *= value
    return product
