"""Equations: what a pure trace consists of, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import Spec
from lineal.core import Op, modes

__all__ = ["Equation", "Var", "evaluate"]

_named = tuple.__new__
"""What makes a named tuple without a call of Python's."""


class Var:
    """A value in a trace: its number in the order of appearance, and its shape and dtype."""

    __slots__ = ("number", "spec")

    def __init__(self, number: int, value: np.ndarray):
        self.number = number
        self.spec: Spec = _named(Spec, (value.shape, value.dtype))

    def __repr__(self) -> str:
        return f"v{self.number}"

    def typed(self) -> str:
        """Return the variable with its type, as in `v3: float32[2, 4]`."""
        return f"{self}: {dtypes.of(self.spec.storage).name}{list(self.spec.shape)}"


class Equation:
    """outputs = op(inputs); `grad` tells whether history was on when it ran."""

    __slots__ = ("grad", "inputs", "op", "outputs")

    def __init__(self, op: Op, inputs: tuple[Var, ...], outputs: tuple[Var, ...], grad: bool = True):
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.grad = grad

    def __str__(self) -> str:
        shown = [each for each in self.op.fields if each not in ("label", "result") and hasattr(self.op, each)]
        attributes = ", ".join(f"{each}={getattr(self.op, each)!r}" for each in shown)
        left = ", ".join(each.typed() for each in self.outputs)
        right = " ".join(map(str, self.inputs))
        return f"{left} = {self.op.key}{f'[{attributes}]' if attributes else ''} {right}".rstrip()


def evaluate(equations: Iterable[Any], env: dict[Var, Any], rule: Callable[..., Any], history: bool = True) -> None:
    """Run a pure trace: add to `env` what `rule(equation, *inputs)` gives for the outputs of each equation, in order.

    The rule says what an equation means: its op through the door (`core.apply`), a batched form of it, another format's node.
    Without `history`, nothing remembers it; with it, what was remembered when the trace was heard.
    """
    before = grad = modes.grad_enabled.get()
    try:
        for each in equations:
            wanted = each.grad and history
            if wanted is not grad:
                modes.grad_enabled.set(grad := wanted)
            made = rule(each, *[env[var] for var in each.inputs])
            if made.__class__ is tuple:
                env.update(zip(each.outputs, made))
            else:
                env[each.outputs[0]] = made
    finally:
        modes.grad_enabled.set(before)
