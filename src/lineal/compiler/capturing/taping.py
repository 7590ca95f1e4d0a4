"""Loops of any number of turns that are differentiated: what turns are given is on a tape, which the backward pass reads.

A tape has a fixed number of rows, so that programs know their memory. At first each turn has a row. Whenever all are full,
every other one is given up, and only every second, fourth, … turn has one from then on; the backward pass computes the turns
between two rows anew (checkpointing, Griewank and Walther 2008, chapter 12). Fewer than rows² turns are gone back through so,
for at most one more computation of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.compiler.capturing.capture import Capture
from lineal.compiler.nodes.turns import Rolled, Turn, parted
from lineal.core import AbstractTensor, Leaf, apply, gradients, lift, modes
from lineal.core.effect import outlined
from lineal.tracing import Var, evaluate

__all__ = ["Rewound", "Taped", "leaf_like", "rows_for"]

MOST_BYTES, FEWEST_ROWS, MOST_ROWS = 1 << 22, 1 << 6, 1 << 12
"""How many bytes a tape has at most, unless that were fewer rows; how many rows it has at least, and at most."""
MOST_MEMORY = 1 << 30
"""How many bytes are too many: such loops are traced turn by turn."""

Rule = Callable[..., Any]
State = tuple[int, list[Any], bool]


def rows_for(carried: Sequence[Var]) -> int:
    """Return how many rows a tape of carried values has, a power of two; none if they are too large."""
    size = sum(math.prod(var.spec.shape) * var.spec.storage.itemsize for var in carried)
    if size * FEWEST_ROWS > MOST_MEMORY:
        return 0
    return min(max(1 << (MOST_BYTES // max(size, 1)).bit_length() - 1 if size <= MOST_BYTES else 0, FEWEST_ROWS), MOST_ROWS)


class Taped(Rolled):
    """ys = what is carried in the end; (number of turns, turns to a row); for each carried value the rows of its tape.

    Inputs are what is the same in all turns, and what the first turn is given as carried.
    """

    rows: int
    keeps = "* y"
    no_vjp = ""
    differentiable = True

    def __init__(self, turn: Turn, test: Turn, rows: int):
        self.__dict__["rows"] = rows
        super().__init__(None, turn, test)
        self.__dict__["width"] = 2 * len(turn.carried) + 1

    def through(self, rule: Rule, xs: Sequence[Any], most: int | None = None) -> list[np.ndarray]:
        tape: list[list[AbstractTensor]] = []
        stride, count, carried = 1, 0, []
        for count, carried, more in self.states(rule, [lift(x) for x in xs], False, most):
            if not more:
                break
            if count == stride * self.rows:
                tape, stride = tape[::2], 2 * stride
            tape += [carried] if count % stride == 0 else []
        rows = [np.zeros((self.rows, *x.value.shape), x.value.dtype) for x in carried]
        for place, row in enumerate(tape):
            for array, x in zip(rows, row):
                array[place] = x.value
        return [*(np.array(x.value) for x in carried), np.array([count, stride]), *rows]

    def states(self, rule: Rule, xs: list[Any], history: bool, most: int | None = None) -> Iterator[State]:
        """Yield the number of each turn, what it is given as carried, and True; then what the last one makes, and False."""
        assert self.test is not None
        same, _, carried = parted(self.turn, xs)
        number = 0
        while most is None or number < most:
            env = entered(self.turn, same, carried)
            env.update((var, lift(array)) for var, array in self.test.literals.items())
            evaluate(self.test.equations, env, rule, history=False)
            if not env[self.test.last[0]].value:
                break
            yield number, carried, True
            carried, number = turned(self.turn, env, rule, history), number + 1
        yield number, carried, False

    def unrolled(self, rule: Rule, *xs: AbstractTensor) -> tuple[AbstractTensor, ...]:
        """Return what is carried in the end, with the history of all turns."""
        *_, (_, carried, _) = self.states(rule, list(xs), True)
        return tuple(carried)

    def vjp(self, needs, g, y, *xs):
        turn, count = self.turn, len(self.turn.carried)
        same, tapes = xs[: len(turn.constants)], y[count + 1 :]
        back = Backward(turn, [*(x.value for x in same), *(tape.value[0, ...] for tape in tapes)], needs)
        zeros = lambda x: lift(np.broadcast_to(np.zeros((), x.value.dtype), x.value.shape))
        gs = [zeros(y[n]) if g[n] is None else g[n] for n in back.carried]
        sums = [zeros(xs[n]) for n in back.constants]
        if not gs:
            return (None,) * len(xs)
        op = Rewound(back.turn, turn)
        made = apply(op, *same, *back.more, *y[count:], *gs, *sums)
        places = [*(len(same) + n for n in back.carried), *back.constants]
        found = dict(zip(places, made if op.width else (made,)))
        return tuple([found.get(n) for n in range(len(xs))])


class Rewound(Rolled):
    """ys = the cotangents of what is carried at first, and of what is the same in all turns, by the turns of a backward pass.

    Inputs are what is the same in all turns, ahead and then back, the log of a tape, its rows, the cotangents of what is
    carried in the end, and zeros. The turns back are given, as the last of their constants, what a turn `ahead` was as carried.
    """

    ahead: Turn

    def __init__(self, turn: Turn, ahead: Turn):
        self.__dict__["ahead"] = ahead
        super().__init__(None, turn)

    @property
    def same(self) -> int:
        """How many of the inputs are the same in all turns."""
        return len(self.turn.constants) - len(self.ahead.carried)

    def through(self, rule: Rule, xs: Sequence[Any], most: int | None = None) -> list[np.ndarray]:
        turn, ahead, given = self.turn, self.ahead, [lift(x) for x in xs]
        same, (log, *others) = given[: self.same], given[self.same :]
        tapes, carried = others[: len(ahead.carried)], others[len(ahead.carried) :]
        count, stride = log.value.tolist()
        for start in range(0, count, stride)[::-1]:
            states = [[lift(tape.value[start // stride, ...]) for tape in tapes]]
            for _ in range(start + 1, min(start + stride, count)):
                states.append(turned(ahead, entered(ahead, same[: len(ahead.constants)], states[-1]), rule))
            for state in states[::-1]:
                carried = turned(turn, entered(turn, [*same, *state], carried), rule)
        return [np.array(x.value) for x in carried]


def entered(turn: Turn, constants: Sequence[Any], carried: Sequence[Any]) -> dict[Var, Any]:
    """Return what a turn knows when it begins."""
    known = {var: lift(array) for var, array in turn.literals.items()}
    return {**known, **dict(zip(turn.constants, constants)), **dict(zip([given for given, _ in turn.carried], carried))}


def turned(turn: Turn, env: dict[Var, Any], rule: Rule, history: bool = False) -> list[Any]:
    """Return what a turn hands on."""
    evaluate(turn.equations, env, rule, history)
    return [env[made] for _, made in turn.carried]


@dataclass(eq=False)
class Heard:
    """A turn that was run with some of its inputs as leaves."""

    capture: Capture
    leaves: list[AbstractTensor]
    ends: list[AbstractTensor]


class Backward:
    """The backward pass of a turn: the vector-Jacobian product of what it hands on, by all it is given that `needs` it.

    `carried` and `constants` say of which of its inputs it gives cotangents; those of constants are added up. `more` are the
    tensors that derivative rules have made of nothing.
    """

    def __init__(self, turn: Turn, arrays: list[np.ndarray], needs: Sequence[bool]):
        first = len(turn.constants)
        wanted = list(needs)
        heard = run(turn, arrays, wanted)
        while any(end.node is not None and not known for end, known in zip(heard.ends, wanted[first:])):
            # what a turn hands on with a history, the next one is given
            wanted[first:] = [known or end.node is not None for end, known in zip(heard.ends, wanted[first:])]
            heard = run(turn, arrays, wanted)
        self.capture, self.leaves = heard.capture, heard.leaves
        self.carried = [n for n, yes in enumerate(wanted[first:]) if yes]
        self.constants: list[int] = []
        ends = [heard.ends[n] for n in self.carried]
        with modes.Setting((modes.recorder, self.capture), (modes.grad_enabled, False), (modes.rehearsal, outlined)):
            pairs = self.pulled(ends, [n for n, yes in enumerate(wanted) if yes], first)
        if self.capture.refusal is not None or self.capture.read_numbers:
            raise NotImplementedError(self.capture.refusal or "a number is read from a tensor on the backward pass")
        inputs, self.more = self.capture.inputs, list(self.capture.captured.values())
        constants = [*inputs[:first], *self.capture.captured, *inputs[first : len(arrays)]]
        self.turn = Turn(self.capture.equations, self.capture.literals, constants, [], pairs, [], [])

    def pulled(self, ends: list[AbstractTensor], wanted: list[int], first: int) -> list[tuple[Var, Var]]:
        """Return the cotangents and sums that the turn back is given, with what it hands on instead."""
        gs = [self.argument(end) for end in ends]
        xs = [self.leaves[n] for n in wanted]
        led = [n for n, end in enumerate(ends) if end.node is not None]
        ys, cotangents = [ends[n] for n in led], [gs[n] for n in led]
        found = gradients(ys, xs, cotangents, retain_graph=True, allow_unused=True) if led else (None,) * len(xs)
        made: dict[int, Any] = dict(zip(wanted, found))
        pairs = [(g, self.zeros(g) if made[first + n] is None else made[first + n]) for n, g in zip(self.carried, gs)]
        self.constants = [n for n in wanted if n < first and made[n] is not None]
        sums = [self.argument(self.leaves[n]) for n in self.constants]
        pairs += [(total, total + made[n]) for n, total in zip(self.constants, sums)]
        return [(self.capture.read(given), self.capture.read(to)) for given, to in pairs]

    def argument(self, like: AbstractTensor) -> AbstractTensor:
        """Return a further input of the turn, which lies densely."""
        x = lift(np.zeros(like.value.shape, like.value.dtype))
        self.capture.argument(x)
        return x

    def zeros(self, like: AbstractTensor) -> AbstractTensor:
        """Return zeros."""
        zero = lift(np.zeros((), like.value.dtype))
        self.capture.literal(zero)
        return zero.expand(like.value.shape)  # type: ignore[attr-defined]


def run(turn: Turn, arrays: list[np.ndarray], wanted: Sequence[bool]) -> Heard:
    """Run a turn, with the inputs that are wanted as leaves."""
    capture = Capture()
    leaves = [leaf_like(array.view(), yes) for array, yes in zip(arrays, wanted)]
    for x in leaves:
        capture.argument(x)
    with modes.Setting((modes.recorder, capture), (modes.grad_enabled, True)):
        env = entered(turn, leaves[: len(turn.constants)], leaves[len(turn.constants) :])
        for var in turn.literals:
            capture.literal(env[var])
        ends = turned(turn, env, lambda equation, *xs: apply(equation.op, *xs), True)
    return Heard(capture, leaves, ends)


def leaf_like(array: np.ndarray, wanted: bool) -> Any:
    """Return a tensor over the same memory, a leaf if it is wanted."""
    y = lift(array)
    if wanted:
        y.node = Leaf(y)
    return y
