"""What makes a system of equations suspicious."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The border of each sign, with A W = V for the probes V and the Frobenius norm.

    `product`: the greatest |A| |W|; `size`: the greatest |W|; `tiny`: the least of the columns' largest numbers in X; `growth`:
    the greatest number of A W - V as a multiple of |A| |W|, 0 if that is not asked for.
    """

    product: float
    size: float
    tiny: float
    growth: float
