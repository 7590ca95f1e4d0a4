"""Batched replay: what a function did to one slice is done to the whole batch, equation by equation."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from lineal.base.errors import UnsupportedError
from lineal.core import AbstractTensor, Op, apply, lift, modes, write
from lineal.ops.creation import Empty, Full
from lineal.ops.premise import Expectation, Premise
from lineal.ops.random.generator import Advance
from lineal.ops.random.sampling import Sample
from lineal.ops.structural.stacking import stack
from lineal.tracing import Equation, GraphRecorder, Var, Write
from lineal.transforms.batching import rule_of

__all__ = ["BatchRecorder", "Violated", "replay"]


class Violated(Exception):  # noqa: N818 - not an error: another slice is to be looked at
    """Slice `place` is not as the function saw the slice that it ran on, and decided by; None if it is not known which."""

    def __init__(self, place: int | None):
        super().__init__(place)
        self.place = place


class Escaped:
    """Stands for the array of a tensor that was one slice, once the function that was mapped has returned."""

    __slots__ = ("dtype", "ndim", "shape")

    def __init__(self, array: np.ndarray):
        self.shape, self.ndim, self.dtype = array.shape, array.ndim, array.dtype

    def refuse(self, *_: Any, **__: Any) -> Any:
        """Raise RuntimeError."""
        raise RuntimeError(
            f"vmap: a tensor (shape {list(self.shape)}) was used that may have escaped from inside a function being "
            "vmapped; it stood for one slice of a batch, so return it from the function instead"
        )

    def __getattr__(self, name: str) -> Any:
        return self.refuse()

    __array__ = __array_ufunc__ = __array_function__ = __array_namespace__ = refuse
    __getitem__ = __len__ = __iter__ = __bool__ = refuse


class BatchRecorder(GraphRecorder):
    """Hears what a function does to one slice, writes down what depends on the batch, tells the rest to the outer recorder.

    What is made inside (zeros, ones) may be written to with batched values later, so it is written down too. Until that happens
    it is the same for every slice: the outer recorder hears of it, and Python may look at it.
    """

    thorough = True

    def __init__(self, outer: modes.Recorder | None, randomness: str):
        super().__init__()
        self.outer = outer
        self.randomness = randomness
        self.captured: list[tuple[AbstractTensor, int]] = []
        self.same: set[Var] = set()
        """The variables of what is the same for every slice, unless its memory is in `varied`."""
        self.varied: set[int] = set()
        self.states: dict[int, tuple[AbstractTensor, np.ndarray]] = {}
        """The generators' states that were drawn from, with what they were before."""
        self.changes = False
        """Whether the function wrote to a tensor from outside, other than a generator's state."""
        self.unmet: list[int] = []
        """The slices of which eager code may warn."""

    def var(self, x: AbstractTensor) -> Var:
        found = self.find(x)
        if found is None:
            found = super().var(x)
            self.captured.append((x, 0 if x.memory is None else x.memory.version))
        self.expect_fresh(found)
        return found

    def looks(self, view: AbstractTensor, copy: AbstractTensor, base: AbstractTensor) -> None:
        if self.is_written_down(copy):
            super().looks(view, copy, base)
        elif self.outer is not None:
            self.outer.looks(view, copy, base)

    def is_written_down(self, x: AbstractTensor) -> bool:
        """Return whether `x` is made by equations of this graph, or is a slice of an argument."""
        found = self.find(x)
        return found is not None and found not in self.graph.constants

    def is_batched(self, x: AbstractTensor) -> bool:
        """Return whether `x` differs from slice to slice."""
        found = self.find(x)
        if found is None or found in self.graph.constants:
            return False
        return found not in self.same or id(x.memory) in self.varied

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        if isinstance(op, Sample | Advance):
            self.check_draw(op, xs)
        batched, drawn = any(self.is_batched(x) for x in xs), isinstance(op, Sample)
        if drawn and self.randomness == "different":
            state = self.add(xs[0])
            self.graph.constants[state] = xs[0]
            batched = True
        if not batched and self.outer is not None:
            self.outer.record(op, xs, ys)
        if batched or isinstance(op, Full | Empty) or (not drawn and any(self.is_written_down(x) for x in xs)):
            super().record(op, xs, ys)
            if not batched:
                self.same.update([self.tensors[id(y)] for y in ys])

    def check_draw(self, op: Op, xs: tuple[AbstractTensor, ...]) -> None:
        """Refuse random numbers where it was not said whose they are; note the state they come from."""
        if self.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            )
        if self.randomness == "same" and any(self.is_batched(x) for x in xs):
            raise RuntimeError(
                f"vmap: {op.name}: randomness='same' with a batched tensor of parameters is not supported; use 'different'"
            )
        if isinstance(op, Advance):
            self.states.setdefault(id(xs[0]), (xs[0], xs[0].value.copy()))

    def heeds(self, setting: ContextVar) -> bool:
        if self.outer is not None:
            self.outer.heeds(setting)
        return True

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        if self.is_batched(source) and not self.is_written_down(target):
            raise RuntimeError(
                "vmap: inplace arithmetic is not possible because the tensor written to (shape "
                f"{list(target.value.shape)}) is not "
                "batched, but the values are; use the out-of-place form, or make it from a batched tensor with zeros_like"
            )
        batched = self.is_batched(target) or self.is_batched(source)
        if not batched and self.outer is not None:
            self.outer.record_write(target, source)
        if self.is_written_down(target):
            if batched:
                self.varied.add(id(target.memory))
            super().record_write(target, source)
        elif id(target) not in self.states:
            self.changes = True

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        if not self.is_batched(tensor):
            if self.outer is not None:
                self.outer.concretize(tensor, kind)
        elif kind is bool:
            raise RuntimeError(
                "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We "
                "don't support that "
                "yet; use where() to choose between values that are both computed"
            )
        else:
            raise RuntimeError(
                "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
                ".item() on a Tensor, "
                f"please try to rewrite what you're doing with other operations (a {kind.__name__} was read)"
            )

    def check_captured(self) -> None:
        """Refuse to replay with tensors from outside that the function changed after it had used them."""
        for x, version in self.captured:
            if x.memory is not None and x.memory.version != version:
                raise UnsupportedError(
                    f"vmap: a tensor from outside (shape {list(x.value.shape)}) was combined with a batched one "
                    "and then changed in "
                    "place within the function; change it after vmap"
                )

    def require_repeatable(self) -> None:
        """Refuse to run a function again that changes what lies outside of it."""
        if self.changes:
            raise UnsupportedError(
                "vmap: the slices do not all fit the same algorithm, so the function has to run on another one, but it changes "
                "a tensor from outside, which it would do more than once; change that outside of vmap"
            )

    def close(self) -> None:
        """Make the tensors that stood for one slice useless, now that they would be taken for results.

        What was made the same for every slice, and written to later, the outer recorder knows by its array, which stays.
        """
        for x, _ in self.alive:
            if isinstance(x.value, np.ndarray) and self.is_batched(x) and (self.outer is None or self.find(x) not in self.same):
                x.value = Escaped(x.value)  # type: ignore[assignment]


