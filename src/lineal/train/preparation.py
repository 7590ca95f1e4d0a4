"""Compiling the step of a run before it starts, so that every real step runs the same native program.

The first calls of a compiled function run eagerly, and their last digits differ. So they are made on empty images, and what
they did to the model and the optimizer is undone: a run that is interrupted and resumed gives the same bits as one that is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

from lineal.base import dtypes
from lineal.core import AbstractTensor, no_grad
from lineal.ops import zeros

CALLS = 4
"""How often each batch size is tried: once to make the optimizer's state, once to be written down, then natively."""
ROUNDS = 15
PIXELS = (8, 8)

Step = Callable[[Any, Any], Any]


class Gain(NamedTuple):
    """The seconds of one step, native and eager."""

    native: float
    eager: float

    def __str__(self) -> str:
        return f"{self.eager / self.native:.1f}x ({self.native * 1e6:,.0f} µs a step, eager {self.eager * 1e6:,.0f})"


def prepared(model: Any, optimizer: Any, native: Step, eager: Step, sizes: Sequence[int]) -> Gain:
    """Compile `native` for batches of the given sizes, measure both steps on the first size, and leave all state as it was."""
    before = {id(each): each.detach().clone() for each in state_of(model, optimizer)}
    for size in reversed(sizes):
        images, labels = zeros(size, *PIXELS), zeros(size, dtype=dtypes.int64)
        for _ in range(CALLS):
            native(images, labels)
    times = [(seconds(native, images, labels), seconds(eager, images, labels)) for _ in range(ROUNDS)]
    with no_grad():
        for each in state_of(model, optimizer):
            if id(each) in before:
                each.copy_(before[id(each)])
            else:
                # what the optimizer made here was nothing before
                each.zero_()
    optimizer.zero_grad()
    return Gain(*(median(row) for row in zip(*times)))


def state_of(model: Any, optimizer: Any) -> list[Any]:
    """Return the tensors that a step changes."""
    own = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, AbstractTensor)]
    return [*model.parameters(), *model.buffers(), *own]


def seconds(step: Step, *args: Any) -> float:
    """Return how long one step takes."""
    start = time.perf_counter()
    step(*args)
    return time.perf_counter() - start
