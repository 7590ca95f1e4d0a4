"""Checkpointing: what a part of a function computes is not kept for the backward pass, but computed again there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, Op, apply, enable_grad, gradients, lift, modes
from lineal.ops.structural.reshape import View
from lineal.tracing import Equation, GraphRecorder, Place, Read, Var, evaluate, record

__all__ = ["checkpoint", "checkpoint_sequential"]

R = TypeVar("R")

MOST_KEPT = 1 << 12
"""Up to how many elements of what a function overwrites are kept: generators' states, running averages."""


class Remembering(GraphRecorder):
    """A recorder that keeps what small tensors from outside held when they were reached, in case they are overwritten."""

    takes_draws = True

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[Var, np.ndarray] = {}

    def refuse(self, why: str) -> None:
        """Note that the trace is not what the function does, which is then kept whole."""
        self.refusal = self.refusal or why

    def watched(self, what: str) -> None:
        """Hear of a hook on the backward pass, which a part that is computed again would not have."""
        self.refuse(what)

    def reach(self, x: AbstractTensor) -> Place:
        place = super().reach(x)
        if place.storage.captured is x and x.node is None and x.value.size <= MOST_KEPT:
            self.before[place.storage.var] = x.value.copy()
        return place


class Part:
    """The pure trace of a part of a function, from its inputs (arguments, and all else that it reached) to its outputs."""

    def __init__(self, heard: Remembering, results: Sequence[AbstractTensor]):
        self.outputs = [heard.result(y) for y in results]
        written = {id(each.captured) for each in heard.storages() if each.written}
        own = heard.own()
        overwritten = [var for key, var in own.items() if key in written]
        self.repeatable = heard.refusal is None and all(var in heard.before for var in overwritten)
        """Whether the trace is all that was done, and what it has overwritten is known."""
        self.known = {var: lift(heard.before[var]) for var in overwritten if var in heard.before}
        self.known |= {var: lift(array) for var, array in heard.literals.items()}
        read = {id(x): x for x in (*heard.arguments, *heard.captured.values()) if own[id(x)] not in self.known}
        self.inputs = [own[key] for key in read]
        self.equations, self.effects = heard.equations, heard.effects
        self.read = list(read.values())
        """The tensors that its inputs were, until they are an op's."""

    def again(self, xs: Sequence[Any]) -> list[Any]:
        """Return the outputs for the inputs `xs`, computed again; what has an effect is not done, but told."""
        env: dict[Var, Any] = {**self.known, **dict(zip(self.inputs, xs))}
        evaluate(self.equations, env, self.rule)
        return [env[var] for var in self.outputs]

    def rule(self, equation: Equation | Read, *xs: Any) -> Any:
        """Return what an equation gives; the numbers are what they were, so nothing has to be looked at."""
        if isinstance(equation, Read):
            return ()
        told = tuple(map(self.effects.get, equation.outputs))
        with modes.Setting((modes.rehearsal, lambda op, xs: told if op.width else told[0])):
            return apply(equation.op, *xs)


class Recompute(Op):
    """ys = what a part of a function gave of all xs that it read; the vjp computes the part again and goes back through it."""

    by_arrays = False

    part: Part
    values: list[np.ndarray]
    """The outputs, until they are handed out."""
    grad_name = "CheckpointFunctionBackward"
    no_batch = no_lowering = "never met: where somebody listens, the function itself runs"
    keeps = "*"

    def run(self, xs):
        values = self.values.copy()
        self.values.clear()
        return tuple(values) if len(values) > 1 else values[0]

    def eager(self, xp, *xs):
        raise NotImplementedError

    def vjp(self, needs, g, y, *xs):
        history, gs = modes.grad_enabled.get(), g if isinstance(g, tuple) else (g,)
        with enable_grad():
            # inputs may be the same tensor, or one be computed from another: each is looked at through a node of its own
            heads = [apply(View(x.value.shape), x) if need else x.detach() for x, need in zip(xs, needs)]
            ys = self.part.again(heads)
        pairs = [(y, each) for y, each in zip(ys, gs) if each is not None and y.node is not None]
        targets = [x for x, need in zip(heads, needs) if need]
        outputs, cotangents = [y for y, _ in pairs], [each for _, each in pairs]
        found = iter(gradients(outputs, targets, cotangents, None, history, True) if pairs else [None] * len(targets))
        return tuple([next(found) if need else None for need in needs])


def checkpoint(
    function: Callable[..., R], *args: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True, **kwargs: Any
) -> R:
    """Return `function(*args, **kwargs)`, of which the backward pass keeps the inputs alone and computes the rest again.

    Derivatives are the same, of any order, by arguments and by whatever else the function reaches; random numbers are drawn
    again as they were, and what the function writes in place is not written twice. `use_reentrant` and `preserve_rng_state`
    are accepted for PyTorch's sake. A function that overwrites large tensors from outside or registers hooks is kept as it
    is, and so is one in a compiled function, which plans its memory itself.
    """
    unknown = kwargs.keys() & {"context_fn", "determinism_check", "debug", "early_stop"}
    for each in unknown:
        del kwargs[each]
    if not modes.grad_enabled.get() or modes.recorder.get() is not None:
        return function(*args, **kwargs)
    heard = Remembering()
    for x in tree.leaves((args, kwargs)):
        if isinstance(x, AbstractTensor):
            heard.argument(x)
    result = record(heard, function, *args, **kwargs)
    given = {id(x) for x in heard.arguments} | set(heard.outside)
    results = (y for y in tree.leaves(result) if isinstance(y, AbstractTensor) and y.node is not None)
    made = {id(y): y for y in results if id(y) not in given}
    part = Part(heard, list(made.values()))
    if not made or not part.repeatable:
        return result
    ys = apply(Recompute(part, [y.value for y in made.values()]), *part.read)
    part.read = []
    kept = dict(zip(made, ys if isinstance(ys, tuple) else (ys,)))
    return tree.transform(lambda y: kept.get(id(y), y), result)


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """Return `input` through all functions, one after the other, each of `segments` parts checkpointed but the last."""
    several = list(functions)
    size = max(1, len(several) // segments)

    def run(first: int, last: int) -> Callable[[Any], Any]:
        def part(x: Any) -> Any:
            for each in several[first:last]:
                x = each(x)
            return x

        return part

    start = 0
    for _ in range(segments - 1):
        input = checkpoint(run(start, start + size), input, use_reentrant=use_reentrant, **kwargs)
        start += size
    return run(start, len(several))(input)
