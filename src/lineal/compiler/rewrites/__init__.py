"""Rewrites of a trace's equations: the same mathematics by less work, or with more digits.

Each rewrite is a function from a `Draft` to nothing, whose docstring is the identity; its name is that of its switch in
`passes`. They change roundings, never what is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lineal.compiler import passes
from lineal.compiler.rewrites.chains import chain
from lineal.compiler.rewrites.determinants import slogdet
from lineal.compiler.rewrites.draft import Draft
from lineal.compiler.rewrites.systems import solve, unwatched
from lineal.compiler.trace import Trace

__all__ = ["REWRITES", "rewritten"]

REWRITES: tuple[Callable[[Draft], None], ...] = (unwatched, slogdet, solve, chain)


def rewritten(trace: Trace) -> Trace:
    """Return the trace with its equations rewritten."""
    draft = Draft(trace)
    for rewrite in REWRITES:
        if passes.enabled(rewrite.__name__):
            rewrite(draft)
    return replace(trace, equations=draft.equations, literals=draft.literals) if draft.changed else trace
