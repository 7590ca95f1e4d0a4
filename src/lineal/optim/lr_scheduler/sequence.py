"""The scheduler that is one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lineal.optim.lr_scheduler.base import LRScheduler, plain
from lineal.optim.optimizer import Optimizer


class SequentialLR(LRScheduler):
    """Use `schedulers` one after the other; each but the first begins at its epoch in `milestones`."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ):
        if len(schedulers) < 1:
            raise ValueError("SequentialLR: expected at least one scheduler, got none")
        for number, scheduler in enumerate(schedulers):
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"SequentialLR: expected schedulers of one optimizer, but schedulers[{number}] has another")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: expected one milestone less than schedulers, got {len(milestones)} and {len(schedulers)}"
            )
        self._schedulers = list(schedulers)
        self._milestones = list(milestones)
        self.optimizer = optimizer
        self.last_epoch = last_epoch + 1
        # Each scheduler has taken its first step when it was made: all but that of the first are undone.
        for group in optimizer.param_groups:
            self.put(group, plain(group["initial_lr"]))
        for scheduler in self._schedulers:
            scheduler.last_epoch -= 1
        self._schedulers[0].begin()
        self._last_lr = self._schedulers[0].get_last_lr()

    def get_lr(self) -> list[float]:
        return self.rates()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch and let its scheduler set the rates."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[place]
        begins = place > 0 and self._milestones[place - 1] == self.last_epoch
        scheduler.advance(0 if begins else None)
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer, with the states of the schedulers."""
        state = super().state_dict()
        return {**state, "_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict()` returned."""
        state = dict(state_dict)
        for mine, saved in zip(self._schedulers, state.pop("_schedulers")):
            mine.load_state_dict(saved)
        super().load_state_dict(state)
