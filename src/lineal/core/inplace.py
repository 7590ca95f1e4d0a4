"""The door's second leaf: writing into a tensor's memory, and what that does to history.

A write makes the tensor the output of a new node. If the tensor is a view, its base becomes the output of "write this view into
base", and the base's other views find their node anew from the base when they are next used (`apply.synchronize`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.layouts import LARGE_COPY, alike, dense_steps, fill, new, preserved, steps
from lineal.base.platforms import FOREIGN, put
from lineal.core import modes
from lineal.core.apply import apply, inferred, lift, make_node, memory_of, synchronize
from lineal.core.hooks import retain_anew
from lineal.core.op import AbstractTensor, Bar, Leaf, Node, Op, module_of, next_id
from lineal.core.saving import repack
from lineal.core.sites import site


def look(xp: Any, path: tuple[Op, ...], value: Any) -> Any:
    """Return the view of `value` that the view ops of `path` give, sharing its memory."""
    for op in path:
        value = op.eager(xp, value)
    return value


class ViewScatter(Op):
    """y = base with the part that `path` looks at replaced by `source`; the adjoint takes the part out of g and zeroes it."""

    path: tuple[Op, ...]
    grad_name = "CopySlices"
    any_dtype = True

    def eager(self, xp, base, source):
        y = base.copy()
        part = look(xp, self.path, y)
        if not part.size or xp.may_share_memory(part, y):
            part[...] = source
        else:
            # what could be looked at in base's memory as another shape cannot in that of the copy, which lies otherwise
            y.reshape(-1)[look(xp, self.path, xp.arange(y.size).reshape(y.shape))] = source
        return y

    def vjp(self, needs, g, y, base, source):
        g_base = apply(self, g, lift(module_of(g).zeros(source.shape, source.storage))) if needs[0] else None
        if needs[1]:
            for op in self.path:
                g = apply(op, g)
        return g_base, g


class Copy(Op):
    """y = a copy of x: C-contiguous, in the layout of x ("K"), or with these strides, in elements, without gaps; x̄ = ȳ."""

    order: str | tuple[int, ...] = "C"
    grad_name = "CloneBackward0"
    any_dtype = True

    def eager(self, xp, x):
        large = x.size >= LARGE_COPY and xp is np and not x.flags.c_contiguous
        if isinstance(self.order, tuple) or large:
            y = new(xp, x.shape, x.dtype, self.strides(x))
            if xp is np:
                fill(y, x)
            else:
                y[...] = x
            return y
        y = xp.array(x, order=self.order)
        return alike(self, y, x) if self.order == "K" and xp is np else y

    def strides(self, x: np.ndarray) -> tuple[int, ...]:
        """Return the strides of the copy of x, in elements."""
        if isinstance(self.order, tuple):
            return self.order
        return dense_steps(x.shape) if self.order == "C" else preserved(x.shape, steps(x))

    def vjp(self, needs, g, y, x):
        return (g,)


class Overwrite(Op):
    """y = source, as the new value of a tensor with a history: the old value's cotangent is zero."""

    grad_name = "CopyBackwards"
    any_dtype = True

    def eager(self, xp, old, source):
        return source

    def vjp(self, needs, g, y, old, source):
        return lift(module_of(g).zeros(old.shape, old.storage)), g


class Renumber(Op):
    """y = source, as the new numbers of a tensor that keeps its history, since they were written without one: x̄ = ȳ."""

    any_dtype = True

    def eager(self, xp, old, source):
        return source

    def vjp(self, needs, g, y, old, source):
        return g, None


def write(target: AbstractTensor, source: AbstractTensor, name: str, replaces: bool = False) -> Any:
    """Let `target` take numbers and history of `source` (same shape and dtype) in place; `name` is the op's, as in `add_`.

    If the source `replaces` the old value, and is not made of it, that has a derivative still: zero.
    """
    if target.origin is not None:
        synchronize(target)
    if source.origin is not None:
        synchronize(source)
    check_write(target, source, name)
    if FOREIGN:
        put(target.value, source.value)
    else:
        fill(target.value, source.value)
    touch(target, name)
    if modes.grad_enabled.get() and (target.node is not None or source.node is not None):
        rebase(target, source, replaces)
    listener = modes.recorder.get()
    if listener is not None:
        listener.record_write(target, source)
    return target


