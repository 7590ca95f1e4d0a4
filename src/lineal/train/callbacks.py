"""Callbacks: what else happens in a run. Each hook is given the trainer, and the numbers there are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal.data import load, save

if TYPE_CHECKING:
    from lineal.train.trainer import Trainer

__all__ = ["Callback", "EarlyStopping", "KeepBest"]

Line = dict[str, float]


class Callback:
    """The base of callbacks: override what is to be heard of. What `state_dict` returns is kept in checkpoints."""

    def begin(self, trainer: Trainer) -> None:
        """Called when a run begins or goes on."""

    def begin_epoch(self, trainer: Trainer) -> None:
        """Called before an epoch; not before one that is gone on with."""

    def step(self, trainer: Trainer, loss: float) -> None:
        """Called after each step, with its loss; `trainer.tally.line()` has the means of this epoch."""

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        """Called after an epoch, with its line of the history, before its checkpoint is written."""

    def save(self, trainer: Trainer) -> None:
        """Called before a checkpoint is written: what is in files by now will not be made again."""

    def end(self, trainer: Trainer) -> None:
        """Called when a run ends, be it by an error."""

    def state_dict(self) -> dict[str, Any]:
        """Return what the callback must know again when the run is resumed."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` returned."""
        vars(self).update(state_dict)


class Best:
    """The best value so far of one number of the history."""

    def __init__(self, monitor: str, greater: bool, least: float = 0.0):
        self.monitor, self.greater, self.least = monitor, greater, least
        self.value = -math.inf if greater else math.inf

    def improves(self, line: Line) -> bool:
        """Take in a line of the history; return whether it is better by more than `least`; ValueError without the number."""
        if self.monitor not in line:
            raise ValueError(f"monitor: expected one of {', '.join(line)}, got {self.monitor!r}")
        now = line[self.monitor]
        better = now > self.value + self.least if self.greater else now < self.value - self.least
        if better:
            self.value = now
        return better


class EarlyStopping(Callback):
    """Ends a run when `monitor` has not become better, by more than `least`, for `patience` epochs."""

    def __init__(self, monitor: str = "test_loss", patience: int = 5, greater: bool = False, least: float = 0.0):
        if patience < 1:
            raise ValueError(f"EarlyStopping: expected a patience of 1 or more, got {patience}")
        self.best, self.patience, self.waited = Best(monitor, greater, least), patience, 0

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        self.waited = 0 if self.best.improves(line) else self.waited + 1
        if self.waited >= self.patience:
            trainer.stop(f"{self.best.monitor} has not improved for {self.patience} epochs")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best.value, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best.value, self.waited = state_dict["best"], state_dict["waited"]


class KeepBest(Callback):
    """Keeps the weights with which `monitor` was best, in a file of their own."""

    def __init__(self, path: str | Path, monitor: str = "test_loss", greater: bool = False):
        self.path, self.best = Path(path), Best(monitor, greater)

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        if self.best.improves(line):
            save(trainer.weights(), self.path)

    def restore(self, trainer: Trainer) -> None:
        """Give the model the best weights."""
        trainer.model.load_state_dict(load(self.path))

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best.value}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best.value = state_dict["best"]
