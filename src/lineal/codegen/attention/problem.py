"""What an attention is, as data: its form, which decides the code, and the table of its sizes, steps and scale."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "AXIS",
    "FIELDS",
    "KEYS",
    "MOST",
    "NARROW",
    "Form",
    "Steps",
    "chunks_of",
    "fits",
    "table_of",
    "threshold_of",
    "worth",
]

KEYS = 128
"""How many keys make a block: their copies, of the widest heads too, stay in the second cache."""
NARROW, MOST = 128, 256
"""The widest queries, keys and values that there is room for, in the common form and in the `wide` one."""
FEWEST, LEAST = 8, 1 << 18
"""From how many queries, and multiplications for scores, on the routine is faster than NumPy (measured)."""
LEAST_CAUSAL, LEAST_SCORES = 1 << 14, 1 << 21
"""From how many scores of a head, half of which are left out, or of all heads, on it is faster than loops of programs, which
make products of all scores and keep the weights for the backward pass (measured, 2026-11-30)."""
TASKS = 16
"""How many parts the backward pass is cut into, if there are so many blocks of keys, whatever the number of threads."""

FIELDS = (
    "spread", "scale", "heads", "queries", "keys", "width", "out", "chunks",
    "q.row", "q.column", "k.row", "k.column", "v.row", "v.column", "g.row", "g.column", "mask.row", "axes",
    "threshold", "factor",
)  # fmt: skip
"""The numbers of a table; behind them stand those of the leading axes."""
AXIS = ("size", "q", "k", "v", "g", "mask")
"""The numbers of a leading axis: how many heads there are along it, and how far they are apart in each array."""


class Form(NamedTuple):
    """What decides the code: the kind of numbers, whether query i sees keys 0 … i alone, the kind of the mask, "" if none.

    A mask of numbers, of the same kind as the scores, is added to them; a bool one says what is seen. A query that sees nothing
    gets zeros if it is `safe`, else NaN. If it is `wide`, queries or values have more than 128 numbers. Some
    weights are left out if they may be `dropped`.
    """

    kind: str
    causal: bool
    mask: str = ""
    safe: bool = True
    wide: bool = False
    dropped: bool = False

    @property
    def most(self) -> int:
        """How wide queries, keys and values are at most."""
        return MOST if self.wide else NARROW


class Steps(NamedTuple):
    """How far elements of an array are apart along its axes; what an attention has none of does not move."""

    lead: Sequence[int]
    row: int = 0
    column: int = 0


def chunks_of(heads: int, keys: int) -> int:
    """Return into how many chunks a head's keys are cut in the backward pass, each with a sum of its own for the queries."""
    return max(1, min(-(-TASKS // max(heads, 1)), -(-keys // (2 * KEYS))))


def threshold_of(dropped: float) -> int:
    """Return what random words of 32 bits are below where a weight is kept, if others are dropped with a probability."""
    return min(round((1 - dropped) * (1 << 32)), (1 << 32) - 1)


def table_of(
    lead: Sequence[int],
    sizes: tuple[int, int, int, int],
    scale: float,
    spread: bool,
    steps: Sequence[Steps],
    dropped: float = 0.0,
) -> list[int]:
    """Return the table of heads `lead`, of sizes (queries, keys, width, out); `steps` are those of q, k, v, g and the mask.

    Weights are `dropped` with a probability.
    """
    heads = 1
    for size in lead:
        heads *= size
    bits, factor = struct.unpack("<2q", struct.pack("<2d", scale, 1 / (1 - dropped)))
    *factors, mask = steps
    moves = [number for each in factors for number in (each.row, each.column)]
    axes = [number for place, size in enumerate(lead) for number in (size, *(each.lead[place] for each in steps))]
    return [
        int(spread),
        bits,
        heads,
        *sizes,
        chunks_of(heads, sizes[1]),
        *moves,
        mask.row,
        len(lead),
        threshold_of(dropped),
        factor,
        *axes,
    ]


def fits(queries: int, keys: int, width: int, out: int) -> bool:
    """Return whether a routine can make such an attention."""
    return queries > 0 and keys > 0 and 0 < width <= MOST and 0 < out <= MOST


def worth(causal: bool, heads: int, sizes: tuple[int, int, int, int], program: bool) -> bool:
    """Return whether a routine is to make an attention of so many heads, in eager code or in a program."""
    queries, keys, width, _ = sizes
    if not fits(*sizes) or queries < FEWEST:
        return False
    if program:
        return (causal and queries * keys >= LEAST_CAUSAL) or heads * queries * keys >= LEAST_SCORES
    return heads * queries * keys * width >= LEAST
