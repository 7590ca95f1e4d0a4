"""The scheduler that raises the rate once and lowers it once, and the momentum the other way round."""

from __future__ import annotations

import math
from typing import Any

from lineal.optim.lr_scheduler.base import LRScheduler, check_optimizer, for_groups, put_momentum, start_momentum, within_step
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
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = counted(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1 or not isinstance(pct_start, float):
            raise ValueError(f"OneCycleLR: expected a float pct_start between 0 and 1, got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self._schedule_phases = phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, for_groups("max_lr", optimizer, max_lr)):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            start_momentum(self, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: tried to step {step} times, but total_steps is {self.total_steps}")
        anneal = cosine if self._anneal_func_type == "cos" else linear
        known = self._schedule_phases
        place = next((place for place, phase in enumerate(known[:-1]) if step <= phase["end_step"]), len(known) - 1)
        start = known[place - 1]["end_step"] if place else 0.0
        phase = known[place]
        share = (step - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(anneal(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                put_momentum(group, anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], share))
        return rates


def phases(steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """Return each phase's last step, first and last rate, first and last momentum."""
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    turn = pct_start * steps - 1
    up = (turn, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    down = (2 * pct_start * steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    out = (steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")
    straight = (steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")
    return [dict(zip(names, each)) for each in ((up, down, out) if three_phase else (up, straight))]


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
