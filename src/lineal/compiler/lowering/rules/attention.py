"""Attention and its adjoint, where they are large: calls of the routines that make their scores tile by tile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.codegen.attention.problem import NARROW, Form, Steps, chunks_of, fits, table_of
from lineal.codegen.attention.routines import adjoint_routine, routine
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, kind_of
from lineal.codegen.target import host
from lineal.compiler.lowering.routines import Addresses, call
from lineal.compiler.lowering.rules.convolution import in_memory, in_order
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.contraction.attention import Attention, AttentionAdjoint

FITTING = "queries and values are at most 256 wide"


@call
def attended(
    e: Emitter, xs: Addresses, ys: Addresses, name: str, table: Sequence[int], masked: bool, inputs: int, dropped: bool
) -> None:
    """A routine on q, k, v, a mask or none, what else is read and made, the state of a generator or none, and its table."""
    memory = e.stack(8 * len(table))
    for place, number in enumerate(table):
        # the first says whether threads may be used
        e.store(e.const(number if place else int(e.spread), int64), memory, place)
    factors, rest = xs[:3], xs[3 : 3 + inputs]
    mask = xs[3 + inputs] if masked else memory
    e.call(name, None, *factors, mask, *rest, *ys, xs[-1] if dropped else memory, memory)


def sizes_of(q: BufferView, k: BufferView, v: BufferView) -> tuple[int, int, int, int]:
    """Return how many queries and keys there are, and how wide they and the values are."""
    return q.shape[-2], k.shape[-2], q.shape[-1], v.shape[-1]


def by_rows(low: Any, mask: BufferView) -> BufferView:
    """Return a mask whose rows are dense: itself, or a copy, in which axes that repeat numbers still do."""
    if mask.buffer.source != "literal" and mask.strides[-1] == 1:
        return mask
    shape = tuple([size if step else 1 for size, step in zip(mask.shape[:-1], mask.strides)])
    once = low.copy(BufferView(mask.buffer, (*shape, mask.shape[-1]), mask.strides, mask.offset))
    steps = [step if size > 1 else 0 for size, step in zip(shape, once.strides)]
    return BufferView(once.buffer, mask.shape, (*steps, 1), once.offset)


def posed(
    low: Any, op: Attention, q: BufferView, k: BufferView, v: BufferView, g: BufferView | None, rest: Sequence[BufferView]
) -> tuple[Form, list[BufferView], list[BufferView], list[BufferView], list[int]]:
    """Return the form of an attention, q, k, v and g that lie in memory, the mask and the state if there are any, the table."""
    mask, state = op.parted(rest)
    given = [in_memory(low, each) for each in (q, k, v, *([] if g is None else [g]))]
    beside = [by_rows(low, each) for each in mask]
    lead = q.shape[:-2]
    kinds = [kind_of(each.buffer.dtype).name for each in (q, *beside)]
    form = Form(kinds[0], op.causal, "".join(kinds[1:]), op.safe, max(q.shape[-1], v.shape[-1]) > NARROW, op.dropped > 0)
    steps = [Steps(each.strides[:-2], *each.strides[-2:]) for each in given]
    nothing = Steps((0,) * len(lead))
    steps += [nothing] * (4 - len(steps))
    steps.append(Steps(beside[0].strides[:-2], *beside[0].strides[-2:]) if beside else nothing)
    table = table_of(lead, sizes_of(q, k, v), op.scale, True, steps, op.dropped)
    return form, given, beside, [in_order(low, each) for each in state], table


@lowers(Attention, of=FLOATS, where=FITTING)
def attention(
    low: Any, op: Any, ys: Any, q: BufferView, k: BufferView, v: BufferView, *rest: BufferView
) -> tuple[BufferView, BufferView] | None:
    """One call for all heads."""
    if not fits(*sizes_of(q, k, v)) or 0 in q.shape:
        return None
    form, given, beside, state, table = posed(low, op, q, k, v, None, rest)
    outs = [low.made_buffer(each.shape, each.storage) for each in ys]
    found = routine(form, host())
    work = math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    write = attended(found.name, tuple(table), bool(beside), 0, bool(state))
    low.routine("attention", write, [*given, *beside, *state], outs, work=work, symbols={found.name: found.address})
    return tuple([BufferView(each, each.shape, each.strides) for each in outs])  # type: ignore[return-value]


@lowers(AttentionAdjoint, of=FLOATS, where=FITTING)
def attention_adjoint(
    low: Any,
    op: Any,
    ys: Any,
    g: BufferView,
    q: BufferView,
    k: BufferView,
    v: BufferView,
    y: BufferView,
    total: BufferView,
    *rest: BufferView,
) -> tuple[BufferView, ...] | None:
    """One call for all heads; sums for the queries that chunks of keys have each are memory."""
    if not fits(*sizes_of(q, k, v)) or 0 in q.shape:
        return None
    form, (*factors, g), beside, state, table = posed(low, op.op, q, k, v, g, rest)
    outs = [low.made_buffer(each.shape, each.storage) for each in ys]
    chunks = chunks_of(math.prod(q.shape[:-2]), k.shape[-2])
    parts = low.made_buffer((max(1, (chunks - 1) * math.prod(q.shape)),), q.buffer.dtype)
    found = adjoint_routine(form, host())
    work = math.prod(q.shape[:-1]) * k.shape[-2] * (3 * q.shape[-1] + 2 * v.shape[-1])
    args = [*factors, in_order(low, y), in_order(low, total), g, *beside, *state]
    write = attended(found.name, tuple(table), bool(beside), 3, bool(state))
    low.routine("attention", write, args, [*outs, parts], work=work, symbols={found.name: found.address})
    return tuple([BufferView(each, each.shape, each.strides) for each in outs])
