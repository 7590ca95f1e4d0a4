"""Effects: ops that do something besides computing, as those that send, receive or count."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lineal.core import modes
from lineal.core.op import AbstractTensor, Op

__all__ = ["Effect", "outlined"]


class Effect(Op):
    """An op with an ordered effect: it runs exactly as often as the function runs it, and in that order.

    No reader of a trace drops it, though nobody reads its output, merges it with an equal one, moves it across another effect,
    or runs it to find something out. `eager` may not keep the arrays that it is given, and the shape and dtype of what it gives
    depend on those of its inputs alone.
    """

    by_arrays = False

    effect: ClassVar[str | None] = "ordered"

    def outline(self, *xs: Any) -> Any:
        """Return an array (or a tuple of them) of the shape and dtype that `eager` gives, and do nothing."""
        return np.zeros_like(xs[0])

    def run(self, xs: tuple[AbstractTensor, ...]) -> Any:
        rehearsed = modes.rehearsal.get()
        return super().run(xs) if rehearsed is None else rehearsed(self, xs)


def outlined(op: Effect, xs: tuple[AbstractTensor, ...]) -> Any:
    """Return what stands for the output of an effect while a program is made of it."""
    return op.outline(*[x.value for x in xs])
