"""The passes that rewrite a program, by name, and the switch that turns them off.

* unwatched, slogdet, solve, chain, attention, pieces: rewrites of equations, see `rewrites`.
* dead: what nothing depends on is not computed.
* common: op(x) and op(x), the same op of the same views, are one.
* constants: an elementwise op of numbers known at compile time is the number it gives, by NumPy.
* donation: a block that begins as the copy of one that nobody reads any more takes over its memory (see `donation`).
* rolling: equal turns one after the other are one loop (see `rolling`).
* tiles: what is made of a large product's sums, element by element, is made while they are at hand (see `tiled`).
* remaking: what is cheap to compute of a large array is computed again where it is read, and not stored (see `remaking`).
* fusion: element-by-element work over one space shares a loop; what only the loop itself reads never reaches memory.

Rewrites round otherwise, and where infinities meet in another order a NaN may come of a number, or none. The others change no
result: dead and common by definition of a pure program, constants since NumPy computes what eager code would, the rest since
every element is computed by the same formulas from the same numbers.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar

from lineal.core import modes

__all__ = ["PASSES", "enabled", "without"]

PASSES = frozenset(
    (
        "unwatched",
        "slogdet",
        "solve",
        "chain",
        "attention",
        "pieces",
        "dead",
        "common",
        "constants",
        "rolling",
        "donation",
        "remaking",
        "tiles",
        "fusion",
    )
)
_off: ContextVar[frozenset[str]] = ContextVar("passes_off", default=frozenset())


def enabled(name: str) -> bool:
    """Return whether a pass is to run."""
    return name not in _off.get()


def without(*names: str) -> AbstractContextManager:
    """Return a context in which programs are compiled without these passes; ValueError for names that are none."""
    unknown = set(names) - PASSES
    if unknown:
        raise ValueError(f"without: expected names of {sorted(PASSES)}, got {sorted(unknown)}")
    return modes.Setting((_off, frozenset(names)))
