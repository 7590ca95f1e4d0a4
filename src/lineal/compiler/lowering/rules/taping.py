"""Loops of any number of turns that are differentiated: the tape that they leave, and the turns back."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.compiler.capturing.taping import Rewound, Taped
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.lowering.rules.turns import Given, Handed, Lowered, whole
from lineal.compiler.nodes.buffers import BufferView, dense
from lineal.compiler.nodes.node import Rewind, Tape


@lowers(Taped, narrow=True)
def taped(low: Any, op: Any, specs: Any, *xs: BufferView) -> tuple[BufferView, ...]:
    """ys = what is carried in the end, and the tape."""
    made = Lowered(low, op, list(xs))
    rows = [low.made_buffer((op.rows, *view.shape), view.buffer.dtype) for view in made.views]
    made.node.tape = Tape(low.made_buffer((2,), np.int64), rows)
    return (*made.views, *map(whole, made.node.tape.buffers))


@lowers(Rewound, narrow=True)
def rewound(low: Any, op: Any, specs: Any, *xs: BufferView) -> tuple[BufferView, ...]:
    """ys = the cotangents that the turns back make."""
    count = len(op.ahead.carried)
    constants, log, rows, first = xs[: op.same], xs[op.same], xs[op.same + 1 :][:count], xs[op.same + 1 + count :]
    log, *rows = [each if each.whole and each.buffer.strides == dense(each.shape) else low.copy(each) for each in (log, *rows)]
    ahead, back = Given(op.ahead), Given(op.turn)
    for given, turn in ((ahead, op.ahead), (back, op.turn)):
        for var, view in zip(turn.constants, constants):
            given.reads(var, view, view)
    same = len(back.inputs)
    again = [low.made_buffer(each.shape, each.buffer.dtype) for each in rows]
    for (var, _), name, row, buffer in zip(op.ahead.carried, op.turn.constants[op.same :], rows, again):
        back.takes(name, row.buffer)
        ahead.takes(var, buffer)
    carried = Handed(low, first)
    for (var, _), buffer in zip(op.turn.carried, carried.outs):
        back.takes(var, buffer)
    args, read, room = (*ahead.args, *back.args, log, *rows), (*constants, log, *rows), low.made_buffer((0,), np.uint8)
    node = Rewind(back.trace(op.turn), None, args, carried.outs, back.places, room, carried.after, read, ahead.trace(op.ahead))
    node.tape = Tape(log.buffer, [each.buffer for each in rows])
    node.same, node.again, node.places_ahead = same, again, ahead.places
    low.nodes.append(node)
    return tuple(carried.joined())
