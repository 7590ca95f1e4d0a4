"""The one door: every op of every tensor passes `apply`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from lineal.base.platforms import FOREIGN, UNUSUAL, array_module
from lineal.core import modes
from lineal.core import op as engine
from lineal.core.hooks import retain_anew
from lineal.core.op import CUSTOM, SEVERAL, AbstractTensor, Bar, Memory, Node, Op, View, next_id, node_class
from lineal.core.saving import pack
from lineal.core.sites import site

T = TypeVar("T", bound=AbstractTensor)

_new = object.__new__
_ndarray = np.ndarray
_recorder = modes.recorder.get
_grad_enabled = modes.grad_enabled.get
_error_state = modes.error_state.get
_silence = modes.silence
_restore = modes.restore
_silent = modes.silent


def finalize(cls: type[T]) -> type[T]:
    """Make `cls` the class of all tensors that ops return; decorates the final `Tensor`."""
    engine.final = cls
    return cls


def lift(value: np.ndarray) -> Any:
    """Return a constant tensor over `value`, sharing its memory."""
    y = modes.blank(engine.final)
    y.value = value
    y.node = y.index = y.memory = y.origin = None
    return y


def apply(op: Op, *xs: AbstractTensor) -> Any:
    """Run `op` on `xs`: numbers now, a node for the backward pass, word to the recorder. Returns one tensor, or a tuple."""
    y = way.taken(op, *xs)
    return y  # noqa: RET504 (by this name a profile finds it)


class Way:
    """Which way ops and backward passes take: functions in Python, or builtins that leave to those what is unusual."""

    taken: Callable[..., Any]
    """`perform`, or what does the same."""
    back: Callable[..., Any]
    """`backward.drive`, or what does the same."""


way = Way()


def perform(op: Op, *xs: AbstractTensor) -> Any:
    """Do what `apply` says, in Python."""
    if op.aliasing is not None and len(xs) == 1:
        return _look(op, xs[0])
    try:
        if _error_state(None) is _silent:
            value = op.run(xs)
        else:
            token = _silence(_silent)
            try:
                value = op.run(xs)
            finally:
                _restore(token)
    except Exception as error:
        fail(op, xs, error)
    if value.__class__ is tuple:
        return several(op, xs, value)
    value = value if value.__class__ is _ndarray else arrayed(value)
    y = modes.blank(engine.final)
    y.value = value
    y.node = y.index = y.memory = y.origin = None
    needed = False
    for x in xs:
        if x.origin is not None:
            synchronize(x)
        needed = needed or x.node is not None
    if needed and op.differentiable and _grad_enabled():
        y.node = node = _new(Node)
        node.op = op
        node.extra = node.memories = None
        node.code, node.offset = site()
        op.remember(node, xs, value)
        node.id = next_id()
        if UNUSUAL:
            pack(node)
    if op.aliasing is not None:
        alias(op, op, xs[0], y, _grad_enabled())
    listener = _recorder()
    if listener is not None:
        listener.record(op, xs, (y,))
    return y


def arrayed(value: Any) -> Any:
    """Return what a kernel has given as an array: that of a device as it is, and a number of NumPy's as one of the host."""
    return value if value.__class__ in FOREIGN else np.asarray(value)


def several(op: Op, xs: tuple, values: tuple) -> tuple:
    needed, final, made = False, engine.final, []
    for value in values:
        y = modes.blank(final)
        y.value = value if value.__class__ is _ndarray else arrayed(value)
        y.node = y.index = y.memory = y.origin = None
        made.append(y)
    for x in xs:
        if x.origin is not None:
            synchronize(x)
        needed = needed or x.node is not None
    ys = tuple(made)
    if needed and op.differentiable and _grad_enabled():
        values = tuple([y.value for y in made])
        node = make_node(op, xs, values)
        for place, y in enumerate(ys):
            if y.value.dtype.kind not in "iub":
                y.node = node
                y.index = place
            elif node.y is not None and (op.outputs_read is None or place in op.outputs_read):
                # the derivative reads whole numbers that have no history
                tell(node, place, memory_of(y))
    if op.aliasing is not None:
        grad = SEVERAL if _grad_enabled() else False
        for place, y in enumerate(ys):
            # most outputs are only read, and need no op of their own
            alias(op, (op, place), xs[0], y, grad)
    listener = _recorder()
    if listener is not None:
        listener.record(op, xs, ys)
    return ys


def make_node(op: Op, xs: tuple, value: Any) -> Node:
    """Return the node of `op` on `xs` that gave the array (or tuple) `value`."""
    node = _new(Node)
    node.op = op
    node.extra = node.memories = None
    node.code, node.offset = site()
    op.remember(node, xs, value)
    node.id = next_id()
    if UNUSUAL:
        pack(node)
    return node


