"""Logs: the numbers of a run in files that others read.

What a run that was killed has written too much is cut when it is resumed.
"""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal.base import later
from lineal.train.callbacks import Callback, Line

if TYPE_CHECKING:
    from lineal.train.trainer import Trainer

tensorboard: Any = later.module("lineal.utils.tensorboard")
writing: Any = later.module("lineal.serialization.writing")

__all__ = ["CSVLog", "JSONLog", "TensorBoard"]


class CSVLog(Callback):
    """The history as a table, a row for each epoch; written anew, as a whole, after each epoch."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        text = io.StringIO()
        names = ["epoch", *dict.fromkeys(name for each in trainer.history for name in each)]
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows({"epoch": epoch, **each} for epoch, each in enumerate(trainer.history, 1))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        writing.write(self.path, text.getvalue().encode())


class JSONLog(Callback):
    """A line of JSON for each step, {"step", "loss", "lr"}, and for each epoch, {"step", "epoch", …}; NaN is null."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def begin(self, trainer: Trainer) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = []
        if trainer.progress.step and self.path.exists():
            # a line that a killed run was writing has no end
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [each for each in lines if each.endswith("\n") and known(json.loads(each), trainer)]
        writing.write(self.path, "".join(kept).encode())
        self.file = self.path.open("a", encoding="utf-8")

    def step(self, trainer: Trainer, loss: float) -> None:
        rate = float(trainer.optimizer.param_groups[0]["lr"])
        self.put({"step": trainer.progress.step, "loss": loss, "lr": rate})

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        self.put({"step": trainer.progress.step, "epoch": trainer.progress.epoch, **line})

    def save(self, trainer: Trainer) -> None:
        self.file.flush()

    def put(self, entry: dict[str, Any]) -> None:
        """Write one line."""
        finite = {name: value if math.isfinite(value) else None for name, value in entry.items()}
        self.file.write(json.dumps(finite) + "\n")

    def end(self, trainer: Trainer) -> None:
        self.file.close()


def known(entry: dict[str, Any], trainer: Trainer) -> bool:
    """Return whether the run, as it is resumed, has been as far as an entry."""
    return entry["step"] <= trainer.progress.step and entry.get("epoch", 0) <= trainer.progress.epoch


class TensorBoard(Callback):
    """Events for TensorBoard in a folder: the loss and the rate of each step, the numbers of each epoch."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def begin(self, trainer: Trainer) -> None:
        done = trainer.progress.step
        self.writer = tensorboard.SummaryWriter(str(self.folder), purge_step=done + 1 if done else None)

    def step(self, trainer: Trainer, loss: float) -> None:
        self.writer.add_scalar("step/loss", loss, trainer.progress.step)
        self.writer.add_scalar("step/lr", float(trainer.optimizer.param_groups[0]["lr"]), trainer.progress.step)

    def end_epoch(self, trainer: Trainer, line: Line) -> None:
        for name, value in line.items():
            self.writer.add_scalar(f"epoch/{name}", value, trainer.progress.step)

    def save(self, trainer: Trainer) -> None:
        self.writer.flush()

    def end(self, trainer: Trainer) -> None:
        self.writer.close()

    def state_dict(self) -> dict[str, Any]:
        return {}
