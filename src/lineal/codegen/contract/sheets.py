"""Sheets: what has a number for each row and column of a contraction's result, and vectors of columns to read or write there.

Columns of a sheet lie side by side. Where a contraction runs on through images, they do so within an image, and a vector of
columns may be in two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

__all__ = ["Columns", "Run", "Sheet", "running_on"]


class Run(NamedTuple):
    """Lanes whose columns are in one image: where the first lane's would be, which lanes they are, the image's number."""

    start: int | Value
    mask: Value | None
    image: Value | None = None


class Columns(NamedTuple):
    """A vector of columns: a run, and, if they are `split`, those of the next image."""

    lanes: int
    first: Run
    rest: Run | None = None
    split: Value | None = None


def running_on(e: Emitter, lanes: int, column: Value, width: Value, count: Value) -> Columns:
    """Return `count` columns from one on, of images that have `width` each, at least as many as there are lanes."""
    image = e.math.floor_divide(column, width)
    start = column - image * width
    left = width - start
    if lanes == 1:
        return Columns(1, Run(start, None, image))
    first, there = e.first_lanes(e.math.minimum(left, count), lanes), e.first_lanes(count, lanes)
    return Columns(lanes, Run(start, first, image), Run(-left, there & ~first, image + 1), left < e.math.minimum(count, lanes))


@dataclass(frozen=True)
class Sheet:
    """Its address, how far rows are apart, whether columns differ; how far images are apart where columns run on.

    In a `turned` one, rows lie side by side, and columns are so far apart.
    """

    address: Value
    step: Value
    kind: Kind
    across: bool = True
    apart: Value | None = None
    turned: bool = False

    def moved(self, e: Emitter, i: int | Value, j: int | Value) -> Sheet:
        """Return the part that begins at row i and column j; columns that run on count from the first one on."""
        apart, beside = (j, i) if self.turned else (i, j)
        place = e.index(apart) * self.step + (beside if self.across and self.apart is None else 0)
        return replace(self, address=e.address(self.address, place, self.kind))

    def at(self, e: Emitter, run: Run) -> Value:
        """Return the address of a run of the first row."""
        place = e.index(run.start if self.across else 0)
        place = place if self.apart is None or run.image is None else place + run.image * self.apart
        return e.address(self.address, place, self.kind)

    def run(self, e: Emitter, run: Run, lanes: int) -> Value:
        """Return the numbers of a run of the first row."""
        if not self.across:
            return e.splat(e.load(self.at(e, run), self.kind), lanes)
        return e.load(self.at(e, run), self.kind, 0, lanes, mask=run.mask)

    def load(self, e: Emitter, columns: Columns) -> Value:
        """Return the numbers of the first row."""
        found = e.variable(self.run(e, columns.first, columns.lanes))
        if columns.rest is not None and columns.split is not None and columns.rest.mask is not None:
            with e.when(columns.split, carried=[found]):
                found.value = e.select(columns.rest.mask, self.run(e, columns.rest, columns.lanes), found.value)
        return found.value

    def store(self, e: Emitter, value: Value, columns: Columns) -> None:
        """Write numbers to the first row."""
        e.store(value, self.at(e, columns.first), kind=self.kind, mask=columns.first.mask)
        if columns.rest is not None and columns.split is not None:
            with e.when(columns.split):
                e.store(value, self.at(e, columns.rest), kind=self.kind, mask=columns.rest.mask)
