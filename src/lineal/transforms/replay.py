"""Batched replay: what a function did to one slice is done to the whole batch, equation by equation."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from lineal.base.errors import UnsupportedError
from lineal.core import AbstractTensor, Op, apply, lift, modes, write
from lineal.core.inplace import preserve
from lineal.core.op import next_id
from lineal.ops.conversion import is_literal
from lineal.ops.creation import Empty, Full
from lineal.ops.premise import Expectation, Premise
from lineal.ops.random.generator import Advance
from lineal.ops.random.sampling import Sample
from lineal.ops.structural.stacking import stack
from lineal.tracing import Equation, Place, PureRecorder, Var, evaluate
from lineal.transforms.batching import rule_of

__all__ = ["Apart", "BatchRecorder", "Violated", "replay"]


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


class Apart(BaseException):
    """The function is to run on each slice by itself: what it does to one is not what it does to all.

    It has an effect, or two histories over one memory, or hooks that are shown cotangents. No handler of the function's is to
    take it.
    """


class BatchRecorder(PureRecorder):
    """Hears what a function does to one slice, writes down what depends on the batch, tells the rest to the outer recorder.

    What is made inside (zeros, ones) may be written to with batched values later, so it is written down too. Until that happens
    it is the same for every slice: the outer recorder hears of it, and Python may look at it.
    """

    thorough = True

    def __init__(self, outer: modes.Recorder | None, randomness: str):
        super().__init__()
        self.outer = outer
        self.randomness = randomness
        self.batched: set[Var] = set()
        """The variables of what differs from slice to slice."""
        self.told: set[int] = set()
        """The arrays that the outer recorder has heard of."""
        self.versions: list[tuple[AbstractTensor, int]] = []
        """The tensors from outside, with how often they had been written."""
        self.states: dict[int, tuple[AbstractTensor, np.ndarray]] = {}
        """The generators' states that were drawn from, with what they were before."""
        self.changes = False
        """Whether the function wrote to a tensor from outside, other than a generator's state."""
        self.unmet: list[int] = []
        """The slices of which eager code may warn."""

    def argument(self, x: AbstractTensor) -> None:
        super().argument(x)
        self.batched.add(self.inputs[-1])

    def refuse(self, why: str) -> None:
        raise Apart(why)

    def append(self, equation: Equation) -> None:
        super().append(equation)
        drawn = isinstance(equation.op, Sample) and self.randomness == "different"
        if drawn or not self.batched.isdisjoint(equation.inputs):
            self.batched.update(equation.outputs)

    def reach(self, x: AbstractTensor) -> Place:
        self.versions.append((x, 0 if x.memory is None else x.memory.version))
        # a view is itself, and not what it looks into, of which the outer recorder may not have heard
        return super().reach(x) if is_literal(x) else self.capture(x)

    def looks(self, view: AbstractTensor, copy: AbstractTensor, base: AbstractTensor) -> None:
        if self.is_written_down(copy):
            super().looks(view, copy, base)
        elif self.outer is not None:
            self.outer.looks(view, copy, base)

    def is_written_down(self, x: AbstractTensor) -> bool:
        """Return whether `x` is made by equations of this trace, or is a slice of an argument."""
        place = self.places.get(id(x.value))
        if place is None or place.storage.var in self.literals:
            return False
        captured = place.storage.captured
        return captured is None or any(captured is each for each in self.arguments)

    def is_batched(self, x: AbstractTensor) -> bool:
        """Return whether `x` differs from slice to slice."""
        place = self.places.get(id(x.value))
        if place is None:
            return False
        var = place.var if place.version == place.storage.version and not place.storage.stale else None
        return (self.read_memory(x) if var is None else var) in self.batched

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        if isinstance(op, Sample | Advance):
            self.check_draw(op, xs)
        drawn = isinstance(op, Sample)
        batched = (drawn and self.randomness == "different") or any(self.is_batched(x) for x in xs)
        if not batched and self.outer is not None:
            self.outer.record(op, xs, ys)
            self.told.update([id(y.value) for y in ys])
        if batched or isinstance(op, Full | Empty) or (not drawn and any(self.is_written_down(x) for x in xs)):
            super().record(op, xs, ys)

    def check_draw(self, op: Op, xs: tuple[AbstractTensor, ...]) -> None:
        """Refuse random numbers where it was not said whose they are; note the state they come from."""
        if self.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            )
        if self.randomness == "same" and any(self.is_batched(x) for x in xs):
            raise RuntimeError(
                f"vmap: {op.key}: randomness='same' with a batched tensor of parameters is not supported; use 'different'"
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
        if not self.is_batched(target) and not self.is_batched(source) and self.outer is not None:
            self.outer.record_write(target, source)
        if self.is_written_down(target):
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

    def decides(self, tensor: AbstractTensor) -> None:
        if not self.is_batched(tensor):
            if self.outer is not None:
                self.outer.decides(tensor)
            return
        with modes.Setting((modes.grad_enabled, False)):
            apply(Premise(), (tensor != 0) if tensor.value.any() else (tensor == 0))  # type: ignore[operator]

    def watched(self, what: str) -> None:
        raise Apart(f"{what} sees the cotangents of one slice")

    def check_captured(self) -> None:
        """Refuse to replay with tensors from outside that the function changed after it had used them."""
        for x, version in self.versions:
            if id(x) not in self.states and x.memory is not None and x.memory.version != version:
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
        for x, array in self.alive:
            place = self.places[id(array)]
            if x.value is array and not self.batched.isdisjoint((place.storage.var, place.var)) and id(array) not in self.told:
                x.value = Escaped(array)  # type: ignore[assignment]


def replay(recorder: BatchRecorder, batches: list[Any], size: int) -> dict[Var, Any]:
    """Run the recorded equations on the arguments' batches (batch dimension first); return the batch of every variable.

    Raises Violated, with nothing written, where a slice is not as the function relied upon. Slices that are not as it expected
    are left in `recorder.unmet`. Arguments that the function wrote to are written in the end.
    """
    recorder.check_captured()
    env: dict[Var, Any] = {**recorder.captured, **{var: lift(array) for var, array in recorder.literals.items()}}
    env.update(zip(recorder.inputs, batches))
    mapped, history = set(recorder.inputs), modes.grad_enabled.get()

    def rule(equation: Equation, *xs: Any) -> Any:
        marks = tuple([var in mapped for var in equation.inputs])
        if not any(marks) and not isinstance(equation.op, Full | Empty | Sample):
            # a view of a tensor from outside
            return apply(equation.op, *xs)
        if isinstance(equation.op, Premise):
            examine(recorder, equation, xs[0], size)
        mapped.update(equation.outputs)
        try:
            return run(equation, marks, xs, size)
        except Exception as error:
            # one slice may be to blame, which then says so itself
            raise Violated(None) from error

    before = next_id()
    evaluate(recorder.equations, env, rule, history)
    if recorder.wrote:
        write_arguments(recorder, env, before)
    return env


def write_arguments(recorder: BatchRecorder, env: dict[Var, Any], before: int) -> None:
    """Let the arguments that the function wrote to take their new values, which nodes since `before` have computed."""
    own, history = recorder.own(), modes.grad_enabled.get()
    for storage in recorder.storages():
        if storage.written and storage.captured is not None:
            target, source = env[own[id(storage.captured)]], env[storage.var]
            # what the new value was made of may be the old one
            preserve(target, source.node, before)
            with modes.Setting((modes.grad_enabled, history and storage.remembered)):
                write(target, source if source.value.shape == target.value.shape else source.expand(target.value.shape), "vmap")


def examine(recorder: BatchRecorder, equation: Equation, x: Any, size: int) -> None:
    """Look at a premise in every slice: raise Violated, or note where an expectation is not met."""
    holds = x.value
    if not size or holds.all():
        return
    places = np.flatnonzero(~holds.reshape(size, -1).all(1)).tolist()
    if not isinstance(equation.op, Expectation):
        raise Violated(places[0])
    recorder.unmet += places


def run(equation: Equation, marks: tuple[bool, ...], xs: tuple, size: int) -> Any:
    """Return what one equation makes of batches."""
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
