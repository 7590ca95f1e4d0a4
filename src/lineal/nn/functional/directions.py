"""One direction of a recurrent layer over a whole sequence: step by step, and natively once it has gone through many steps.

In eager code a step is a dozen small ops, with as many nodes behind them. What has taken `LEAST` steps of one kind becomes a
compiled function: then its steps are one loop, its backward pass is another, and what it saves is stacked. Second derivatives
are those of the ops. A compilation takes about as long as so many steps. `set_recurrent_layers` says otherwise.

Who compiles hears one op for all steps with as many rows (`compiler.scan`); who exports, one for the layer.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.base.blas import RECURRENT
from lineal.core import Op, apply, lift, modes
from lineal.nn.functional.cells import MODES, Mode, State

__all__ = ["Weights", "through_layer"]

compiler: Any = later.module("lineal.compiler")

LEAST = 1000
"""From how many steps on a layer is compiled."""
SHORTEST = 8
"""How many steps a sequence has at least, to be a loop."""
KINDS = 256
"""Of how many kinds of layers and sequences steps are counted."""


class Weights(NamedTuple):
    """The weights of one direction of one layer; `w_hr` projects the state h."""

    w_ih: Any
    w_hh: Any
    b_ih: Any = None
    b_hh: Any = None
    w_hr: Any = None


counts: Counter[Any] = Counter()


def through_layer(
    mode: Mode, x: Any, sizes: Sequence[int] | None, start: State, w: Weights, reverse: bool
) -> tuple[Any, State]:
    """Return what `through_time` gives, natively if that pays; whoever listens hears the ops, or the layer as one."""
    if sizes is None and is_told_layers() and w.w_hr is None:
        present = tuple([each is not None for each in w])
        given = [each for each in (*start, *w) if each is not None]
        y, *state = apply(RecurrentLayer(mode, reverse, present), x, *given)
        return y, tuple(state)
    if sizes is None and modes.recorder.get() is None and x.shape[0] >= SHORTEST and is_plain(x):
        present = tuple([each is not None for each in w])
        if has_taken_many((mode.name, reverse, present, x.shape, x.value.dtype, w.w_hh.shape), x.shape[0]):
            return native(mode.name, reverse, len(start), present)(x, *start, *[each for each in w if each is not None])
    return through_time(mode, x, sizes, start, w, reverse)


def is_plain(x: Any) -> bool:
    """Return whether programs compute with the numbers of a tensor."""
    return isinstance(x.value, np.ndarray) and x.value.dtype.name in ("float32", "float64")


def has_taken_many(kind: Any, steps: int) -> bool:
    """Count the steps of a kind of layer and sequence; return whether there have been many before, or the user's wish."""
    wanted = RECURRENT.get()
    if wanted != "auto":
        return wanted == "native"
    many = counts[kind] >= LEAST
    if not many:
        if len(counts) > KINDS:
            counts.clear()
        counts[kind] += steps
    return many


@functools.lru_cache(64)
def native(name: str, reverse: bool, states: int, present: tuple[bool, ...]) -> Any:
    """Return the compiled function of an input, the first states and those of the weights that are there."""
    mode = next(each for each in MODES.values() if each.name == name)

    def layer(x: Any, *given: Any) -> tuple[Any, State]:
        weights = iter(given[states:])
        w = Weights(*[next(weights) if yes else None for yes in present])
        return through_time(mode, x, None, given[:states], w, reverse)

    return compiler.CompiledFunction(layer, silent=True)


