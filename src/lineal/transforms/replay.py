"""Batched replay: what a function did to one slice is done to the whole batch, equation by equation."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from lineal.base.errors import UnsupportedError
from lineal.core import AbstractTensor, Op, apply, lift, modes, write
from lineal.ops.creation import Empty, Full
from lineal.ops.random.generator import Advance
from lineal.ops.structural.stacking import stack
from lineal.tracing import Equation, GraphRecorder, Var, Write
from lineal.transforms.batching import rule_of

__all__ = ["BatchRecorder", "replay"]


class BatchRecorder(GraphRecorder):
    """Hears what a function does to slice 0, writes down what depends on the batch, tells the rest to the outer recorder."""

    def __init__(self, outer: modes.Recorder | None, randomness: str):
        super().__init__()
        self.outer = outer
        self.randomness = randomness
        self.captured: list[tuple[AbstractTensor, int]] = []

    def var(self, x: AbstractTensor) -> Var:
        found = self.find(x)
        if found is None:
            found = super().var(x)
            self.captured.append((x, 0 if x.memory is None else x.memory.version))
        return found

    def is_batched(self, x: AbstractTensor) -> bool:
        """Return whether `x` differs from slice to slice."""
        found = self.find(x)
        return found is not None and found not in self.graph.constants

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        if isinstance(op, Advance) and self.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            )
        if isinstance(op, Full | Empty) or any(self.is_batched(x) for x in xs):
            # What is made inside may be written to with batched values, so it is made once per slice.
            super().record(op, xs, ys)
        elif self.outer is not None:
            self.outer.record(op, xs, ys)

    def heeds(self, setting: ContextVar) -> bool:
        return self.outer is not None and self.outer.heeds(setting)

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        if self.is_batched(target):
            super().record_write(target, source)
        elif self.is_batched(source):
            raise RuntimeError(
                "vmap: inplace arithmetic is not possible because the tensor written to (shape "
                f"{list(target.value.shape)}) is not "
                "batched, but the values are; use the out-of-place form, or make it from a batched tensor with zeros_like"
            )
        elif self.outer is not None:
            self.outer.record_write(target, source)

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


def replay(recorder: BatchRecorder, values: dict[Var, Any], size: int) -> None:
    """Run the recorded equations on batches (batch dimension first), adding every result to `values`."""
    recorder.check_captured()
    constants = recorder.graph.constants
    views: dict[Var, Var] = {}
    history = modes.grad_enabled.get()
    for each in recorder.graph:
        with modes.Setting((modes.grad_enabled, each.grad and history)):
            if isinstance(each, Write):
                rewrite(each, values, constants, views, size)
                continue
            if each.op.aliasing == "view":
                views.update(dict.fromkeys(each.outputs, each.inputs[0]))
            made = run(each, values, constants, size)
            values.update(zip(each.outputs, made if isinstance(made, tuple) else (made,)))


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
