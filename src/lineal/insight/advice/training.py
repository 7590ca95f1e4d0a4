"""Habits of training: grads that are not forgotten, parameters that get none, modules in the wrong mode."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Container
from typing import Any

from lineal.core import AbstractTensor, modes
from lineal.insight.advice.steps import Call, Steps, call_of
from lineal.nn import Module
from lineal.nn.batch_normalisation import BatchNorm
from lineal.nn.dropout import Dropping

__all__ = ["Training"]

Note = Callable[[str, Call, str], None]
MOST_NAMES = 4
"""How many names are told."""


class Watched:
    """An optimizer: its parameters that never had a grad, how many it has, and where its first step was."""

    def __init__(self, optimizer: weakref.ref, lacking: dict[int, str], total: int, call: Call):
        self.optimizer, self.lacking, self.total, self.call = optimizer, lacking, total, call

    def keep(self, lacking: Container[int]) -> None:
        """Leave the parameters that have a grad out."""
        self.lacking = {key: title for key, title in self.lacking.items() if key in lacking}


class Training:
    """Watches grads and modules from step to step of optimizers; what it finds goes to `note(kind, call, what)`."""

    def __init__(self, note: Note, steps: Steps):
        self.note, self.steps = note, steps
        self.used: dict[int, weakref.ref] = {}
        """The grads that a step was made along, and that were not forgotten since."""
        self.stale: set[int] = set()
        """Those of them to which more was added."""
        self.watched: list[Watched] = []
        self.outer: list[weakref.ref] = []
        """The modules that the program itself has called."""
        self.trained: weakref.WeakSet[Module] = weakref.WeakSet()
        self.evaluated: dict[int, tuple[weakref.ref, Call]] = {}
        """Modules that were in training and were then called in evaluation, with a history, and where."""

    # what optimizers do

    def step(self, optimizer: Any) -> None:
        """Called when an optimizer is about to make a step."""
        call, parameters = call_of(), [each for group in optimizer.param_groups for each in group["params"]]
        grads = [each.derivative for each in parameters if each.derivative is not None]
        if any(id(g) in self.stale for g in grads if self.is_used(g)):
            self.note("zero_grad", call, "the grads still hold those of the step before: call optimizer.zero_grad() first")
        self.stale.clear()
        self.used.update((id(g), weakref.ref(g)) for g in grads)
        self.count(optimizer, parameters, call)
        if grads:
            self.blame_modes()

    def count(self, optimizer: Any, parameters: list[Any], call: Call) -> None:
        """Note which parameters have no grad at this step, nor had one before."""
        lacking = {id(each): each for each in parameters if each.derivative is None and each.node is not None}
        for each in self.watched:
            if each.optimizer() is optimizer:
                each.keep(lacking)
                return
        names = self.names()
        titles = {key: names.get(key, f"one of shape {list(each.value.shape)}") for key, each in lacking.items()}
        self.watched.append(Watched(weakref.ref(optimizer), titles, len(parameters), call))

    def is_used(self, g: AbstractTensor) -> bool:
        """Return whether a step was made along a grad already."""
        found = self.used.get(id(g))
        return found is not None and found() is g

    def write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Called when a tensor, which may be a grad, was written."""
        if not self.is_used(target):
            return
        made = self.steps.of(source)
        if made.key == "add" and self.steps.of(target) in made.xs:
            self.stale.add(id(target))
        else:
            self.used.pop(id(target), None)
            self.stale.discard(id(target))

    # what modules do

    def called(self, module: Module, outermost: bool) -> None:
        """Called when a call of a module begins."""
        if outermost and not any(each() is module for each in self.outer):
            self.outer.append(weakref.ref(module))
        if not decides(module):
            return
        if module.training:
            self.trained.add(module)
            self.evaluated.pop(id(module), None)
            if not modes.grad_enabled.get():
                what = "drops at random" if isinstance(module, Dropping) else "changes its statistics"
                self.note(
                    "training mode", call_of(), f"{type(module).__name__} {what} where no history is kept: call eval() first"
                )
        elif modes.grad_enabled.get() and module in self.trained:
            self.evaluated.setdefault(id(module), (weakref.ref(module), call_of()))

    def blame_modes(self) -> None:
        """Note the modules that have been in training, and are trained in evaluation now."""
        for reference, call in self.evaluated.values():
            module = reference()
            if module is not None:
                self.note("evaluation mode", call, f"{title(module)} is trained after eval(): call train() again")
        self.evaluated.clear()

    # what is known in the end

    def finish(self) -> None:
        """Note the optimizers some of whose parameters never had a grad."""
        for each in self.watched:
            titles = list(each.lacking.values())
            shown = ", ".join(titles[:MOST_NAMES]) + ", …" * (len(titles) > MOST_NAMES)
            if len(titles) == each.total:
                what = "no parameter has a grad: is the loss cut off by detach(), .data, item() or tensor(loss)?"
                self.note("no gradient", each.call, what)
            elif titles:
                what = f"{len(titles)} of {each.total} parameters never have a grad: {shown}"
                self.note("no gradient", each.call, what)

    def names(self) -> dict[int, str]:
        """Return the names of the parameters of the modules that were called, by their identities."""
        modules = (each() for each in self.outer)
        return {id(p): name for module in modules if module is not None for name, p in module.named_parameters()}


def title(module: Module) -> str:
    """Return the name of a module's class."""
    return type(module).__name__


def decides(module: Module) -> bool:
    """Return whether a module does something else in training."""
    return (isinstance(module, Dropping) and module.p > 0) or (isinstance(module, BatchNorm) and module.track_running_stats)
