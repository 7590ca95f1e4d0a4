"""What is shown while a run goes on: a live bar on a terminal, a line for each epoch in a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from lineal.base import later
from lineal.train.callbacks import Callback, Line

if TYPE_CHECKING:
    from lineal.train.trainer import Trainer

resource: Any = later.module("resource")

__all__ = ["Bar", "Lines"]

SHORT = {"accuracy": "acc", "test_accuracy": "test", "test_loss": "test loss"}
EVERY = 0.1
"""Seconds between two looks at the numbers of a bar, some of which take time."""


class Lines(Callback):
    """One line for each epoch, for output that is no terminal."""

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        epochs = trainer.config.epochs
        shown = {name: value for name, value in line.items() if name != "test_loss" or "test_accuracy" not in line}
        print(f"epoch {trainer.progress.epoch:>{len(str(epochs))}}/{epochs} {words(shown, 4)}", flush=True)


class Bar(Callback):
    """A live bar over all epochs, with the numbers as they go, samples in a second, memory and the time that is left."""

    def __init__(self, console: Console | None = None):
        self.console = console
        self.test = ""
        self.looked = 0.0

    def begin(self, trainer: Trainer) -> None:
        self.progress = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(None, complete_style="cyan", finished_style="green", table_column=Column(ratio=1, min_width=4)),
            TextColumn("{task.fields[numbers]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True),
            console=self.console,
            expand=True,
        )
        epochs = trainer.config.epochs
        self.task = self.progress.add_task(self.title(trainer), total=epochs, completed=trainer.progress.epoch, numbers="")
        self.begun = trainer.progress.samples, time.perf_counter()
        self.progress.start()

    def title(self, trainer: Trainer, begun: int = 1) -> str:
        """Return the words before the bar: how many epochs are done, and with the one that has begun."""
        epochs = trainer.config.epochs
        return f"epoch {min(trainer.progress.epoch + begun, epochs):>{len(str(epochs))}}/{epochs}"

    def step(self, trainer: Trainer, loss: float) -> None:
        now = time.perf_counter()
        if now - self.looked < EVERY:
            return
        self.looked = now
        samples, begun = self.begun
        speed = (trainer.progress.samples - samples) / (now - begun)
        part = trainer.progress.batch / trainer.batches if trainer.batches else 0
        numbers = f"{words(trainer.tally.line(), 3)}{self.test} {speed:,.0f}/s {memory()}"
        self.progress.update(
            self.task, description=self.title(trainer), completed=trainer.progress.epoch + part, numbers=numbers
        )

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        tested = {name: value for name, value in line.items() if name.startswith("test_") and name != "test_loss"}
        self.test = " " + words(tested or {name: line[name] for name in line if name == "test_loss"}, 3)
        self.progress.update(self.task, completed=trainer.progress.epoch, description=self.title(trainer, 0))

    def end(self, trainer: Trainer) -> None:
        self.progress.stop()


def words(line: Line, digits: int) -> str:
    """Return numbers with their names in few letters."""
    return " ".join(f"{SHORT.get(name, name)} {value:.{digits}f}" for name, value in line.items())


def memory() -> str:
    """Return the most memory that the process has had so far, where the system tells."""
    try:
        return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
    except ImportError:
        return ""
