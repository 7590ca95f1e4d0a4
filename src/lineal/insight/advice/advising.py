"""`advise`: a function or a model is run under watch, and what it does that is often a mistake is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.base import tree
from lineal.core import AbstractTensor, Op, gradients, modes
from lineal.insight.advice.habits import HABITS
from lineal.insight.advice.steps import Advice, Advices, Call, Steps, call_of
from lineal.insight.advice.training import Training
from lineal.insight.following import Follower
from lineal.nn import Module
from lineal.ops import ones_like
from lineal.optim import Optimizer
from lineal.tensors import Tensor

__all__ = ["Adviser", "advise"]


class Adviser(Follower):
    """A context in which what a program does is watched; `advices` is what was found."""

    def __init__(self) -> None:
        super().__init__()
        self.advices = Advices()
        self.told: set[tuple] = set()
        self.steps = Steps()
        self.training = Training(self.note, self.steps)

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self.training.finish()

    def note(self, kind: str, call: Call, what: str) -> None:
        """Note a piece of advice, once for each kind and line."""
        where = str(call)
        if (kind, where) not in self.told:
            self.told.add((kind, where))
            self.advices.append(Advice(kind, where, what))

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Called when `op` made `ys` of `xs`."""
        step = self.steps.add(op, xs, ys)
        for kind, rule in HABITS.get(op.key, ()):
            what = rule(step, xs, ys[0])
            if what is not None and step.call is not None:
                self.note(kind, step.call, what)

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Called when a tensor is written: it is made as its new numbers are."""
        self.training.write(target, source)
        if not self.training.is_used(target):
            self.steps.put(target, self.steps.of(source))

    def relies(self, holder: Any, name: str) -> None:
        """Called when an attribute is relied upon: an optimizer's groups are when it makes a step."""
        if name == "param_groups" and isinstance(holder, Optimizer):
            self.training.step(holder)

    def entered(self, module: Module, args: tuple) -> None:
        self.training.called(module, len(self.within) == 1)


def advise(function: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Advices:
    """Call a function or a model on inputs, and return advice on what it does that is often a mistake.

    Of a model whose result has a history, parameters that the result does not depend on are told too. Errors are the
    function's.
    """
    with Adviser() as adviser:
        result = function(*inputs, **kwargs)
        if isinstance(function, Module):
            unused(adviser, function, result)
    return adviser.advices


def unused(adviser: Adviser, model: Module, result: Any) -> None:
    """Note the parameters of a model on which its result does not depend."""
    ys = [y for y in tree.leaves(result) if isinstance(y, Tensor) and y.node is not None]
    named = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
    if not ys or not named:
        return
    with modes.Setting((modes.recorder, None)):
        found = gradients(ys, [each for _, each in named], [ones_like(y) for y in ys], retain_graph=True, allow_unused=True)
    without = [name for (name, _), g in zip(named, found) if g is None]
    if without:
        what = f"{len(without)} of {len(named)} parameters do not reach the result: {', '.join(without[:4])}"
        adviser.note("no gradient", call_of(), what)