def through_time(mode: Mode, x: Any, sizes: Sequence[int] | None, start: State, w: Weights, reverse: bool) -> tuple[Any, State]:
    """Return the outputs of one direction of a layer, in the order of time, and its last state."""
    merged = mode.merged and w.b_ih is not None
    inner = Weights(None, w.w_hh, None, None if merged else w.b_hh, w.w_hr)
    products = ops.linear(x, w.w_ih, w.b_ih + w.b_hh if merged else w.b_ih)
    parts = parted(products, sizes)
    state = tuple([each[: parts[-1 if reverse else 0].shape[-2]] for each in start])
    ended, outputs = [], []
    for part in parts[::-1] if reverse else parts:
        rows, held = part.shape[-2], state[0].shape[0]
        if rows < held:
            ended.append([each[rows:] for each in state])
            state = tuple([each[:rows] for each in state])
        elif rows > held:
            state = tuple([ops.cat([each, first[held:rows]]) for each, first in zip(state, start)])
        if part.ndim == 3:
            y, state = through_loop(mode, part, state, inner, reverse)
            outputs.append(y if sizes is None else y.flatten(0, 1))
        else:
            state = advanced(mode, part, state, inner)
            outputs.append(state[0])
    if ended:
        state = tuple([ops.cat(each) for each in zip(state, *ended[::-1])])
    in_time = outputs[::-1] if reverse else outputs
    if len(parts) == 1 and (sizes is not None or parts[0].ndim == 3):
        return in_time[0], state
    return (ops.stack(in_time) if sizes is None else ops.cat(in_time)), state


def parted(products: Any, sizes: Sequence[int] | None) -> list[Any]:
    """Return the products of the inputs step by step, or of steps with as many rows at once where they are to be one loop."""
    loops = is_told_loops() and is_plain(products)
    if sizes is None:
        return [products] if loops and products.shape[0] >= SHORTEST else list(products.unbind(0))
    counts = [(size, len(list(group))) for size, group in itertools.groupby(sizes)] if loops else [(size, 1) for size in sizes]
    parts: list[Any] = []
    for part, (size, count) in zip(products.split([size * count for size, count in counts], 0), counts):
        many = part.unflatten(0, (count, size)) if count > 1 else part
        parts += [many] if count >= SHORTEST else many.unbind(0) if count > 1 else [part]
    return parts


def is_told_loops() -> bool:
    """Return whether somebody listens who takes a loop for one thing."""
    listener = modes.recorder.get()
    return listener is not None and listener.takes_loops


def is_told_layers() -> bool:
    """Return whether somebody listens who takes a layer for one op: a file that has an operator for it."""
    listener = modes.recorder.get()
    return listener is not None and listener.takes_layers


class RecurrentLayer(Op):
    """y, h(, c) = one direction of a layer over (T, n, features), of the first states and the weights that are `present`."""

    by_arrays = False

    mode: Mode
    reverse: bool
    present: tuple[bool, ...]
    differentiable = False
    no_vjp = "never met: where a backward pass may come, the ops of the steps stand for it"
    no_batch = no_lowering = "never met: only exports hear of layers"

    def eager(self, xp, x, *given):
        states = 2 if self.mode.name == "lstm" else 1
        weights = iter(map(lift, given[states:]))
        w = Weights(*[next(weights) if yes else None for yes in self.present])
        with modes.Setting((modes.recorder, None)):
            y, state = through_time(self.mode, lift(x), None, tuple(map(lift, given[:states])), w, self.reverse)
        return (y.value, *[each.value for each in state])


def through_loop(mode: Mode, steps: Any, state: State, w: Weights, reverse: bool) -> tuple[Any, State]:
    """Return the stacked outputs of steps (T, n, gates) of as many rows, and the last state: one loop of a program."""
    present = [each is not None for each in w]

    def step(same: list[Any], rows: list[Any], state: list[Any]) -> tuple[State, State]:
        weights = iter(same)
        after = advanced(mode, rows[0], tuple(state), Weights(*[next(weights) if yes else None for yes in present]))
        return after, after[:1]

    found = compiler.scan(step, [each for each in w if each is not None], [steps], state, reverse)
    if found is not None:
        return found[1][0], found[0]
    outputs = []
    for each in steps.unbind(0)[:: -1 if reverse else 1]:
        state = advanced(mode, each, state, w)
        outputs.append(state[0])
    return ops.stack(outputs[:: -1 if reverse else 1]), state


def advanced(mode: Mode, x: Any, state: State, w: Weights) -> State:
    """Return the state after a step, from the products of its input."""
    state = mode.step(x, ops.linear(state[0], w.w_hh, w.b_hh), state)
    return state if w.w_hr is None else (ops.linear(state[0], w.w_hr), *state[1:])
