"""The Emitter: writes LLVM code as text, with values that compute by operators and loops that read as loops.

e = Emitter(target.host())
with e.function("double", [("x", pointer), ("y", pointer), ("n", int64)]) as (x, y, n):
    for block in e.blocks(n, float32):
        block.store(2 * block.load(x, float32), y)
e.text()
"""

from __future__ import annotations

from collections.abc import Sequence

from lineal.codegen.flow import Flow
from lineal.codegen.mathmodule import MathModule
from lineal.codegen.target import Target
from lineal.codegen.values import Value


class Emitter(Flow):
    """Writes one LLVM module for one target; arithmetic, memory, control flow, and NumPy's functions as `math`."""

    def __init__(self, target: Target | None = None):
        super().__init__(target)
        self.math = MathModule(self)

    def per_lane(self, name: str, *arguments: Value) -> Value:
        """Call the scalar C function `name` for every lane."""
        first = arguments[0]
        if first.lanes == 1:
            return self.call(name, first.kind, *arguments)
        key = f"lineal.{name}.{first.lanes}"
        if key not in self.defined:
            self.write_per_lane(key, name, arguments)
        return self.call(key, (first.kind, first.lanes), *arguments)

    def write_per_lane(self, key: str, name: str, arguments: Sequence[Value]) -> None:
        """Write the function `key` that calls `name` for one lane after the other, in memory."""
        kind, lanes = arguments[0].kind, arguments[0].lanes
        parameters = [(f"x{n}", kind, lanes) for n in range(len(arguments))]
        with self.function(key, parameters, (kind, lanes), internal=True) as values:
            places = [self.slot(v) for v in values]
            with self.loop(lanes) as i:
                self.store(self.call(name, kind, *(self.load(p, kind, i) for p in places)), places[0], i)
            self.ret(self.load(places[0], kind, 0, lanes))
