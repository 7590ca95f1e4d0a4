"""The door cut to one and two inputs, for elementwise ops: the same steps as `apply` in the same order, without its loops.

Small tensors live from this: a Python frame or a loop saved here is a tenth of an op. A failing kernel goes through `apply`
itself, which explains the error. A door that is called often gets a native one before it, of the same steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from lineal.base.config import LARGE_NARROW
from lineal.base.dtypes import NARROW, NARROW_SIZES, STORED_ONLY
from lineal.base.layouts import elementwise, in_order
from lineal.base.platforms import FOREIGN, UNUSUAL
from lineal.base.signatures import Tensor
from lineal.core import modes
from lineal.core.apply import apply, lift, synchronize, synchronize_both
from lineal.core.op import AbstractTensor, Node, Op, changed, next_id, output, released
from lineal.core.opening import calls, opening
from lineal.core.precision import require_computable
from lineal.core.saving import packing
from lineal.core.sites import frame_at, outside, site

_Tensor = AbstractTensor
_new = object.__new__
_ndarray = np.ndarray
_recorder = modes.recorder.get
_grad_enabled = modes.grad_enabled.get
_error_state = modes.error_state.get
_silence = modes.silence
_restore = modes.restore
_silent = modes.silent

Rules = tuple[tuple[Callable | None, tuple[int, ...]], ...]
_NOTHING: tuple = (None,)
_NEITHER: tuple = (None, None)
_PAIRS = ((True, True), (True, False), (False, True))
"""Which of two inputs want derivatives."""


class Least:
    """From which size on native code is taken that gives NumPy's numbers: `size`, and any after so many calls of smaller ones.

    To load LLVM takes a tenth of a second, which a few small arrays are not worth.
    """

    def __init__(self, size: int):
        self.size, self.count = size, calls()

    def reached(self, size: int) -> bool:
        """Return whether native code is taken for this size."""
        if size >= self.size:
            return True
        try:
            self.count()
        except StopIteration:
            self.size = 0
        return False


def grow(op: Op, edges: tuple, indices: tuple, kept: tuple | list, y: Any) -> Node:
    """Return the node of an op that a door has done."""
    node = _new(Node)
    node.op = op
    node.edges = edges
    node.indices = indices
    node.kept = kept
    node.y = y
    node.extra = node.memories = None
    frame = frame_at(2)
    node.code = frame.f_code
    node.offset = frame.f_lasti
    if node.code.co_filename not in outside:
        node.code, node.offset = site()
    node.id = next_id()
    return node


def away(op: Op, *xs: AbstractTensor) -> bool:
    """Return whether an op is none for a door: hooks pack what it keeps, or tensors lie on another device than the host.

    Those of dtypes that are only stored are refused.
    """
    if STORED_ONLY:
        require_computable(op, *xs)
    if modes.overheard.get() is not None:
        return True
    return packing.get() is not None or (bool(FOREIGN) and any(x.value.__class__ in FOREIGN for x in xs))


def elsewhere(op: Op, unusual: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return where a native door sends what it does not take."""
    return functools.partial(apply, op) if unusual is None else functools.partial(unusual, out=None)