def preserve(target: AbstractTensor, node: Node | None, since: int) -> None:
    """Let the nodes made after `since` that lead to `node` keep copies of what they keep of the memory of `target`.

    So `x.mul_(y)` may read, on the backward pass, the x that it has overwritten itself.
    """
    stack = [node]
    while stack:
        node = stack.pop()
        if node is None or node.id <= since:
            continue
        stack.extend(node.edges)
        if node.kept.__class__ is tuple:
            node.kept = tuple([_copied(each) if _within(each, target) else each for each in node.kept])
        if node.extra is not None:
            repack(node, lambda each: _within(each, target))


def _within(kept: Any, target: AbstractTensor) -> bool:
    if not isinstance(kept, AbstractTensor):
        return False
    return kept is target or (kept.memory is not None and kept.memory is target.memory)


def _copied(x: AbstractTensor) -> Any:
    """Return a copy of x with the history of x; who listens hears of a copy that leads to x too."""
    y = apply(Copy(), x)
    y.node, y.index = x.node, x.index
    return y


def touch(target: AbstractTensor, name: str, where: Any = None) -> None:
    """Note that the op `name` has written into the memory of `target`; `where` is the user's line, by default found now."""
    memory = memory_of(target)
    memory.version += 1
    memory.written = next_id()
    memory.writer = (name, where or site())


def check_write(target: AbstractTensor, source: AbstractTensor, name: str) -> None:
    """Refuse a write that would lose a leaf's identity, change a shape or dtype category, or hit one element twice."""
    shape, storage = target.value.shape, target.value.dtype
    if modes.Inference.used and not modes.inference.get() and inferred(target):
        raise RuntimeError(
            f"{name}: Inplace update to inference tensor outside InferenceMode is not allowed; clone() the tensor (of shape "
            f"{list(shape)}) to get a normal one"
        )
    if source.value.shape != shape:
        raise RuntimeError(
            f"{name}: output with shape {list(shape)} doesn't match the broadcast shape {list(source.value.shape)}"
        )
    if source.value.dtype is not storage and source.value.dtype != storage:
        given, wanted = dtypes.of(source.value.dtype), dtypes.of(storage)
        raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
    if modes.grad_enabled.get():
        refuse_leaf(target, name, source.node)
    guard = modes.guard.get()
    if guard is not None:
        guard(target, name)
    steps = target.value.strides
    if 0 in steps and any(step == 0 and size > 1 for step, size in zip(steps, shape)) and 0 not in shape:
        raise RuntimeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            f"location (shape {list(shape)}); clone() the tensor before writing"
        )
    if not target.value.flags.writeable:
        raise RuntimeError(f"{name}: the tensor shares memory that is read-only; clone() it before writing")


def refuse_leaf(target: AbstractTensor, name: str, source: Node | None = None) -> None:
    """Raise if `target` is, or looks into, a leaf that requires grad, or its history, or that of `source`, would be lost."""
    if isinstance(target.node, Leaf):
        raise RuntimeError(
            f"{name}: a leaf Variable that requires grad is being used in an in-place operation; "
            "write inside no_grad(), or into a result computed from it"
        )
    if target.origin is not None:
        tracked = target.origin.tracked
        if isinstance(tracked, Bar) and (target.node is not None or source is not None):
            raise RuntimeError(
                f"{name}: a view of shape {list(target.value.shape)} is being modified inplace. {tracked.reason}"
            )
        if isinstance(target.origin.base.node, Leaf):
            raise RuntimeError(
                f"{name}: a view of a leaf Variable that requires grad is being used in an in-place operation; "
                "write inside no_grad(), or into a clone()"
            )
        if not tracked and (target.origin.base.node is not None or source is not None):
            raise RuntimeError(
                f"{name}: a view that was created in no_grad mode is being modified inplace with grad mode enabled; "
                "make the view with grad enabled, or write inside no_grad()"
            )


def rebase(target: AbstractTensor, source: AbstractTensor, replaces: bool = False) -> None:
    view = target.origin
    memory_of(target).rebased += 1
    written = target if view is None else view.base
    before = written.node
    if view is not None:
        written.node = make_node(ViewScatter(view.path), (written, source), written.value)
        written.index = None
    elif source.node is None or isinstance(source.node, Leaf) or (replaces and target.node is not None):
        target.node = make_node(Overwrite(), (target, source), source.value)
        target.index = None
    else:
        target.node, target.index = source.node, source.index
    retain_anew(written, before)
    if view is not None and target.node is not None and target.node.extra is not None:
        synchronize(target)


def detach_in_place(target: AbstractTensor) -> Any:
    """Make `target` a constant; refuses a view, whose base would keep the history."""
    if target.origin is not None and target.origin.base.node is not None:
        raise RuntimeError("detach_: can't detach views in-place; use detach() instead")
    target.node = target.index = None
    return target
