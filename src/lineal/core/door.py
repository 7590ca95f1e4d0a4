"""The door cut to one and two inputs, for elementwise ops: the same steps as `apply` in the same order, without its loops.

Small tensors live from this: a Python frame or a loop saved here is a tenth of an op. Whatever is not plain (a view whose node
may be stale, a recorder, a failing kernel) goes through `apply` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.core import modes
from lineal.core import op as engine
from lineal.core.apply import apply, lift
from lineal.core.op import AbstractTensor, Node, Op, _frame, _inside, changed, next_id, output, released, site

_new = object.__new__
_ndarray = np.ndarray
_recorder = modes.recorder.get
_grad_enabled = modes.grad_enabled.get
_error_state = modes.error_state.get
_silence = modes.silence
_restore = modes.restore
_silent = modes.silent

Rules = tuple[tuple[Callable | None, tuple[int, ...]], ...]


def unary_door(
    op: Op, kernel: Callable, *, spec: bool = False, kinds: str = "", unusual: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Return `lambda x: apply(op, x)`, fast where nothing is unusual; with `spec`, a node that keeps no input keeps its shape.

    A door with `unusual` is a public function: a tensor of the NumPy kinds `kinds` goes in here, all else to `unusual`.
    """
    plan = op.plan((True,))
    keeps_input, keeps_output, differentiable = plan.marks[0], plan.output, op.differentiable

    def door(input: AbstractTensor, *, out: AbstractTensor | None = None) -> Any:
        x = input
        if unusual is not None and (out is not None or not isinstance(x, AbstractTensor) or x.value.dtype.kind not in kinds):
            return unusual(x, out)
        if x.origin is not None or _recorder() is not None:
            return apply(op, x)
        try:
            if _error_state(None) is _silent:
                value = kernel(x.value)
            else:
                token = _silence(_silent)
                try:
                    value = kernel(x.value)
                finally:
                    _restore(token)
        except Exception:
            return apply(op, x)
        y = _new(engine.final)
        y.value = value if value.__class__ is _ndarray else np.asarray(value)
        y.node = y.index = y.memory = y.origin = None
        if x.node is not None and differentiable and _grad_enabled():
            y.node = node = _new(Node)
            node.op = op
            node.edges = (x.node,)
            node.indices = (x.index,)
            node.kept = (x,) if keeps_input else ((x.value.shape, x.value.dtype),) if spec else _NOTHING
            node.y = value if keeps_output else None
            node.extra = node.memories = None
            frame = _frame(2)
            code = frame.f_code
            node.site = (code, frame.f_lasti) if _inside.get(code.co_filename) is False else site()
            node.id = next_id()
        return y

    return door


_NOTHING: tuple = (None,)


def free(a: AbstractTensor, b: AbstractTensor) -> bool:
    """Return whether NumPy may broadcast: no history needs the expanding, no recorder wants to hear of it."""
    return a.node is None and b.node is None and a.origin is None and b.origin is None and _recorder() is None


def binary_door(
    op: Op, kernel: Callable, *, kinds: str = "", unusual: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Return `lambda a, b: apply(op, a, b)`, fast where nothing is unusual.

    A door with `unusual` is a public function: two tensors of one dtype, of the NumPy kinds `kinds`, and of shapes that need no
    expanding go in here, all else to `unusual`.
    """
    differentiable = op.differentiable
    both, first, second = op.plan((True, True)), op.plan((True, False)), op.plan((False, True))

    def door(input: Any, other: Any, *, out: AbstractTensor | None = None) -> Any:
        a, b = input, other
        if unusual is not None:
            if not isinstance(b, AbstractTensor) or out is not None or not isinstance(a, AbstractTensor):
                return unusual(a, b, out)
            x, y = a.value, b.value
            if x.dtype is not y.dtype or x.dtype.kind not in kinds or (x.shape != y.shape and not free(a, b)):
                return unusual(a, b, out)
        if a.origin is not None or b.origin is not None or _recorder() is not None:
            return apply(op, a, b)
        try:
            if _error_state(None) is _silent:
                value = kernel(a.value, b.value)
            else:
                token = _silence(_silent)
                try:
                    value = kernel(a.value, b.value)
                finally:
                    _restore(token)
        except Exception:
            return apply(op, a, b)
        y = _new(engine.final)
        y.value = value if value.__class__ is _ndarray else np.asarray(value)
        y.node = y.index = y.memory = y.origin = None
        from_a, from_b = a.node, b.node
        if (from_a is not None or from_b is not None) and differentiable and _grad_enabled():
            plan = first if from_b is None else second if from_a is None else both
            marks = plan.marks
            y.node = node = _new(Node)
            node.op = op
            node.edges = (from_a, from_b)
            node.indices = (a.index, b.index)
            node.kept = (a if marks[0] else None, b if marks[1] else None)
            node.y = value if plan.output else None
            node.extra = node.memories = None
            frame = _frame(2)
            code = frame.f_code
            node.site = (code, frame.f_lasti) if _inside.get(code.co_filename) is False else site()
            node.id = next_id()
        return y

    return door


def unary_pull(rules: Rules) -> Callable[[Node, Any, tuple], tuple]:
    """Return the way back of an elementwise op of one input."""
    rule, picks = rules[0]
    several, only = len(picks) > 1, picks[0] if len(picks) == 1 else -1

    def pull(node: Node, g: Any, edges: tuple) -> tuple:
        if node.kept is None:
            raise released(node)
        x = node.kept[0]
        if x is not None and x.memory is not None and x.memory.written > node.id:
            raise changed(node, x.memory, f"its input of shape {list(x.value.shape)}")
        if rule is None or edges[0] is None:
            return _NOTHING
        if only == 0:
            return (rule(g, x),)
        if node.y is None:
            return (rule(g),)
        y = lift(node.y) if node.memories is None and not _grad_enabled() else output(node)
        return (rule(g, *[(x, y)[pick] for pick in picks]),) if several else (rule(g, y),)

    return pull


def binary_pull(rules: Rules) -> Callable[[Node, Any, tuple], tuple]:
    """Return the way back of an elementwise op of two inputs."""
    (by_a, picks_a), (by_b, picks_b) = rules

    def pull(node: Node, g: Any, edges: tuple) -> tuple:
        if node.kept is None:
            raise released(node)
        a, b = node.kept
        if a is not None and a.memory is not None and a.memory.written > node.id:
            raise changed(node, a.memory, f"its first input, of shape {list(a.value.shape)}")
        if b is not None and b.memory is not None and b.memory.written > node.id:
            raise changed(node, b.memory, f"its second input, of shape {list(b.value.shape)}")
        values = (a, b, None if node.y is None else output(node))
        to_a, to_b = edges
        g_a = g_b = None
        if to_a is not None and by_a is not None:
            g_a = (
                by_a(g) if not picks_a else by_a(g, values[picks_a[0]]) if len(picks_a) == 1 else _call(by_a, g, values, picks_a)
            )
        if to_b is not None and by_b is not None:
            g_b = (
                by_b(g) if not picks_b else by_b(g, values[picks_b[0]]) if len(picks_b) == 1 else _call(by_b, g, values, picks_b)
            )
        return g_a, g_b

    return pull


def _call(rule: Callable, g: Any, values: tuple, picks: tuple[int, ...]) -> Any:
    return rule(g, *[values[pick] for pick in picks])
