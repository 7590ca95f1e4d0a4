"""What rounding may do to a program's results: eager runs in which every op rounds otherwise.

A recorder hears each op and changes what it made by about a unit in the last place. What such runs give is spread as far as
rounding can carry a result; where they disagree about a comparison or an index, so may a compiled program.
"""

from __future__ import annotations

import numpy as np

from lineal.core import modes
from lineal.ops.pattern import Elementwise

__all__ = ["Noise"]


def is_huge(value: np.ndarray) -> bool:
    """Return whether there is a number whose square is too large for its dtype, and which is not infinite itself."""
    if value.dtype.kind not in "fcV":
        return False
    with np.errstate(all="ignore"):
        sizes = np.abs(value.astype(complex))
    limit = np.finfo(np.float64 if value.dtype.itemsize // (1 + (value.dtype.kind == "c")) == 8 else np.float32).max
    return bool(((sizes > limit**0.5) & np.isfinite(sizes)).any())


class Noise(modes.Recorder):
    """Changes each new floating-point result by up to a unit in its last place."""

    def __init__(self, seed: int):
        self.random = np.random.RandomState(seed)
        self.overflowing = False
        """Whether huge numbers were met: a product added before it is rounded gives infinity where another gives NaN."""

    def record(self, op, xs, ys):
        self.overflowing = self.overflowing or any(is_huge(each.value) for each in (*xs, *ys))
        for y in ys:
            value = y.value
            if op.aliasing is None and not any(np.may_share_memory(value, x.value) for x in xs):
                self.change(value)
                if self.overflowing and not isinstance(op, Elementwise) and value.dtype.kind == "f":
                    self.overflow(value)

    def overflow(self, value: np.ndarray) -> None:
        """Let sums of too large terms be others, in place."""
        lost = ~np.isfinite(value) & (self.random.rand(*value.shape) < 0.5)
        if value.flags.writeable:
            value[lost] = self.random.choice((np.nan, np.inf, -np.inf), value.shape)[lost]

    def change(self, value: np.ndarray) -> None:
        """Round otherwise, in place; leave what is not to be rounded."""
        if value.dtype.kind not in "fcV" or not value.size or not value.flags.writeable:
            return
        if value.dtype.kind == "V" or value.dtype.itemsize < 4:
            eps = 2.0 ** (-7 if value.dtype.name == "bfloat16" else -10)
        else:
            eps = float(np.finfo(value.dtype).eps)
        # what another formula gives may be larger, or smaller, everywhere
        each = () if self.random.rand() < 0.3 else value.shape
        # below a power of two half of it is a unit: what is rounded to it may be its neighbour
        factor = 1 + eps * self.random.choice((-1.0, -0.5, 0.0, 0.5, 1.0), each)
        with np.errstate(all="ignore"):
            value[...] = (value * factor).astype(value.dtype)

    def record_write(self, target, source):
        """A write copies what was heard before."""

    def concretize(self, tensor, kind):
        """Python may read what it likes."""

    def foreign(self, what):
        """Numbers may come from anywhere."""

    def opaque(self, what):
        """And any code may run."""

    def assume(self, holder):
        """Nothing depends on it."""

    def saw(self, module):
        """Nothing depends on it."""

    def relies(self, holder, name):
        """Nothing depends on it."""

    def reads_grad(self, leaf):
        """Nothing depends on it."""

    def sets_grad(self, leaf):
        """Nothing depends on it."""