def silently(work: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """Return what a kernel makes of arrays, NumPy silent about inf and nan."""
    if _error_state(None) is _silent:
        return work(*arrays)
    token = _silence(_silent)
    try:
        return work(*arrays)
    finally:
        _restore(token)


def is_long(op: Op, arrays: Sequence[np.ndarray]) -> bool:
    """Return whether a native loop pays for an op of these arrays."""
    size = max([each.size for each in arrays])
    if size >= op.large:
        return True
    return size >= LARGE_NARROW and any(each.itemsize in NARROW_SIZES and each.dtype in NARROW for each in arrays)


def otherwise(op: Op, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the work of `kernel` for arrays that are large, or that do not lie in C order."""
    native, iterates = op.native, type(op).layout is elementwise

    def rest(*arrays: np.ndarray) -> Any:
        work: Any = native if native is not None and is_long(op, arrays) else kernel
        plain = not iterates or all(each.ndim < 3 for each in arrays) or all(each.flags.c_contiguous for each in arrays)
        return work(*arrays) if plain else in_order(work, *arrays)

    return rest


def unary_door(
    op: Op, kernel: Callable, *, spec: bool = False, usual: Collection = (), unusual: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Return `lambda x: apply(op, x)` without its loops; with `spec`, a node that keeps no input keeps its shape.

    A door with `unusual` is a public function: tensors of the NumPy dtypes `usual` pass here, all else goes to `unusual`.
    """
    plan, rest, short = op.plan((True,)), otherwise(op, kernel), min(op.large, LARGE_NARROW)
    keeps_input, keeps_output, differentiable = plan.marks[0], plan.output, op.differentiable
    bare, spec = spec and not plan.holds, spec and plan.holds
    native, count = None, calls()

    def door(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        nonlocal native, count
        if native is not None and out is None:
            return native(input)
        try:
            count()
        except StopIteration:
            native, count = opening.door(1, op, kernel, rest, elsewhere(op, unusual), op.large, *told, tuple(usual)), calls()
        try:
            x: Any = input.value
        except AttributeError:
            x = None
        if unusual is not None and (out is not None or x is None or x.dtype not in usual):
            return unusual(input, out)
        if UNUSUAL and away(op, input):
            return apply(op, input) if unusual is None else unusual(input, out)
        try:
            value = silently(kernel if x.size < short and (x.ndim < 3 or x.flags.c_contiguous) else rest, x)
        except Exception:
            return apply(op, input) if unusual is None else unusual(input, out)
        if input.origin is not None:
            synchronize(input)
        y = lift(value if value.__class__ is _ndarray else np.asarray(value))
        if input.node is not None and differentiable and _grad_enabled():
            kept = (input,) if keeps_input else [(x.shape, x.dtype)] if bare else ((x.shape, x.dtype),) if spec else _NOTHING
            indices = _NOTHING if input.index is None else (input.index,)
            y.node = grow(op, (input.node,), indices, kept, y.value if keeps_output else None)
        listener = _recorder()
        if listener is not None:
            listener.record(op, (input,), (y,))
        return y

    told = (differentiable, False, (1 if keeps_input else 2 if bare else 3 if spec else 0, keeps_output))
    return door


def binary_door(op: Op, kernel: Callable, *, usual: Collection = (), unusual: Callable | None = None) -> Callable[..., Any]:
    """Return `lambda a, b: apply(op, a, b)` without its loops.

    A door with `unusual`, of a public function, goes there unless it is given two tensors of one of the dtypes `usual`.
    """
    differentiable, rest, (both, first, second) = op.differentiable, otherwise(op, kernel), map(op.plan, _PAIRS)
    native, count, short = None, calls(), min(op.large, LARGE_NARROW)

    def door(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        nonlocal native, count
        if native is not None and out is None:
            return native(input, other)
        try:
            count()
        except StopIteration:
            native, count = opening.door(2, op, kernel, rest, elsewhere(op, unusual), op.large, *told, tuple(usual)), calls()
        if unusual is not None and not (out is None and isinstance(other, _Tensor) and isinstance(input, _Tensor)):
            return unusual(input, other, out)
        a, b = input.value, other.value
        if unusual is not None and (a.dtype is not b.dtype or a.dtype not in usual):
            return unusual(input, other, out)
        if UNUSUAL and away(op, input, other):
            return apply(op, input, other) if unusual is None else unusual(input, other, out)
        synchronize_both(input, other)
        from_a, from_b, listener = input.node, other.node, _recorder()
        grad = (from_a is not None or from_b is not None) and differentiable and _grad_enabled()
        if unusual is not None and (grad or listener is not None) and a.shape != b.shape:
            return unusual(input, other, out)
        try:
            plain = a.ndim < 3 > b.ndim or (a.flags["C"] and b.flags["C"])
            value = silently(kernel if plain and a.size < short > b.size else rest, a, b)
        except Exception:
            return apply(op, input, other) if unusual is None else unusual(input, other, out)
        y = lift(np.asarray(value))
        if grad:
            plan = first if from_b is None else second if from_a is None else both
            kept = (input if plan.marks[0] else None, other if plan.marks[1] else None) if plan.inputs else _NEITHER
            y.node = grow(op, (from_a, from_b), (input.index, other.index), kept, y.value if plan.output else None)
        if listener is not None:
            listener.record(op, (input, other), (y,))
        return y

    kept = tuple([bool(each) for plan in (both, first, second) for each in (plan.inputs, *plan.marks, plan.output)])
    told = (differentiable, unusual is not None, kept)
    return door


def unary_pull(rules: Rules) -> Callable[[Node, Any, tuple], tuple]:
    """Return the backward pass of an elementwise op of one input."""
    rule, picks = rules[0]
    several, only = len(picks) > 1, picks[0] if len(picks) == 1 else -1

    if rule is not None and not picks:
        return lambda node, g, edges: (rule(g),)

    def pull(node: Node, g: Any, edges: tuple) -> tuple:
        if node.kept is None:
            return again(node, g, edges, rules)
        x = node.kept[0]
        if x is not None and x.memory is not None and x.memory.written > node.id:
            raise changed(node, x.memory, f"its input of shape {list(x.value.shape)}")
        if rule is None or edges[0] is None:
            return _NOTHING
        if only == 0:
            return (rule(g, x),)
        y = lift(node.y) if node.memories is None and not _grad_enabled() else output(node)
        return (rule(g, *[(x, y)[pick] for pick in picks]),) if several else (rule(g, y),)

    return pull


def binary_pull(rules: Rules) -> Callable[[Node, Any, tuple], tuple]:
    """Return the backward pass of an elementwise op of two inputs."""
    (by_a, picks_a), (by_b, picks_b) = rules
    if not picks_a and not picks_b and by_a is not None and by_b is not None:
        return linear_pull(by_a, by_b)
    one_a, one_b = (picks[0] if len(picks) == 1 else -1 for picks in (picks_a, picks_b))

    def pull(node: Node, g: Any, edges: tuple) -> tuple:
        if node.kept is None:
            return again(node, g, edges, rules)
        a, b = node.kept
        if a is not None and a.memory is not None and a.memory.written > node.id:
            raise changed(node, a.memory, f"its first input, of shape {list(a.value.shape)}")
        if b is not None and b.memory is not None and b.memory.written > node.id:
            raise changed(node, b.memory, f"its second input, of shape {list(b.value.shape)}")
        y = None if node.y is None else output(node)
        g_a = g_b = None
        if by_a is not None and edges[0] is not None:
            g_a = by_a(g, b) if one_a == 1 else by_a(g) if not picks_a else _call(by_a, g, (a, b, y), picks_a)
        if by_b is not None and edges[1] is not None:
            g_b = by_b(g, a) if one_b == 0 else by_b(g) if not picks_b else _call(by_b, g, (a, b, y), picks_b)
        return g_a, g_b

    return pull


def linear_pull(by_a: Callable, by_b: Callable) -> Callable[[Node, Any, tuple], tuple]:
    """Return the backward pass of an op of two inputs whose derivatives read nothing, as of a sum."""
    same_a, same_b = passes(by_a), passes(by_b)

    def pull(node: Node, g: Any, edges: tuple) -> tuple:
        to_a, to_b = edges
        return None if to_a is None else g if same_a else by_a(g), None if to_b is None else g if same_b else by_b(g)

    return pull


def again(node: Node, g: Any, edges: tuple, rules: Rules) -> tuple:
    """Undo a node once more after what it kept was freed, if the derivatives that are wanted read nothing."""
    if any(edge is not None and picks for edge, (_, picks) in zip(edges, rules)):
        raise released(node)
    return tuple([None if edge is None or rule is None else rule(g) for edge, (rule, _) in zip(edges, rules)])


def passes(rule: Callable) -> bool:
    """Return whether a rule passes its cotangent through."""
    probe = object()
    try:
        return rule(probe) is probe
    except Exception:
        return False


def _call(rule: Callable, g: Any, values: tuple, picks: tuple[int, ...]) -> Any:
    return rule(g, *[values[pick] for pick in picks])
