"""One vector's worth of a loop: where it stands, and which lanes count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.memory import Memory


class Block:
    """The lanes index, index + 1, …; in the tail, `mask` says which of them are there.

    `turn` counts the blocks of one round of an unrolled loop, so that a reduction can have a variable for each.
    """

    __slots__ = ("emitter", "index", "lanes", "mask", "turn")

    def __init__(self, emitter: Memory, index: Value, lanes: int, mask: Value | None = None, turn: int = 0):
        self.emitter = emitter
        self.index = index
        self.lanes = lanes
        self.mask = mask
        self.turn = turn

    def load(self, address: Value, kind: Kind, stride: int | Value = 1) -> Value:
        """Return what lies at address[index · stride], for every lane; lanes that are not there hold anything."""
        if isinstance(stride, int) and stride == 0:
            return self.emitter.load(address, kind)
        return self.emitter.load(address, kind, self.index, self.lanes, stride=stride, mask=self.mask)

    def store(self, value: Value, address: Value, kind: Kind | None = None, stride: int | Value = 1) -> None:
        """Write value to address[index · stride], as `kind` (else the value's)."""
        value = self.emitter.splat(value, self.lanes)
        self.emitter.store(value, address, self.index, kind=kind, stride=stride, mask=self.mask)

    def keep(self, value: Value, neutral: Any) -> Value:
        """Return value, with `neutral` in lanes that are not there; for reductions."""
        return value if self.mask is None else self.emitter.select(self.mask, value, neutral)

    def numbers(self, kind: Kind) -> Value:
        """Return index, index + 1, … as values of `kind`."""
        e = self.emitter
        return e.splat(e.cast(self.index, kind), self.lanes) + e.iota(kind, self.lanes)
