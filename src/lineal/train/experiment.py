"""One training run on the handwritten digits, epoch by epoch, that can stop and go on bit for bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lineal import nn, optim
from lineal.compiler import compile
from lineal.data import CheckpointError, DataLoader, digits, load, save
from lineal.ops import Generator, get_rng_state, manual_seed, set_rng_state
from lineal.train.options import Options
from lineal.train.preparation import Gain, prepared
from lineal.train.scores import Scores, Tally, confusion_matrix, evaluate

KIND = "lineal train digits"
PIXELS, CLASSES = 64, 10
CHECKPOINT = "checkpoint.safetensors"

Watch = Callable[[Tally], None]


def perceptron(hidden: Sequence[int]) -> nn.Sequential:
    """Return a multilayer perceptron from 8×8 images to ten scores."""
    layers: list[nn.Module] = [nn.Flatten()]
    width = PIXELS
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, CLASSES))


def make_optimizer(options: Options, model: nn.Module) -> optim.Optimizer:
    """Return the optimizer that the options name."""
    lr: Any = options.lr
    return optim.SGD(model.parameters(), lr, momentum=0.9) if options.optimizer == "sgd" else optim.Adam(model.parameters(), lr)


class Experiment:
    """A model in training with everything its future depends on: optimizer, random states, epoch, history."""

    def __init__(self, options: Options):
        self.options = options
        manual_seed(options.seed)
        self.model = perceptron(options.hidden)
        self.optimizer = make_optimizer(options, self.model)
        self.criterion = nn.CrossEntropyLoss()
        self.generator = Generator().manual_seed(options.seed)
        self.training, self.test = digits()
        self.loader = DataLoader(self.training, options.batch_size, shuffle=True, generator=self.generator)
        self.history: list[dict[str, float]] = []
        self.saved = 0
        self.seconds = 0.0
        self.run = compile(self.step) if options.compiled else self.step
        self.gain: Gain | None = None

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history)

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def step(self, images: Any, labels: Any) -> tuple[Any, Any]:
        """Change the model by one batch; returns the loss and the scores before the change."""
        self.optimizer.zero_grad()
        scores = self.model(images)
        loss = self.criterion(scores, labels)
        loss.backward()
        self.optimizer.step()
        return loss, scores

    def run_epoch(self, watch: Watch) -> dict[str, float]:
        """Train for one epoch, call `watch` after each batch, and return the epoch's line of history."""
        if self.options.compiled and self.gain is None:
            self.gain = prepared(self.model, self.optimizer, self.run, self.step, self.sizes())
        start = time.perf_counter()
        tally = Tally()
        for images, labels in self.loader:
            loss, scores = self.run(images, labels)
            tally.add(loss, scores, labels)
            watch(tally)
        self.seconds += time.perf_counter() - start
        trained, tested = tally.scores(), self.evaluate()
        line = {"loss": trained.loss, "accuracy": trained.accuracy, "test_loss": tested.loss, "test_accuracy": tested.accuracy}
        self.history.append(line)
        return line

    def sizes(self) -> list[int]:
        """Return the sizes of the batches: the usual one first, then that of the last."""
        full, rest = self.options.batch_size, len(self.training) % self.options.batch_size
        return [size for size in (full, rest) if 0 < size <= len(self.training)]

    def evaluate(self) -> Scores:
        """Return the scores on the test part."""
        return evaluate(self.model, self.criterion, self.test)

    def confusion(self) -> Any:
        """Return the confusion matrix of the test part."""
        return confusion_matrix(self.model, self.test, CLASSES)

    def save(self, folder: Path) -> None:
        """Write the checkpoint into `folder`; the one before stays until the new one is complete."""
        state = {
            "kind": KIND,
            "options": self.options.as_dict(),
            "history": self.history,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "random": get_rng_state(),
        }
        path = folder / CHECKPOINT
        before = stamp(path)
        try:
            save(state, path)
        finally:
            # an interrupt may come when the file is there and `save` has not returned yet
            if stamp(path) != before:
                self.saved = self.epoch

    @classmethod
    def resume(cls, folder: Path, given: dict[str, Any]) -> Experiment:
        """Return the run whose checkpoint is in `folder`; of its options, `given` may change the epochs."""
        path = folder / CHECKPOINT
        state = load(path)
        if not isinstance(state, dict) or state.get("kind") != KIND:
            raise CheckpointError(f"load: {path} is no checkpoint of `lineal train`")
        try:
            stored = Options(**state["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"load: {path} does not fit this version: {error}") from error
        made = cls(stored.resumed(given))
        try:
            made.restore(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"load: {path} does not fit this version: {error}") from error
        return made

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state that `save` wrote."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        set_rng_state(state["random"])
        self.history = list(state["history"])
        self.saved = self.epoch
        self.seconds = float(state["seconds"])


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from the one that was there before; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