def replay(recorder: BatchRecorder, values: dict[Var, Any], size: int) -> None:
    """Run the recorded equations on batches (batch dimension first), adding every result to `values`.

    Raises Violated, with nothing written, where a slice is not as the function relied upon. Slices that are not as it expected
    are left in `recorder.unmet`.
    """
    recorder.check_captured()
    equations = recorder.graph.equations
    relied = [place for place, each in enumerate(equations) if isinstance(each, Equation) and isinstance(each.op, Premise)]
    if relied and any(isinstance(each, Write) for each in equations[: relied[-1]]):
        # what is written cannot be taken back, so premises are looked at first, on copies
        with modes.Setting((modes.recorder, None), (modes.grad_enabled, False)):
            drawn = [(state, state.value.copy()) for state, _ in recorder.states.values()]
            copies = {var: lift(x.value.copy()) for var, x in values.items()}
            evaluate(recorder, equations[: relied[-1] + 1], copies, size)
            for state, before in drawn:
                write(state, lift(before), "vmap")
        recorder.unmet.clear()
    evaluate(recorder, equations, values, size)


def evaluate(recorder: BatchRecorder, equations: list, values: dict[Var, Any], size: int) -> None:
    """Run equations on batches, in order."""
    constants = recorder.graph.constants
    views: dict[Var, Var] = {}
    written = False
    history = modes.grad_enabled.get()
    for each in equations:
        with modes.Setting((modes.grad_enabled, each.grad and history)):
            if isinstance(each, Write):
                rewrite(each, values, constants, views, size)
                written = True
                continue
            if isinstance(each.op, Premise):
                examine(recorder, each, values, size)
            if each.op.aliasing == "view":
                views.update(dict.fromkeys(each.outputs, each.inputs[0]))
            try:
                made = run(each, values, constants, size)
            except Exception as error:
                if written:
                    raise
                # one slice may be to blame, which then says so itself
                raise Violated(None) from error
            values.update(zip(each.outputs, made if isinstance(made, tuple) else (made,)))


