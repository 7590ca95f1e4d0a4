"""What all effects of ranks share."""

from __future__ import annotations

from lineal.core.effect import Effect

__all__ = ["RankEffect"]


class RankEffect(Effect):
    """An effect by which ranks exchange arrays: all ranks make the same calls in the same order, on the backward pass too."""

    no_batch = "what ranks exchange is the same call on each of them"
    no_lowering = "what ranks exchange is theirs"
    host_only = "bytes of arrays are sent"
