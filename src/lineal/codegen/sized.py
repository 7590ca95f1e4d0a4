"""Code for all sizes: an Emitter that loads each `Size` from a table, wherever it would write a number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.kinds import Kind
from lineal.codegen.sizes import Share, Size, plain
from lineal.codegen.target import Target
from lineal.codegen.template import TemplateEmitter, bits, load, spread
from lineal.codegen.values import Value

__all__ = ["SizedEmitter"]


class SizedEmitter(TemplateEmitter):
    """Writes one module whose sizes stand in a table, which each of its functions is given; other numbers stand in the code."""

    streams = True

    def __init__(self, target: Target | None = None):
        super().__init__(target)
        self.slots: dict[tuple[int, Kind], int] = {}
        """Where in the table the number of a ledger's place stands, as some kind."""

    def const(self, number: object, kind: Kind, lanes: int = 1) -> Value:
        if not isinstance(number, (Size, Share)):
            return super(TemplateEmitter, self).const(number, kind, lanes)
        if self.frame.numbers is None:
            return super(TemplateEmitter, self).const(number.ledger.fix(number), kind, lanes)
        slot = self.slots.setdefault((number.place, kind), len(self.slots))
        name, loads = f"%n{slot}.{kind.name}", self.frame.loads
        if name not in loads:
            loads[name] = load(name, kind, slot)
            self.frame.slots += loads[name]
        if lanes == 1:
            return Value(self, name, kind)
        wide = f"{name}.{lanes}"
        known = wide in loads
        spread(name, kind, lanes, loads)
        self.frame.slots += [] if known else loads[wide]
        return Value(self, wide, kind, lanes)

    def constant(self, number: object, kind: Kind) -> Value:
        if isinstance(number, (Size, Share)):
            return self.slot(self.const(number, kind))
        return super(TemplateEmitter, self).constant(number, kind)

    def open(self, table: Value) -> None:
        self.frame.numbers, self.frame.loads = table, {}

    def apart(self, number: int) -> Value:
        return self.const(number, kinds.int64)

    def table(self, values: Sequence[int | float]) -> np.ndarray:
        """Return the table for the values that a ledger has come to."""
        return np.array([bits(plain(values[place]), kind) for place, kind in self.slots], np.int64)