def examine(recorder: BatchRecorder, equation: Equation, values: dict[Var, Any], size: int) -> None:
    """Look at a premise in every slice: raise Violated, or note where an expectation is not met."""
    holds = values[equation.inputs[0]].value
    if not size or holds.all():
        return
    places = np.flatnonzero(~holds.reshape(size, -1).all(1)).tolist()
    if not isinstance(equation.op, Expectation):
        raise Violated(places[0])
    recorder.unmet += places


def run(equation: Equation, values: dict[Var, Any], constants: dict[Var, Any], size: int) -> Any:
    """Return what one equation makes of batches."""
    marks = tuple([var in values for var in equation.inputs])
    xs = [values[var] if mark else constants[var] for var, mark in zip(equation.inputs, marks)]
    rule = rule_of(equation.op)
    if rule is not None:
        made = rule(equation.op, size, marks, *xs)
        if made is not NotImplemented:
            return made
    return loop(equation.op, size, marks, *xs, outputs=equation.outputs)


def loop(op: Op, size: int, marks: tuple[bool, ...], *xs: Any, outputs: tuple[Var, ...]) -> Any:
    """Run `op` slice by slice and stack: the way of ops without a rule."""
    if size == 0:
        return tuple([constant_zeros((0, *var.spec.shape), var.spec.storage) for var in outputs])
    slices = [apply(op, *[x[place] if mark else x for x, mark in zip(xs, marks)]) for place in range(size)]
    if isinstance(slices[0], tuple):
        return tuple([stack(each) for each in zip(*slices)])
    return stack(slices)


def constant_zeros(shape: tuple[int, ...], storage: np.dtype) -> Any:
    """Return a constant of zeros."""
    return lift(np.zeros(shape, storage))


def rewrite(each: Write, values: dict[Var, Any], constants: dict[Var, Any], views: dict[Var, Var], size: int) -> None:
    """Do a write of one slice to the whole batch, in place."""
    target, var = values[each.target], each.target
    while var in views:
        var = views[var]
        if size and not np.may_share_memory(values[var].value, target.value):
            raise UnsupportedError(
                f"vmap: the batch of a view of shape {list(each.target.spec.shape)} is a copy, so a write in "
                "place would be lost; "
                "use the out-of-place form"
            )
    source = values[each.source] if each.source in values else constants[each.source]
    if source.value.shape != target.value.shape:
        source = source.expand(target.value.shape)
    write(target, source, "vmap")
