"""A run of `lineal train`: options become data, network, optimizer and a trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineal import nn, optim
from lineal.data import CheckpointError, DataLoader, load
from lineal.ops import Generator, manual_seed
from lineal.train.callbacks import Callback, EarlyStopping
from lineal.train.config import Config
from lineal.train.metrics import Accuracy, ConfusionMatrix
from lineal.train.networks import network
from lineal.train.options import Options
from lineal.train.resuming import CHECKPOINT
from lineal.train.sources import Source, opened
from lineal.train.trainer import Trainer

__all__ = ["Experiment"]

EVALUATED_AT_ONCE = 512


class Kept:
    """Options, kept in the checkpoint, from which the run is made again."""

    def __init__(self, options: Options):
        self.options = options

    def state_dict(self) -> dict[str, Any]:
        """Return the options."""
        return self.options.as_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Called when the run, which has been made of them, is resumed."""


class Experiment:
    """The run that the options describe; `folder` None writes no checkpoints."""

    def __init__(self, options: Options, folder: Path | None = None, callbacks: Sequence[Callback] = ()):
        self.options = options
        self.source: Source = opened(options.data, options.target)
        self.training, self.test = self.source.training, self.source.test
        manual_seed(options.seed)
        outputs = len(self.source.classes) if self.source.classes else 1
        self.model = network(options.model, self.source.shape, outputs, options.hidden or ())
        self.optimizer = make_optimizer(options, self.model)
        self.generator = Generator().manual_seed(options.seed)
        self.loader = DataLoader(self.training, options.batch_size, shuffle=True, generator=self.generator)
        self.tested = DataLoader(self.test, EVALUATED_AT_ONCE)
        self.trainer = Trainer(
            self.model,
            self.optimizer,
            nn.CrossEntropyLoss() if self.source.classes else squared_error,
            config_of(options),
            schedule=make_schedule(options, self.optimizer),
            metrics={"accuracy": Accuracy()} if self.source.classes else None,
            callbacks=[*stopping(options), *callbacks],
            stateful={"options": Kept(options)},
            folder=folder,
        )

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.trainer.progress.epoch

    @property
    def history(self) -> list[dict[str, float]]:
        """The numbers of each epoch."""
        return self.trainer.history

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def run(self, resume: bool = False) -> None:
        """Train the epochs that are missing."""
        self.trainer.fit(self.loader, self.tested, resume=resume)

    def evaluate(self) -> dict[str, float]:
        """Return loss and metrics on the test part."""
        return self.trainer.evaluate(self.tested)

    def confusion(self) -> Any:
        """Return the confusion matrix of the test part."""
        metrics = {"confusion": ConfusionMatrix(len(self.source.classes or ()))}
        self.trainer.evaluate(self.tested, metrics=metrics)
        return self.trainer.evaluated["confusion"].compute()

    @classmethod
    def resumed(cls, folder: Path, given: dict[str, Any], callbacks: Sequence[Callback] = ()) -> Experiment:
        """Return the run whose checkpoint is in `folder`, to be gone on with; of its options, `given` may change the epochs."""
        path = folder / CHECKPOINT
        state = load(path)
        stored = state.get("stateful options") if isinstance(state, dict) else None
        if not isinstance(stored, dict):
            raise CheckpointError(f"load: {path} is no checkpoint of `lineal train`")
        try:
            options = Options(**stored)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"load: {path} does not fit this version: {error}") from error
        return cls(options.resumed(given), folder, callbacks)


def config_of(options: Options) -> Config:
    """Return the trainer's part of the options."""
    return Config(
        epochs=options.epochs,
        accumulate=options.accumulate,
        clip_norm=options.clip,
        average=options.average,
        amp=options.amp,
        compiled=options.compiled,
    )


def make_optimizer(options: Options, model: nn.Module) -> optim.Optimizer:
    """Return the optimizer that the options name."""
    lr: Any = options.lr
    if options.optimizer == "sgd":
        return optim.SGD(model.parameters(), lr, momentum=0.9)
    return (optim.AdamW if options.optimizer == "adamw" else optim.Adam)(model.parameters(), lr)


def make_schedule(options: Options, optimizer: optim.Optimizer) -> Any:
    """Return the schedule that the options name; None for a constant rate."""
    return None if options.schedule == "constant" else optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)


def stopping(options: Options) -> list[Callback]:
    """Return what ends the run early, if the options say so."""
    return [] if options.patience is None else [EarlyStopping(patience=options.patience)]


def squared_error(outputs: Any, targets: Any) -> Any:
    """Return the mean squared error of one output for each number."""
    return nn.functional.mse_loss(outputs.reshape(targets.shape), targets)
