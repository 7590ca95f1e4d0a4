"""`Trainer`: a model learns from batches, for a number of epochs, and can be killed at any moment and go on bit for bit.

What the rest of a run depends on is what a checkpoint holds: weights, the optimizer's state, schedule, scaler, average,
all random states, the place in the data, what metrics and callbacks have counted. Everything else is made anew.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal import nn, optim
from lineal.core import no_grad
from lineal.data import save
from lineal.ops import Generator, manual_seed
from lineal.optim.lr_scheduler import ReduceLROnPlateau
from lineal.train.callbacks import Callback, Line
from lineal.train.config import Config
from lineal.train.diagnosis import Diagnosis
from lineal.train.order import generators_of, groups, pass_from
from lineal.train.preparation import Gain, Prepared
from lineal.train.randomness import random_state, set_random_state
from lineal.train.resuming import CHECKPOINT, restored, stamp, state_of
from lineal.train.step import Objective, Step, supervised
from lineal.train.tally import Tally

__all__ = ["Progress", "Trainer"]


@dataclass
class Progress:
    """How far a run is: whole epochs, batches of the epoch after them, steps of the optimizer, samples, seconds.

    The seconds are those of training alone, without evaluation, and without making native programs.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    """Why the run has ended before its last epoch, if it has."""


