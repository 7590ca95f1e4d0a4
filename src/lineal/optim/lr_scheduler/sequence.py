"""Schedulers that are made of others: one after the other, and all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lineal.optim.lr_scheduler.base import LRScheduler, plain, put
from lineal.optim.lr_scheduler.plateau import ReduceLROnPlateau
from lineal.optim.optimizer import Optimizer


class OfSchedulers(LRScheduler):
    """A scheduler made of others, for one optimizer."""

    _schedulers: Sequence[LRScheduler]

    def _check_(self, optimizer: Any, schedulers: Sequence[Any]) -> None:
        """Refuse schedulers of another optimizer, and those that want to hear a value."""
        name = type(self).__name__
        for number, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {number} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{name}: schedulers[{number}] is a ReduceLROnPlateau, whose step wants a value")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{name}: expected schedulers of one optimizer, but schedulers[{number}] has another")

    def get_lr(self) -> list[float]:
        name = type(self).__name__
        raise NotImplementedError(f"{name} has no rates of its own: in another scheduler it can be first, but not begin later")

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


class SequentialLR(OfSchedulers):
    """Use `schedulers` one after the other; each but the first begins at its epoch in `milestones`."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ):
        if len(schedulers) < 1:
            raise ValueError("SequentialLR: expected at least one scheduler, got none")
        self._check_(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: expected one milestone less than schedulers, got {len(milestones)} and {len(schedulers)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each scheduler has taken its first step when it was made: all but that of the first are undone.
        for group in optimizer.param_groups:
            put(group, plain(group["initial_lr"]))
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: Any = None) -> None:
        """Take back the first step of all schedulers, or of those of `sched`."""
        of = self if sched is None else sched
        if hasattr(of, "_schedulers"):
            for each in of._schedulers:
                self.recursive_undo(each)
        elif hasattr(of, "last_epoch"):
            of.last_epoch -= 1

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch and let its scheduler set the rates."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[place]
        if place > 0 and self._milestones[place - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(OfSchedulers):
    """Let all `schedulers` take each step, one after the other, so that their factors multiply."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None):
        if len(schedulers) < 1:
            raise ValueError("ChainedScheduler: expected at least one scheduler, got none")
        optimizer = optimizer or schedulers[0].optimizer
        self._check_(optimizer, schedulers)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = self._rates_()

    def step(self) -> None:  # type: ignore[override]
        """Let each scheduler go to its next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates_()