def fail(op: Op, xs: tuple, error: BaseException) -> NoReturn:
    """Raise what a kernel has raised, or what explains it."""
    if isinstance(error, Exception):
        explain(op, xs, error)
    raise error


def explain(op: Op, xs: tuple, error: Exception) -> None:
    """Let the op say what is wrong with its inputs; otherwise name the op and the shapes beside NumPy's words."""
    if isinstance(error, (RuntimeError, IndexError)):
        return
    op.check(*xs)
    for x in xs:
        array_module(x.value)
    given = ", ".join(f"{x.value.dtype}{list(x.value.shape)}" for x in xs)
    if isinstance(error, MemoryError):
        raise MemoryError(f"{op.key}: {(error.args and error) or 'not enough memory'} (inputs: {given})") from error
    if isinstance(error, (ValueError, TypeError, OverflowError)):
        raise RuntimeError(f"{op.key}: {error} (inputs: {given})") from error


def renamed(y: Any, name: str) -> Any:
    """Return the result of several ops, or a tuple of views, its node now named like the one that PyTorch makes of them."""
    node = y.node if y.__class__ is not tuple else y[0].node if y else None
    if node.__class__ is Node:
        node.__class__ = node_class(name, Node)  # type: ignore[union-attr]
    return y


def memory_of(x: AbstractTensor) -> Memory:
    """Return the memory record of `x`, made on first need; the node that made `x` learns of it, to check what it kept."""
    memory = x.memory
    if memory is None:
        memory = x.memory = _new(Memory)
        memory.version = memory.written = memory.rebased = 0
        memory.inference = modes.Inference.used and "inference" in x.__dict__
        memory.writer = None
        if x.node is not None and x.node.id:
            tell(x.node, x.index, memory)
    return memory


def inferred(x: AbstractTensor) -> bool:
    """Return whether the memory of `x` was made in inference mode."""
    return modes.Inference.used and ("inference" in x.__dict__ if x.memory is None else x.memory.inference)


def tell(node: Node, index: int | None, memory: Memory) -> None:
    """Let `node` know the memory of its output `index`."""
    if node.memories is None:
        node.memories = {index: memory}
    else:
        node.memories[index] = memory


def _look(op: Op, x: AbstractTensor) -> Any:
    """Apply an op whose output shares the memory of its one input: no arithmetic, so nothing to silence."""
    value = x.value
    try:
        value = op.eager(np if value.__class__ is _ndarray else array_module(value), value)
    except Exception as error:
        fail(op, (x,), error)
    if value.__class__ is tuple:
        return several(op, (x,), value)
    y = modes.blank(engine.final)
    y.value = value
    y.node = y.index = y.origin = None
    if x.origin is not None and op.differentiable:
        synchronize(x)
    grad = _grad_enabled()
    if grad and x.node is not None and op.differentiable:
        y.node = make_node(op, (x,), value)
    alias(op, op, x, y, grad)
    listener = _recorder()
    if listener is not None:
        listener.record(op, (x,), (y,))
    return y


_AMBIGUOUS = (
    "The view was created in no_grad mode, so that it is ambiguous what its history is; "
    "make it with grad enabled, or detach() it"
)


def alias(op: Op, step: Op | tuple[Op, int], x: AbstractTensor, y: AbstractTensor, grad: bool | Bar) -> None:
    y.memory = memory = x.memory or memory_of(x)
    if op.aliasing == "view":
        y.origin = view = _new(View)
        before = x.origin
        if before is None:
            view.root, view.steps, view.tracked = x, (step,), grad
        else:
            view.root, view.steps = before.base, (*before.steps, step)
            view.tracked = before.tracked if grad is True or not before.tracked else grad
        view.seen = memory.rebased


def synchronize_both(a: AbstractTensor, b: AbstractTensor) -> None:
    """Synchronize two tensors."""
    synchronize(a)
    synchronize(b)


def synchronize(x: AbstractTensor) -> None:
    """Give a view whose base was written in place the node that leads to the base's new history."""
    view, memory = x.origin, x.memory
    if view is None or memory is None or view.seen == memory.rebased:
        return
    if view.tracked is not True and view.tracked is not SEVERAL:
        if view.base.node is not None and _grad_enabled():
            raise RuntimeError(
                f"a view of shape {list(x.value.shape)} is used, and its base or another view of its base has been modified "
                f"inplace. "
                f"{CUSTOM.reason if view.tracked is CUSTOM else _AMBIGUOUS}"
            )
        return
    view.seen = memory.rebased
    if view.base.node is None:
        x.node = None
        return
    with modes.Setting((modes.grad_enabled, True), (modes.recorder, None)):
        again = view.base
        for op in view.path:
            again = apply(op, again)
    before = x.node
    x.node, x.index = again.node, again.index
    retain_anew(x, before)
