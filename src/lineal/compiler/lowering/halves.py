"""Half precisions: rules compute with what they are computed in, and the results are rounded once, as eager kernels do it.

Rules that only move numbers, or round themselves, take them as they are (`narrow`, in the table of rules). Conversions are
maps, which share the loops of what makes and what reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.base import later
from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering.support import NARROW, same
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.pattern import Elementwise

__all__ = ["is_rounded_once", "narrowed", "rounded", "widened"]

table: Any = later.module("lineal.compiler.lowering.rules.table")


def is_narrow(storage: Any) -> bool:
    """Return whether numbers of a storage are computed in a wider one."""
    return storage.name in NARROW


def is_rounded_once(op: Any, args: tuple[BufferView, ...]) -> bool:
    """Return whether a rule is to be given wider numbers: where some are narrow, and it is none for these."""
    if not any(is_narrow(each.buffer.dtype) for each in args):
        return False
    terms = table.TERMS.get(type(op))
    return not isinstance(op, Elementwise) and terms is not None and not terms.narrow


def narrowed(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a rule for half precisions, from one for what they are computed in."""

    def compute(low: Any, op: Any, specs: Any, *args: BufferView) -> Any:
        wide = lambda each: each._replace(storage=kind_of(each.storage).computed.dtype)
        within = [wide(each) for each in specs] if isinstance(specs, list) else wide(specs)
        found = rule(low, op, within, *[widened(low, x) for x in args])
        if found is None:
            return None
        ys = found if isinstance(found, tuple) else (found,)
        wanted = specs if isinstance(specs, list) else [specs]
        return tuple([rounded(low, y, each.storage) for y, each in zip(ys, wanted)])

    return compute


def widened(low: Any, x: BufferView) -> BufferView:
    """Return an input in the storage that its numbers are computed in."""
    storage = x.buffer.dtype
    return low.map(x.shape, kind_of(storage).computed.dtype, same, x, label="cast") if is_narrow(storage) else x


def rounded(low: Any, y: BufferView, storage: Any) -> BufferView:
    """Return what a rule gave in the storage that is wanted."""
    return low.map(y.shape, storage, same, y, label="cast") if is_narrow(storage) else y
