"""A loss that is not finite, and where it came from: the last steps are gone through again, with every op watched."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lineal import nn
from lineal.base import later
from lineal.core import modes
from lineal.train.preparation import Held

if TYPE_CHECKING:
    from lineal.train.trainer import Trainer

doctor: Any = later.module("lineal.testing.doctor")

__all__ = ["Diagnosis"]

EVERY = 32
"""For how many steps at most the batches are kept, from which on the run can be gone through again."""


class Diagnosis:
    """Keeps what a trainer was a few steps ago, and the batches since."""

    def __init__(self, trainer: Trainer):
        self.trainer = trainer
        self.groups: list[Any] = []
        self.held = Held(trainer.step)

    def look(self, group: list[Any], losses: list[float]) -> None:
        """Take in a step that was made; FloatingPointError if its loss is not finite."""
        self.groups.append(group)
        for loss in losses:
            if not math.isfinite(loss):
                progress = self.trainer.progress
                where = f"step {progress.step} (epoch {progress.epoch + 1}, batch {progress.batch})"
                raise FloatingPointError(f"Trainer: the loss is {loss} in {where}; {self.origin()}")
        if len(self.groups) == EVERY:
            self.groups.clear()
            self.held = Held(self.trainer.step)

    def origin(self) -> str:
        """Return which op first made numbers that are not finite of such that are, and where."""
        self.held.restore()
        first = First(self.trainer.model)
        for group in self.groups:
            with first.watching():
                self.trainer.step(group)
            if first.found is not None:
                return first.found
        return "eagerly the same steps stay finite: give Config(compiled=False), and see lineal doctor"


class First:
    """Notes the first op that makes numbers that are not finite, and the module it ran in."""

    def __init__(self, model: nn.Module):
        self.names = {id(module): name for name, module in model.named_modules()}
        self.model = model
        self.inside: list[nn.Module] = []
        self.found: str | None = None

    def note(self, kind: str, where: str, what: str) -> None:
        """Called for each op of that kind."""
        if self.found is None:
            module = self.inside[-1] if self.inside else None
            place = f" in {type(module).__name__} {self.names[id(module)]!r}" if module is not None else ""
            self.found = f"first, {what}{place}, at {where}"

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Hear every op, and in which module it runs."""
        with contextlib.ExitStack() as stack:
            for module in self.model.modules():
                stack.enter_context(removed(module.register_forward_pre_hook(lambda module, _: self.inside.append(module))))
                stack.enter_context(removed(module.register_forward_hook(lambda *_: self.leave())))
            stack.enter_context(modes.Setting((modes.recorder, doctor.Watch(self))))
            yield

    def leave(self) -> None:
        """Called when a module has run."""
        self.inside.pop()


@contextlib.contextmanager
def removed(handle: Any) -> Iterator[None]:
    """Remove a hook at the end."""
    try:
        yield
    finally:
        handle.remove()
