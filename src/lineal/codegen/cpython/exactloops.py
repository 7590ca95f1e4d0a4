"""Loops over small arrays for functions that IEEE arithmetic defines to the last bit: they give what NumPy's give.

A call of NumPy's takes longer on its way than for 32 numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, bfloat16, float16, float32, float64, int64, pointer
from lineal.codegen.values import Value

__all__ = ["LOOPS", "name_of", "write_loops"]

LOOPS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
    np.absolute: abs,
    np.sqrt: lambda x: x.emitter.math.sqrt(x),
}
KINDS = (float32, float64, float16, bfloat16)
"""The kinds of number that there are loops for; half precisions are computed in float32, which rounds them correctly."""


def name_of(function: Any, kind: Kind) -> str:
    return f"{function.__name__}_{kind.name}"


def write_loops(e: Emitter) -> list[str]:
    """Write `name(x, step, …, y, count)` for each function and kind; a step is 1, or 0 for one number; return the names."""
    names = []
    for function, formula in LOOPS.items():
        for kind in KINDS:
            names.append(name_of(function, kind))
            given = [(f"{stem}{n}", its) for n in range(function.nin) for stem, its in (("x", pointer), ("step", int64))]
            with e.function(names[-1], [*given, ("y", pointer), ("count", int64)]) as (*xs, y, count):
                write_loop(e, formula, kind, list(zip(xs[::2], xs[1::2])), y, count)
                e.ret()
    return names


def write_loop(
    e: Emitter, formula: Callable[..., Value], kind: Kind, xs: list[tuple[Value, Value]], y: Value, count: Value
) -> None:
    """Write the loop once for every way in which some of two inputs may be one number."""
    if len(xs) == 1:
        write_lines(e, formula, kind, [(xs[0][0], False)], y, count)
        return
    (a, step_a), (b, step_b) = xs
    with e.if_else(step_a == step_b) as (then, otherwise):
        with then:
            write_lines(e, formula, kind, [(a, False), (b, False)], y, count)
        with otherwise, e.if_else(step_b == 0) as (then, otherwise):
            with then:
                write_lines(e, formula, kind, [(a, False), (b, True)], y, count)
            with otherwise:
                write_lines(e, formula, kind, [(a, True), (b, False)], y, count)


def write_lines(
    e: Emitter, formula: Callable[..., Value], kind: Kind, xs: list[tuple[Value, bool]], y: Value, count: Value
) -> None:
    """Write whole vectors, then what is left number by number."""
    lanes = e.lanes(kind.computed)
    whole = e.math.floor_divide(count, lanes) * lanes
    once = [e.load(x, kind) if single else None for x, single in xs]
    for start, stop, width in ((e.index(0), whole, lanes), (whole, count, 1)):
        with e.loop(stop, start, width) as n:
            numbers = [e.load(x, kind, n, width) if one is None else one for (x, _), one in zip(xs, once)]
            e.store(formula(*numbers), y, n, kind=kind)
