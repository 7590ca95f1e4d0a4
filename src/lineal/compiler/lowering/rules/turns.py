"""Loops: what turns make, one after the other, in memory that moves on with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.compiler.capturing.results import several
from lineal.compiler.capturing.trace import Trace
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Repeat
from lineal.compiler.nodes.turns import Rolled, Turn, parted
from lineal.core import lift
from lineal.tracing import Var


@lowers(Rolled, narrow=True)
def rolled(low: Any, op: Any, specs: Any, *xs: BufferView) -> tuple[BufferView, ...]:
    """ys = what the turns make."""
    return Lowered(low, op, list(xs)).views


class Given:
    """What a turn is given, in order, and where it lies."""

    def __init__(self, turn: Turn):
        self.literals = dict(turn.literals)
        self.inputs: list[Var] = []
        self.places: list[tuple[Buffer, int, int]] = []
        self.steps: dict[Var, tuple[int, ...]] = {}
        self.args: list[BufferView] = []

    def reads(self, var: Var, first: BufferView, second: BufferView) -> None:
        """Let a variable of the turn be what one view shows in the first turn, another in the second."""
        if first.buffer.source == "literal":
            self.literals[var] = np.broadcast_to(np.array(first.number, first.buffer.dtype), first.shape)
            return
        buffer = first.buffer
        self.args.append(whole(buffer))
        self.steps[var] = first.strides
        self.inputs.append(var)
        self.places.append((buffer, first.offset, second.offset - first.offset))

    def takes(self, var: Var, buffer: Buffer) -> None:
        """Let a variable of the turn lie in a buffer, or in a row of it."""
        self.inputs.append(var)
        self.places.append((buffer, 0, 0))

    def trace(self, turn: Turn) -> Trace:
        """Return the trace of a turn that is given this."""
        return trace_of(turn, self.inputs, self.literals, self.steps)


class Handed:
    """What turns hand on: blocks of memory, with what the first is given in them."""

    def __init__(self, low: Any, first: Sequence[BufferView]):
        self.low = low
        self.blocks = [low.block(each.shape, each.buffer.dtype) for each in first]
        self.copies = [low.copy(each, inside=block).buffer for each, block in zip(first, self.blocks)]
        self.outs = [low.made_buffer(block.shape, block.buffer.dtype, inside=block) for block in self.blocks]

    @property
    def after(self) -> tuple[Buffer, ...]:
        """What must be there before the turns."""
        return tuple(self.copies)

    def joined(self) -> list[BufferView]:
        """Return the views on what the last turn has handed on."""
        return [self.low.join(block, [copy, out]) for block, copy, out in zip(self.blocks, self.copies, self.outs)]


class Lowered:
    """The node of a loop while it is made."""

    def __init__(self, low: Any, op: Rolled, xs: list[BufferView]):
        self.low, self.turn, self.reverse = low, op.turn, op.reverse
        self.given = given = Given(op.turn)
        same, roots, first = parted(self.turn, xs)
        for var, view in zip(self.turn.constants, same):
            given.reads(var, view, view)
        for walk, root in zip(self.turn.walks, roots):
            given.reads(walk.var, low.view(walk.first, root), low.view(walk.second, root))
        carried = Handed(low, first)
        for (var, _), buffer in zip(self.turn.carried, carried.outs):
            given.takes(var, buffer)
        results = [
            *(self.result(var, 0) for var in self.turn.last),
            *(self.result(var, op.turns or 0) for var in self.turn.stacked),
        ]
        room = low.made_buffer((0,), np.uint8)
        outs = [*carried.outs, *results]
        self.node = Repeat(given.trace(op.turn), op.turns, given.args, outs, given.places, room, carried.after, (*same, *roots))
        if op.test is not None:
            self.node.test, self.node.flag = self.test(op.test), low.made_buffer((), np.int64)
        low.nodes.append(self.node)
        self.views = (*carried.joined(), *map(whole, results))

    def test(self, test: Turn) -> Trace:
        """Return the trace of what says whether there is another turn."""
        literals = {**self.given.literals, **test.literals}
        turn = Turn(test.equations, literals, [], [], [], test.last, [])
        return trace_of(turn, self.given.inputs, literals, self.given.steps)

    def result(self, var: Var, turns: int) -> Buffer:
        """Return the memory of what is wanted of the last turn, or of all `turns`."""
        shape = tuple(var.spec.shape)
        buffer = self.low.made_buffer((turns, *shape) if turns else shape, var.spec.storage)
        step = math.prod(shape) if turns else 0
        self.given.places.append((buffer, (turns - 1) * step, -step) if self.reverse else (buffer, 0, step))
        return buffer


def whole(buffer: Buffer) -> BufferView:
    """Return the view that shows all of a buffer."""
    return BufferView(buffer, buffer.shape, buffer.strides)


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
