"""A failing program made small: fewer lines, results, tensors and calls, shorter axes, as long as it fails in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fuzz.comparing import compared
from fuzz.programs import Given, Program, Turn

__all__ = ["small"]

MOST = 400
"""How many programs are tried."""


def small(program: Program) -> Program:
    """Return a small program with a mismatch of the same kind."""
    kind = compared(program).kind
    tries = 0
    found = True
    while found and tries < MOST:
        found = False
        for each in simpler(program):
            tries += 1
            if compared_safely(each) == kind:
                program, found = each, True
                break
            if tries >= MOST:
                break
    return program


def compared_safely(program: Program) -> str:
    """Return the kind of a program's mismatch; nothing if it has none, or makes no sense."""
    try:
        return compared(program).kind
    except Exception:
        return ""


def simpler(program: Program) -> Iterator[Program]:
    """Give programs that are a step simpler, large steps first."""
    half = len(program.lines) // 2
    if half > 1:
        yield replace(program, lines=program.lines[half:])
        yield replace(program, lines=program.lines[:half])
    if len(program.turns) > 2:
        for n in range(len(program.turns)):
            yield replace(program, turns=without(program.turns, n))
    for n in reversed(range(len(program.lines))):
        yield replace(program, lines=without(program.lines, n))
    if len(program.results) > 1:
        for n in range(len(program.results)):
            yield replace(program, results=without(program.results, n))
    for n in range(len(program.arguments)):
        yield replace(program, arguments=without(program.arguments, n))
    for n in range(len(program.outside)):
        yield replace(program, outside=without(program.outside, n))
    if program.after:
        yield replace(program, after="")
        if program.after != "backward":
            yield replace(program, after="backward")
    if program.form != "tuple":
        yield replace(program, form="tuple")
    for n, turn in enumerate(program.turns):
        if turn != Turn(turn.seed):
            yield replace(program, turns=changed(program.turns, n, Turn(turn.seed)))
    yield from shorter(program)


def shorter(program: Program) -> Iterator[Program]:
    """Give programs with shorter axes and plainer tensors; where a length occurs in a line, it is changed there too."""
    lengths = {size for each in (*program.arguments, *program.outside) for size in each.shape}
    for size in sorted(lengths, reverse=True):
        for less in (2, 3, size // 2, size - 1):
            if 0 < less < size and less not in lengths:
                yield replace(program, arguments=cut(program.arguments, size, less), outside=cut(program.outside, size, less))
    for name in ("arguments", "outside"):
        several = getattr(program, name)
        for n, each in enumerate(several):
            if each.grad:
                yield replace(program, **{name: changed(several, n, replace(each, grad=False))})
            if each.layout != "dense":
                yield replace(program, **{name: changed(several, n, replace(each, layout="dense"))})


def cut(several: tuple[Given, ...], size: int, less: int) -> tuple[Given, ...]:
    """Return tensors with every axis of a length shortened."""
    return tuple(
        replace(x, shape=tuple(less if n == size else n for n in x.shape), high=less if x.high == size else x.high)
        for x in several
    )


def without(several: tuple, n: int) -> tuple:
    return several[:n] + several[n + 1 :]


def changed(several: tuple, n: int, thing: object) -> tuple:
    return (*several[:n], thing, *several[n + 1 :])
