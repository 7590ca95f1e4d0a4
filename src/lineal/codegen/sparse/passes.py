"""One pass over a matrix for what smoothing and judging ask of it: A x, b − A x, and x + d (b − A x)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import refuse
from lineal.codegen.sparse.rows import Cuts, Form, Rows, cut
from lineal.codegen.values import Value

__all__ = ["product", "residual", "sweep"]

VECTORS = {"product": "xy", "residual": "xby", "sweep": "xbdy"}
"""The vectors of each pass: the last one is written."""


class Passes:
    """Writes the code of a pass; its arrays are the matrix's, then the vectors; d has one number where it is `flat`."""

    def __init__(self, form: Form, name: str, flat: bool):
        self.e = e = Emitter()
        self.form, self.name, self.flat, self.writer = form, name, flat, form.writer(e)
        with entered(e, name, form.arrays + len(VECTORS[name])) as (given, table):
            numbers = [e.load(table, int64, n) for n in range(form.numbers + len(Cuts._fields))]
            cuts = Cuts(*numbers[form.numbers :])
            captured = [*given, *numbers[: form.numbers], cuts.units, cuts.share]
            shared(e, name, cuts.pieces, captured, self.pieces, grain=1, pieces=16, worth=cuts.worth != 0)

    def pieces(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the pieces range(start, stop)."""
        form, count = self.form, self.form.arrays + len(VECTORS[self.name])
        matrix = [*given[: form.arrays], *given[count : count + form.numbers]]
        vectors = dict(zip(VECTORS[self.name], given[form.arrays : count]))
        with cut(self.e, start, stop, *given[-2:]) as (_, first, last):
            self.writer.write(first, last, matrix, vectors["x"], lambda block, s: self.finish(block, s, vectors))

    def finish(self, block: Block, total: Value, vectors: dict[str, Value]) -> None:
        """Write some numbers of the result."""
        read = self.writer.read
        if "b" in vectors:
            total = read(block, vectors["b"]) - total
        if "d" in vectors:
            factor = self.e.cast(block.load(vectors["d"], self.writer.kind, 0 if self.flat else 1), self.writer.wide)
            total = read(block, vectors["x"]) + self.e.splat(factor, block.lanes) * total
        block.store(total, vectors["y"], self.writer.kind)


@lru_cache(128)
def native(form: Form, name: str, flat: bool) -> Native:
    """Return the compiled pass."""
    return Native(Passes(form, name, flat).e, name)


def run(rows: Rows, name: str, out: np.ndarray | None, *vectors: np.ndarray, flat: bool = False) -> np.ndarray:
    """Return what a pass makes of vectors, which lie in C order, in memory of its own or in `out`."""
    y = np.empty(rows.length, vectors[0].dtype) if out is None else out
    code = native(rows.form, name, flat)
    code((*rows.arrays, *vectors, y), code.table(rows.work, *rows.table))
    refuse(rows.failed, name)
    return y


def product(rows: Rows, x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return A x."""
    return run(rows, "product", out, x)


def residual(rows: Rows, x: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return b − A x; `out` may be b."""
    return run(rows, "residual", out, x, b)


def sweep(rows: Rows, x: np.ndarray, b: np.ndarray, d: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return x + d (b − A x), for d of one number or of one for each row; `out` may be b."""
    return run(rows, "sweep", out, x, b, d, flat=d.size == 1)
