"""Loops that are known to have equal turns: a turn is heard once, and so is its backward pass.

The loop of a layer is one op of a trace, however many turns it has, and so is what its derivative is made of. What a function's
own loop does is traced turn by turn instead, since nobody knows whether its turns are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.compiler.capturing.capture import Capture
from lineal.compiler.capturing.taping import leaf_like
from lineal.compiler.nodes.turns import Rolled, Turn, Walk
from lineal.core import AbstractTensor, apply, gradients, modes
from lineal.core.inplace import Copy
from lineal.ops.conversion import constant
from lineal.ops.structural.slicing import Select
from lineal.tracing import Equation, Var, evaluate

__all__ = ["Scanned", "scan"]

Step = Callable[[list[Any], list[Any], list[Any]], tuple[Sequence[Any], Sequence[Any]]]


def scan(
    step: Step, same: Sequence[Any], xs: Sequence[Any], start: Sequence[Any], reverse: bool
) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """Return the last of what is carried, and all ys stacked, of `carried, ys = step(same, rows, carried)`.

    A turn is given a row of each of `xs`, tensors of one length, at least 2; with `reverse` the last row comes first. `step` is
    a function of what it is given alone: it is called once. None if it does more than to compute, or if what it hands on has
    another shape or dtype than what it is given.
    """
    given, turns = [*same, *xs, *start], len(xs[0].value)
    arrays = outlook([*same, *xs, *start], len(same), len(xs), -1 if reverse else 0)
    first, second = len(same), len(same) + len(xs)
    capture = Capture()
    leaves = entered(capture, arrays, [False] * len(given))
    with modes.Setting((modes.recorder, capture), (modes.grad_enabled, True)):
        carried, ys = step(leaves[:first], leaves[first:second], leaves[second:])
        ends, made = [capture.read(x) for x in carried], [capture.read(y) for y in ys]
    inputs, extra = capture.inputs, capture.captured
    alike = all(end.spec == var.spec for end, var in zip(ends, inputs[second:]))
    if capture.refusal is not None or capture.read_numbers or capture.wrote or not alike:
        return None
    turn = Turn(
        capture.equations,
        capture.literals,
        [*inputs[:first], *extra],
        walked(inputs[first:second], turns, reverse),
        list(zip(inputs[second:], ends)),
        [],
        made,
    )
    given[first:first] = extra.values()
    found = apply(Scanned(turns, owned(turn, capture.new, remembers(given)), reverse), *given)
    return found[: len(ends)], found[len(ends) : len(ends) + len(made)]


def outlook(given: Sequence[Any], same: int, walks: int, row: int) -> list[np.ndarray]:
    """Return what a turn is given of tensors: a row of those behind the first, which are the same in all."""
    return [x.value[row, ...] if same <= n < same + walks else x.value for n, x in enumerate(given)]


def entered(capture: Capture, arrays: Sequence[np.ndarray], wanted: Sequence[bool]) -> list[Any]:
    """Return tensors over the same memory as arguments of a capture, leaves where they are wanted."""
    leaves = [leaf_like(array.view(), yes) for array, yes in zip(arrays, wanted)]
    for x in leaves:
        capture.argument(x)
    return leaves


def walked(variables: Sequence[Var], turns: int, reverse: bool) -> list[Walk]:
    """Return the walks along the rows of something, from the last one on if it is in `reverse`."""
    first, second = (turns - 1, turns - 2) if reverse else (0, 1)
    return [Walk(var, Select(0, first), Select(0, second)) for var in variables]


def remembers(xs: Sequence[Any]) -> bool:
    """Return whether what is made of tensors has a history."""
    return modes.grad_enabled.get() and any(x.node is not None for x in xs)


def owned(turn: Turn, new: Callable[[np.ndarray], Var], whole: bool) -> Turn:
    """Return a turn whose results it makes itself, no views; of the `whole` turn all that it is handed and makes is stacked."""
    equations = list(turn.equations)
    steps = [each for each in equations if each.op.aliasing is None]
    made = {var for each in steps for var in each.outputs}
    handed = [given for given, _ in turn.carried] if whole else []
    stacked = []
    for var in [*turn.stacked, *handed]:
        if var not in made:
            copy = new(np.broadcast_to(np.empty((), var.spec.storage), tuple(var.spec.shape)))
            equations.append(Equation(Copy("C"), (var,), (copy,)))
            var = copy
        stacked.append(var)
    if whole:
        stacked += dict.fromkeys(var for each in steps for var in each.outputs if var not in stacked)
    return replace(turn, equations=equations, stacked=stacked)


class Scanned(Rolled):
    """ys = the last of what is carried, then what is wanted of every turn, then what the backward pass may read of it.

    The turns go along the first axis of what they walk along and stack, from its end on with `reverse`.
    """

    keeps = "* y"
    no_vjp = ""
    no_batch = "met on the backward pass alone, where each slice takes a loop: those of all slices are equal turns again"
    differentiable = True

    def __init__(self, turns: int, turn: Turn, reverse: bool):
        super().__init__(turns, turn, None, reverse)

    def vjp(self, needs, g, y, *xs):
        back = Backward(self, needs, g, xs)
        if not back.wanted:
            return (None,) * len(xs)
        given = back.given(g, y, xs)
        turn = owned(back.turn, back.capture.new, remembers(given))
        op = Scanned(self.turns or 0, turn, not self.reverse)
        made = apply(op, *given)
        found = dict(zip(back.wanted, made if op.width else (made,)))
        return tuple([found.get(n) for n in range(len(xs))])


class Backward:
    """The turn of a backward pass: the vector-Jacobian product of a turn, of what it hands on and what is wanted of every turn.

    `wanted` are the inputs of the loop by which there are derivatives, in the order of what the turns make: what is carried,
    the sums for what is the same in all turns, what belongs to rows.
    """

    def __init__(self, op: Scanned, needs: Sequence[bool], g: Sequence[Any], xs: Sequence[Any]):
        self.op, turn = op, op.turn
        self.first, self.second = len(turn.constants), len(turn.constants) + len(turn.walks)
        arrays = outlook(xs, self.first, len(turn.walks), -1 if op.reverse else 0)
        leads = list(needs)
        self.run(arrays, leads)
        while any(end.node is not None and not known for end, known in zip(self.ends, leads[self.second :])):
            # what a turn hands on with a history, the next one is given
            leads[self.second :] = [known or end.node is not None for end, known in zip(self.ends, leads[self.second :])]
            self.run(arrays, leads)
        self.carried = [n for n, yes in enumerate(leads[self.second :]) if yes]
        count = len(turn.carried)
        self.told = [n for n, var in enumerate(turn.stacked) if g[count + n] is not None and self.env[var].node is not None]
        with modes.Setting((modes.recorder, self.capture), (modes.grad_enabled, True)):
            self.pull([n for n, yes in enumerate(leads) if yes])

    def run(self, arrays: Sequence[np.ndarray], leads: Sequence[bool]) -> None:
        """Run a turn whose inputs are leaves where they lead somewhere."""
        turn, self.capture = self.op.turn, Capture()
        self.leaves = entered(self.capture, arrays, leads)
        variables = [*turn.constants, *(walk.var for walk in turn.walks), *(given for given, _ in turn.carried)]
        with modes.Setting((modes.recorder, self.capture), (modes.grad_enabled, True)):
            self.env = dict(zip(variables, self.leaves))
            for var, array in turn.literals.items():
                self.env[var] = leaf_like(array, False)
                self.capture.literal(self.env[var])
            evaluate(turn.equations, self.env, lambda equation, *xs: apply(equation.op, *xs))
            self.ends = [self.env[to] for _, to in turn.carried]
            copied = {each.outputs[0]: each.inputs[0] for each in turn.equations if type(each.op) is Copy}
            self.rows = {self.capture.read(self.env[copied.get(var, var)]): n for n, var in enumerate(turn.stacked)}
            """Which of what is stacked a variable of the capture is."""

    def pull(self, leads: list[int]) -> None:
        """Go back through the turn, and put together what it takes."""
        capture, turn = self.capture, self.op.turn
        gs = [self.argument(self.ends[n]) for n in self.carried]
        told = [self.env[turn.stacked[n]] for n in self.told]
        hs = [self.argument(y) for y in told]
        led = [(end, g) for end, g in zip([self.ends[n] for n in self.carried], gs) if end.node is not None]
        led += zip(told, hs)
        ys, cotangents = [y for y, _ in led], [g for _, g in led]
        leaves = [self.leaves[n] for n in leads]
        found = gradients(ys, leaves, cotangents, create_graph=True, allow_unused=True) if led else (None,) * len(leads)
        made = {n: each for n, each in zip(leads, found) if each is not None}
        places = [self.second + n for n in self.carried]
        pairs = [(g, made[n] if n in made else zeros_like(g)) for n, g in zip(places, gs)]
        sums = [n for n in made if n < self.first]
        pairs += [(total, total + made[n]) for n, total in zip(sums, [self.argument(self.leaves[n]) for n in sums])]
        rows = [n for n in made if self.first <= n < self.second]
        self.sums, self.wanted = sums, [*places, *sums, *rows]
        self.put_together([(capture.read(a), capture.read(b)) for a, b in pairs], hs, [capture.read(made[n]) for n in rows])

    def put_together(self, pairs: list[tuple[Var, Var]], hs: list[Any], stacked: list[Var]) -> None:
        """Make the turn back of what it carries, of the cotangents of rows, and of what it stacks."""
        capture = self.capture
        equations, read = needed(capture.equations, [*(to for _, to in pairs), *stacked], set(self.rows))
        inputs = capture.inputs
        self.same = [n for n, var in enumerate(inputs[: self.first]) if var in read]
        self.along = [n for n in range(self.first, self.second) if inputs[n] in read and inputs[n] not in self.rows]
        self.again = [var for var in self.rows if var in read]
        self.more = [x for var, x in capture.captured.items() if var in read]
        constants = [*(inputs[n] for n in self.same), *(var for var in capture.captured if var in read)]
        along = [*(inputs[n] for n in self.along), *self.again, *map(capture.read, hs)]
        walks = walked(along, self.op.turns or 0, not self.op.reverse)
        self.turn = Turn(equations, capture.literals, constants, walks, pairs, [], stacked)

    def given(self, g: Sequence[Any], y: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        """Return what the loop back is given: of the cotangents `g`, what the turns made, and what they were given."""
        count = len(self.op.turn.carried)
        rows = [*(xs[n] for n in self.along), *(y[count + self.rows[var]] for var in self.again)]
        rows += [g[count + n] for n in self.told]
        ends = [zeros_like(y[n]) if g[n] is None else g[n] for n in self.carried]
        return [*(xs[n] for n in self.same), *self.more, *rows, *ends, *(zeros_like(xs[n]) for n in self.sums)]

    def argument(self, like: AbstractTensor) -> AbstractTensor:
        """Return a further input of the turn, which lies densely."""
        return entered(self.capture, [np.zeros(like.value.shape, like.value.dtype)], [False])[0]


def zeros_like(x: AbstractTensor) -> Any:
    """Return zeros of a tensor's shape and dtype."""
    return constant(0.0, dtypes.of(x.value.dtype)).expand(x.value.shape)


def needed(equations: Sequence[Equation], wanted: Sequence[Var], known: set[Var]) -> tuple[list[Equation], set[Var]]:
    """Return the equations that make what is wanted of what is known, and all that is read."""
    read, kept = set(wanted), []
    for each in reversed(equations):
        if not read.isdisjoint([var for var in each.outputs if var not in known]):
            kept.append(each)
            read.update(each.inputs)
    return kept[::-1], read