class Trainer:
    """Trains `model` by `optimizer`, so that `loss` between its outputs and the targets becomes small.

    Batches are (inputs …, targets). For others, `objective(model, batch)` returns the mean loss of a batch, or a
    `Judged(loss, outputs, targets)` whose last two the `metrics` are told of. `schedule` is a scheduler of `optimizer`;
    `folder` is where checkpoints are written; `stateful` are more objects with `state_dict` and `load_state_dict` that the
    run depends on. Steps run as native programs where `compile` can make them; `how` says so, or why not.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: optim.Optimizer,
        loss: Callable[[Any, Any], Any] | None = None,
        config: Config | None = None,
        *,
        objective: Objective | None = None,
        schedule: Any = None,
        metrics: Mapping[str, Any] | None = None,
        callbacks: Sequence[Callback] = (),
        stateful: Mapping[str, Any] | None = None,
        folder: str | Path | None = None,
    ):
        if (loss is None) == (objective is None):
            raise TypeError("Trainer: expected either a loss or an objective")
        self.config = config or Config()
        if self.config.seed is not None:
            manual_seed(self.config.seed)
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.metrics, self.callbacks, self.stateful = dict(metrics or {}), list(callbacks), dict(stateful or {})
        self.folder = Path(folder) if folder is not None else None
        self.step = Step(model, optimizer, objective or supervised(loss), self.config)  # type: ignore[arg-type]
        self.prepared = Prepared(self.step)
        self.tally = Tally(self.metrics)
        self.progress, self.history = Progress(), list[Line]()
        self.evaluated: dict[str, Any] = {}
        """The metrics of the last evaluation."""
        self.generators: list[Generator] = []
        self.batches = 0
        """How many batches an epoch has, if the loader tells."""
        self.random_before: dict[str, Any] | None = None
        """The random state at the beginning of the epoch that runs, from which its order of the data follows."""
        self.saved: int = 0
        """How many epochs the last checkpoint has."""

    @property
    def gain(self) -> Gain | None:
        """How long a native and an eager step take, once it is known."""
        return self.prepared.gain

    @property
    def how(self) -> str:
        """How steps run: as native programs, or why not."""
        if not self.config.compiled:
            return "eagerly, as told"
        if self.step.scaler is not None:
            return "eagerly: whether a step is made depends on the scaler"
        if self.prepared.reason is not None:
            return f"eagerly: {self.prepared.reason}"
        return f"compiled, {self.gain}" if self.gain is not None else "compiled from the second step on"

    def fit(self, training: Iterable[Any], test: Iterable[Any] | None = None, *, resume: bool = False) -> list[Line]:
        """Train until the last epoch and return the history: a dict of numbers for each epoch.

        Those of `test` have names that begin with "test_". With `resume`, go on from the checkpoint in `folder`, if there is
        one; CheckpointError if it is damaged or of another model, ValueError if it has other settings. FloatingPointError if
        the loss stops being finite (see `Config.find_nan`).
        """
        self.generators, self.batches = generators_of(training), length_of(training)
        if resume:
            self.resume()
        self.tell("begin")
        try:
            while not self.done():
                self.run_epoch(training, test)
        finally:
            self.tell("end")
        return self.history

    def done(self) -> bool:
        """Return whether the run has ended."""
        steps = self.config.max_steps
        over = self.progress.epoch >= self.config.epochs or (steps is not None and self.progress.step >= steps)
        return over or self.progress.stopped is not None

    def stop(self, reason: str) -> None:
        """Let the run end after this epoch."""
        self.progress.stopped = reason

    def run_epoch(self, training: Iterable[Any], test: Iterable[Any] | None = None) -> Line:
        """Train for what is left of one epoch, evaluate, write a checkpoint, and return the epoch's line of the history."""
        batches = self.begin_epoch(training)
        diagnosis = Diagnosis(self) if self.config.find_nan else None
        begin, before = time.perf_counter(), self.progress.seconds + self.prepared.seconds
        for group in groups(batches, self.config.accumulate):
            losses = self.take_step(group)
            if diagnosis is not None:
                diagnosis.look(group, losses)
            self.progress.seconds = before + time.perf_counter() - begin - self.prepared.seconds
            self.after_step(sum(losses) / len(losses))
            if self.progress.step == self.config.max_steps:
                break
        return self.end_epoch(test)

    def begin_epoch(self, training: Iterable[Any]) -> Iterator[Any]:
        """Return the batches of this epoch that are left."""
        self.model.train()
        if self.random_before is None:
            self.tell("begin_epoch")
            self.tally.reset()
            self.random_before = random_state(self.generators)
            return pass_from(training)
        now = random_state(self.generators)
        set_random_state(self.random_before, self.generators)
        batches = pass_from(training, self.progress.batch)
        set_random_state(now, self.generators)
        return batches

    def take_step(self, group: list[Any]) -> list[float]:
        """Change the model by the batches of one step; return their losses."""
        native = self.config.compiled and self.step.scaler is None and self.progress.step > 0
        judged = (self.prepared if native else self.step)(group)
        counted = self.tally.samples
        losses = [self.tally.add(batch, each) for batch, each in zip(group, judged)]
        self.progress.step += 1
        self.progress.batch += len(group)
        self.progress.samples += self.tally.samples - counted
        return losses

    def after_step(self, loss: float) -> None:
        """Let the schedule and the callbacks follow a step, and write a checkpoint if it is time."""
        if self.schedule is not None and self.config.schedule_every == "step":
            self.schedule.step()
        for each in self.callbacks:
            each.step(self, loss)
        if self.config.save_every is not None and self.progress.step % self.config.save_every == 0:
            self.save()

    def end_epoch(self, test: Iterable[Any] | None) -> Line:
        """Evaluate, enter the epoch into the history, and write a checkpoint."""
        line = self.tally.line()
        if test is not None:
            line |= self.evaluate(test, "test_")
        if self.schedule is not None and self.config.schedule_every == "epoch":
            self.follow(line)
        self.history.append(line)
        self.progress.epoch, self.progress.batch, self.random_before = len(self.history), 0, None
        for each in self.callbacks:
            each.end_epoch(self, line)
        self.save()
        return line

    def follow(self, line: Line) -> None:
        """Let the schedule step after an epoch; one that watches a plateau is told the loss, of the test if there is one."""
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(line.get("test_loss", line["loss"]))
        else:
            self.schedule.step()

    def tell(self, hook: str) -> None:
        """Call a hook of all callbacks."""
        for each in self.callbacks:
            getattr(each, hook)(self)

    @no_grad()
    def evaluate(self, data: Iterable[Any], prefix: str = "", metrics: Mapping[str, Any] | None = None) -> Line:
        """Return mean loss and metrics over batches, in evaluation mode and with averaged weights if there are any.

        Copies of the metrics, the trainer's own unless others are given, are told of the batches, and stay in `evaluated`.
        """
        wanted = self.metrics if metrics is None else metrics
        self.evaluated = {name: copy.deepcopy(each) for name, each in wanted.items()}
        training, tally = self.model.training, Tally(self.evaluated)
        self.model.eval()
        average = self.step.average
        try:
            if average is None:
                self.judge(data, tally)
            else:
                with average.swapped():
                    self.judge(data, tally)
        finally:
            self.model.train(training)
        return tally.line(prefix)

    def judge(self, data: Iterable[Any], tally: Tally) -> None:
        """Take all batches into a tally."""
        for batch in data:
            tally.add(batch, self.step.judged(batch))

    def weights(self) -> dict[str, Any]:
        """Return the weights to use the model with: the averaged ones, if there are any."""
        return dict(self.model.state_dict()) if self.step.average is None else self.step.average.state_dict()

    def save(self) -> None:
        """Write a checkpoint into `folder`, if there is one; the one before stays until the new one is complete."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / CHECKPOINT
        before = stamp(path)
        self.tell("save")
        try:
            save(state_of(self), path)
        finally:
            # an interrupt may come when the file is there and `save` has not returned yet
            if stamp(path) != before:
                self.saved = self.progress.epoch

    def resume(self) -> bool:
        """Take up the checkpoint in `folder`, before `fit`; return whether there is one."""
        if self.folder is None:
            raise ValueError("Trainer: expected a folder to resume from")
        return restored(self, self.folder)


def length_of(loader: Any) -> int:
    """Return how many batches a loader has; 0 if it does not tell."""
    try:
        return len(loader)
    except TypeError:
        return 0
