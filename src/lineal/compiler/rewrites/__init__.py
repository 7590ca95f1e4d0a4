"""Rewrites of a trace's equations: the same mathematics by less work, or with more digits.

Each rewrite is a function from a `Draft` to nothing, whose docstring is the identity; its name is that of its switch in
`passes`. They change roundings, never what is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lineal.compiler import passes
from lineal.compiler.capturing.capture import MOST_READ
from lineal.compiler.capturing.trace import Trace
from lineal.compiler.rewrites.attentions import attention
from lineal.compiler.rewrites.chains import chain
from lineal.compiler.rewrites.determinants import slogdet
from lineal.compiler.rewrites.draft import Draft
from lineal.compiler.rewrites.pieces import pieces
from lineal.compiler.rewrites.rolling import Rolling, endless
from lineal.compiler.rewrites.systems import solve, unwatched
from lineal.core import lift

__all__ = ["REWRITES", "Draft", "in_loops", "pieces", "rewritten", "with_endings"]

REWRITES: tuple[Callable[[Draft], None], ...] = (unwatched, slogdet, solve, chain, attention, pieces)


def rewritten(trace: Trace) -> Trace:
    """Return the trace with its equations rewritten."""
    draft = Draft.of(trace)
    for rewrite in REWRITES:
        if passes.enabled(rewrite.__name__):
            rewrite(draft)
    return replace(trace, equations=draft.equations, literals=draft.literals) if draft.changed else trace


def with_endings(trace: Trace, unrolled: bool = False) -> Trace:
    """Return the trace with loops of as many turns as each call takes, where it holds loops that end when a number says so.

    If they are to be `unrolled`, the trace is for as many turns as there were.
    """
    if not trace.loops:
        return trace
    marks = trace.loops if passes.enabled("rolling") and not unrolled else []
    draft = Draft(trace.equations, [*trace.outputs, *(var for _, var in (*trace.writes, *trace.grads))], trace.literals)
    equations, reads = endless(
        trace.equations, trace.reads, marks, draft.wanted, trace.literals, draft.new, trace.differentiable
    )
    found = len(reads) < len(trace.reads)
    refusal = f"it reads {len(reads):,} numbers to see where a loop ends" if len(reads) > MOST_READ else None
    return replace(trace, equations=equations, reads=reads, loops=[], open_ended=found, refusal=trace.refusal or refusal)


def in_loops(trace: Trace) -> Trace:
    """Return the trace with equal turns as loops."""
    if not passes.enabled("rolling"):
        return trace
    draft = Draft.of(trace)
    found = Rolling(draft.equations, draft.wanted, draft.literals, draft.new)
    if not found.changed:
        return trace
    captured = {**trace.captured, **{var: lift(array) for var, array in found.numbers.items()}}
    steps = {**trace.steps, **dict.fromkeys(found.numbers, (1,))}
    return replace(trace, equations=found.equations, captured=captured, steps=steps)
