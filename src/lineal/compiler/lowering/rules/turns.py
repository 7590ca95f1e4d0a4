"""Loops: what turns make, one after the other, in memory that moves on with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.compiler.capturing.results import several
from lineal.compiler.capturing.trace import Trace
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.node import Repeat
from lineal.compiler.nodes.turns import Rolled, Turn, parted
from lineal.compiler.nodes.windows import Base, Window
from lineal.core import lift
from lineal.tracing import Var


@lowers(Rolled)
def rolled(low: Any, op: Any, specs: Any, *xs: Window) -> tuple[Window, ...]:
    """ys = what the turns make."""
    return Lowered(low, op, list(xs)).windows


class Lowered:
    """The node of a loop while it is made."""

    def __init__(self, low: Any, op: Rolled, xs: list[Window]):
        self.low, self.op, self.turn = low, op, op.turn
        self.steps: dict[Var, tuple[int, ...]] = {}
        self.literals = dict(self.turn.literals)
        self.args: list[Window] = []
        self.places: list[tuple[Base, int, int]] = []
        self.inputs: list[Var] = []
        same, roots, first = parted(self.turn, xs)
        for var, window in zip(self.turn.constants, same):
            self.reads(var, window, window)
        for walk, root in zip(self.turn.walks, roots):
            self.reads(walk.var, low.view(walk.first, root), low.view(walk.second, root))
        blocks, after = zip(*map(self.carries, first)) if first else ((), ())
        outs = [low.made_base(block.shape, block.base.dtype, inside=block) for block in blocks]
        self.places += [(out, 0, 0) for out in outs]
        self.inputs += [var for var, _ in self.turn.carried]
        results = [
            *(self.result(var, 0) for var in self.turn.last),
            *(self.result(var, op.turns or 0) for var in self.turn.stacked),
        ]
        room = low.made_base((0,), np.uint8)
        body = trace_of(self.turn, self.inputs, self.literals, self.steps)
        outs, before = [*outs, *results], tuple(each.base for each in after)
        node = Repeat(body, op.turns, self.args, outs, self.places, room, before, (*same, *roots))
        if op.test is not None:
            node.test, node.flag = self.test(op.test), low.made_base((), np.int64)
        low.nodes.append(node)
        carried = [low.join(block, [each.base, out]) for block, each, out in zip(blocks, after, outs)]
        self.windows = (*carried, *(Window(base, base.shape, base.strides) for base in results))

    def reads(self, var: Var, first: Window, second: Window) -> None:
        """Let a variable of the turn be what one window shows in the first turn, another in the second."""
        if first.base.source == "literal":
            self.literals[var] = np.broadcast_to(np.array(first.number, first.base.dtype), first.shape)
            return
        base = first.base
        self.args.append(Window(base, base.shape, base.strides))
        self.steps[var] = first.strides
        self.inputs.append(var)
        self.places.append((base, first.offset, second.offset - first.offset))

    def carries(self, first: Window) -> tuple[Window, Window]:
        """Return a block for what is carried, and what it is at first, in it."""
        block = self.low.block(first.shape, first.base.dtype)
        return block, self.low.copy(first, inside=block)

    def test(self, test: Turn) -> Trace:
        """Return the trace of what says whether there is another turn."""
        literals = {**self.literals, **test.literals}
        return trace_of(Turn(test.equations, literals, [], [], [], test.last, []), self.inputs, literals, self.steps)

    def result(self, var: Var, turns: int) -> Base:
        """Return the memory of what is wanted of the last turn, or of all `turns`."""
        shape = tuple(var.spec.shape)
        base = self.low.made_base((turns, *shape) if turns else shape, var.spec.storage)
        self.places.append((base, 0, math.prod(shape) if turns else 0))
        return base


def trace_of(turn: Turn, inputs: list[Var], literals: dict[Var, np.ndarray], steps: dict[Var, tuple[int, ...]]) -> Trace:
    """Return the trace of a turn: what is carried, the last of its inputs, is written in place."""
    arguments = [lift(np.broadcast_to(np.empty((), var.spec.storage), tuple(var.spec.shape))) for var in inputs]
    results = [*turn.last, *turn.stacked]
    return Trace(
        name="turn",
        arguments=arguments,
        inputs=inputs,
        captured={},
        literals=literals,
        live={},
        equations=turn.equations,
        result=several(len(results)),
        outputs=results,
        writes=[(x, to) for x, (_, to) in zip(arguments[len(inputs) - len(turn.carried) :], turn.carried)],
        grads=[],
        steps=steps,
    )
