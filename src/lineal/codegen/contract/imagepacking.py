"""Copies of what is seen of an image in the order of tiles, by way of an excerpt, or element by element within its bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lineal.codegen.contract.excerpts import CAPACITY, Excerpt, Extent
from lineal.codegen.contract.images import Image, Where
from lineal.codegen.contract.packing import Packing
from lineal.codegen.contract.tiles import PANELS, Tiles
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, pointer
from lineal.codegen.values import Value

__all__ = ["STRIPS", "ImagePacking"]

PIECES = (3, 5)
"""How many stretches of places a vector is made of before it is gathered: of rows of half a vector and of a quarter."""

MORE = 2
"""How many times as many numbers an excerpt may have as are read from it, if they do not lie side by side."""

STRIPS = 4
"""How many strips of an image are made at a time."""


Way = Callable[..., None]


class ImagePacking(Packing):
    """Writes the copying of an image into panels, or, `turned`, into strips."""

    def __init__(self, e: Emitter, tiles: Tiles):
        super().__init__(e, tiles)
        assert tiles.contract.image is not None
        self.how = tiles.contract.image
        self.source = self.kind_in(tiles.contract.a if self.how.turned else tiles.contract.b)
        self.plain = self.held if tiles.together == 1 else self.source
        """The kind of the single numbers of strips and panels."""

    @property
    def parameters(self) -> list[tuple[str, Kind]]:
        """What is given: an image and its table, where it goes, the first k and line, how many k and lines."""
        numbers = [(name, int64) for name in ("first", "start", "depth", "count")]
        return [("source", pointer), ("table", pointer), ("to", pointer), *numbers]

    def write_strip(self) -> None:
        if not self.how.turned:
            super().write_strip()
            return
        with self.e.function("strip", self.parameters, internal=True) as given:
            self.either(given, (given[3], given[5]), (given[4], given[6]), self.near_strip, self.far_strip)

    def write_panels(self) -> None:
        if self.how.turned:
            super().write_panels()
            return
        with self.e.function("panels", self.parameters, internal=True) as given:
            self.either(given, (given[4], given[6]), (given[3], given[5]), self.near_panels, self.far_panels)

    def either(
        self, given: Sequence[Value], places: tuple[Value, Value], seen: tuple[Value, Value], near: Way, far: Way
    ) -> None:
        """Write the copying by way of an excerpt, if it fits and has less numbers than are read from it, or without.

        Where neighbours do not lie side by side, it may have more: each is gathered otherwise.

        `places` says which place of the image is the first and how many there are, `seen` the same of channels and elements.
        """
        e, image = self.e, Image(self.e, given[1], self.how.axes)
        channel = (image.parts(each, image.numbers["kernel"])[0] for each in (seen[0], seen[0] + seen[1] - 1))
        extent = Extent(e, image, (*channel,), places[0], places[0] + places[1] - 1)  # type: ignore[arg-type]
        last = image.axis[-1]
        worth = places[1] * seen[1] * e.select((last.step == 1) & (last.stride == 1), e.index(1), e.index(MORE))
        fits = (extent.count <= CAPACITY) & (extent.count <= worth)
        with e.if_else(fits) as (then, otherwise):
            with then:
                excerpt = Excerpt(e, self.plain, self.lanes)
                excerpt.fill(extent, given[0], self.source)
                near(given, extent, excerpt)
            with otherwise:
                far(given, image)

    def vectors(self, start: Value, count: int) -> Value:
        """Return the numbers from `start` on."""
        return self.e.splat(start, count) + self.e.iota(int64, count)

    def offsets(self, extent: Extent, first: Value, count: Value, most: int) -> Value:
        """Write how far elements of the kernel are, up to `most`, to memory; return its address."""
        found = self.e.stack(8 * (most + self.lanes))
        with self.e.loop(count, 0, self.lanes) as n:
            self.e.store(extent.kernel(self.vectors(first + n, self.lanes)), found, n)
        return found

    # panels

    def near_panels(self, given: Sequence[Value], extent: Extent, excerpt: Excerpt) -> None:
        """Write the copying of an excerpt into panels, whose vectors are side by side in it, or are made of pieces."""
        e, tiles, lanes = self.e, self.tiles, self.lanes
        _, _, to, first, start, depth, count = given
        load = Reading(e, excerpt, self.offsets(extent, first, depth, tiles.deepest * tiles.together))
        rows, units = self.stretches(extent, start, count), self.units(depth)
        with e.loop(count, 0, tiles.wide) as j:
            panel, vectors = e.address(to, j * tiles.deepest, self.held), range(0, tiles.wide, lanes)
            pieces = [rows.pieces(j + v, lanes) for v in vectors]
            whole = pieces[0].whole
            for each in pieces[1:]:
                whole = whole & each.whole
            with e.if_else(whole) as (together, apart):
                with together, e.loop(units) as unit:
                    for v, each in zip(vectors, pieces):
                        vector = self.joined(lambda k, each=each: load.vector(each.bases[0], k), unit, depth)
                        e.store(vector, e.address(panel, unit * tiles.wide + v, self.held))
                with apart:
                    for v, each in zip(vectors, pieces):
                        with e.when(j + v < count):
                            self.pieced(load, each, e.address(panel, v, self.held), (units, depth), PIECES)

    def pieced(self, load: Reading, pieces: Pieces, to: Value, depth: tuple[Value, Value], counts: Sequence[int]) -> None:
        """Write the copying of one vector of a panel: of up to so many pieces, the least count that will do, or gathered."""
        if not counts:
            where = pieces.each()
            self.column(lambda k: load.gathered(where, k), to, depth)
            return
        few, *more = counts
        with self.e.if_else(pieces.ends[few - 1] >= pieces.least) as (then, otherwise):
            with then:
                self.column(lambda k: load.merged(pieces, few, k), to, depth)
            with otherwise:
                self.pieced(load, pieces, to, depth, more)

    def column(self, vector: Callable[[Value], Value], to: Value, depth: tuple[Value, Value]) -> None:
        """Write the loop along k that makes one vector of a panel."""
        e, (units, numbers) = self.e, depth
        with e.loop(units) as unit:
            e.store(self.joined(vector, unit, numbers), e.address(to, unit * self.tiles.wide, self.held))

    def far_panels(self, given: Sequence[Value], image: Image) -> None:
        """Write the copying of an image into panels, within its bounds."""
        e, tiles = self.e, self.tiles
        source, _, to, first, start, depth, count = given
        known, units = self.known(image, first, depth), self.units(depth)
        with e.loop(count, 0, tiles.wide) as j, e.loop(tiles.wide, 0, self.lanes) as v, e.when(j + v < count):
            there, mask = image.place(self.vectors(start + j + v, self.lanes)), e.first_lanes(count - j - v, self.lanes)
            line = image.lines(source, there, mask, self.source)
            panel = e.address(e.address(to, j * tiles.deepest, self.held), v, self.held)
            with e.loop(units) as unit:
                vector = self.joined(lambda k: line.load(known(k)), unit, depth)
                e.store(vector, e.address(panel, unit * tiles.wide, self.held))

    def known(self, image: Image, first: Value, count: Value) -> Callable[[Value], Where]:
        """Write where elements of the kernel stand, to memory; return what reads it."""
        e, most = self.e, self.tiles.deepest * self.tiles.together + self.lanes
        rows = [e.stack(8 * most) for _ in range(1 + image.axes)]
        with e.loop(count, 0, self.lanes) as n:
            here = image.kernel(self.vectors(first + n, self.lanes))
            for row, vector in zip(rows, (here.offset, *here.coordinates)):
                e.store(vector, row, n)
        return lambda k: Where(e.load(rows[0], int64, k), [e.load(row, int64, k) for row in rows[1:]])

    # strips

    def near_strip(self, given: Sequence[Value], extent: Extent, excerpt: Excerpt) -> None:
        """Write the copying of an excerpt into a strip, in stretches of places along the last axis."""
        e, tiles, lanes = self.e, self.tiles, self.lanes
        _, _, to, first, start, depth, count = given
        offsets = self.offsets(extent, start, count, tiles.high * STRIPS)
        rows = self.stretches(extent, first, depth)
        with e.loop(count) as i:
            row = e.address(to, i * tiles.deepest, self.held)
            seen = e.address(excerpt.memory, e.load(offsets, int64, i), excerpt.kind)
            with e.loop(rows.count) as n:
                begin, end, place = rows.start(n), rows.start(n + 1), rows.place(n)
                # what a vector has beyond the stretch is written again by the next one
                with e.loop(end - begin, 0, lanes) as x:
                    e.store(e.load(seen, excerpt.kind, place + x, lanes), row, begin + x)
            self.filled(row, depth)

    def stretches(self, extent: Extent, first: Value, depth: Value) -> Stretches:
        """Write where the places from `first` on, as far as they lie side by side, begin in a line and in the excerpt."""
        e, lanes, width = self.e, self.lanes, extent.image.axis[-1].places
        most = max(self.tiles.deepest * self.tiles.together, self.tiles.wide * PANELS)
        starts, places = (e.stack(8 * (most + max(PIECES) + lanes)) for _ in range(2))
        row = e.math.floor_divide(first, width)
        count = e.math.floor_divide(first + depth - 1, width) - row + 1
        with e.loop(count + max(PIECES), 0, lanes) as n:
            begin = self.vectors(row + n, lanes) * e.splat(width, lanes) - first
            begin = e.math.minimum(e.math.maximum(begin, 0), depth)
            e.store(begin, starts, n)
            e.store(extent.place(e.math.minimum(begin, depth - 1) + first), places, n)
        return Stretches(e, extent, (starts, places, count), first, depth)

    def filled(self, row: Value, depth: Value) -> None:
        """Write the zeros behind the last k, if numbers along k are taken together."""
        if self.tiles.together > 1:
            with self.e.loop(self.units(depth) * self.tiles.together, depth) as k:
                self.e.store(self.e.const(0, self.plain), row, k)

    def far_strip(self, given: Sequence[Value], image: Image) -> None:
        """Write the copying of an image into a strip, within its bounds."""
        e, lanes = self.e, self.lanes
        source, _, to, first, start, depth, count = given
        known = self.known(image, start, count)
        with e.loop(depth, 0, lanes) as k:
            mask = e.first_lanes(depth - k, lanes)
            line = image.lines(source, image.place(self.vectors(first + k, lanes)), mask, self.source)
            with e.loop(count) as i:
                row = e.address(to, i * self.tiles.deepest, self.held)
                e.store(e.cast(line.load(known(i)), self.plain), row, k, mask=mask)
        with e.loop(count) as i:
            self.filled(e.address(to, i * self.tiles.deepest, self.held), depth)


class Stretches:
    """Places that lie side by side, up to the end of a row: where each begins in a line of so many, and in an excerpt."""

    def __init__(self, e: Emitter, extent: Extent, tables: tuple[Value, Value, Value], first: Value, length: Value):
        self.e, self.extent, self.first, self.length = e, extent, first, length
        self.starts, self.places, self.count = tables
        self.width = extent.image.axis[-1].places

    def start(self, number: Value) -> Value:
        """Return where a stretch begins in the line; behind the last one the length."""
        return self.e.load(self.starts, int64, number)

    def place(self, number: Value) -> Value:
        """Return where a stretch begins in the excerpt."""
        return self.e.load(self.places, int64, number)

    def pieces(self, begin: Value, lanes: int) -> Pieces:
        """Return what a vector that begins somewhere in the line is made of."""
        e = self.e
        row = e.math.floor_divide(e.math.minimum(begin, self.length - 1) + self.first, self.width)
        number = row - e.math.floor_divide(self.first, self.width)
        ends = [self.start(number + n + 1) - begin for n in range(max(PIECES))]
        bases = [self.place(number + n) + begin - self.start(number + n) for n in range(max(PIECES))]
        least = e.math.minimum(self.length - begin, lanes)
        return Pieces(self, begin, lanes, bases, ends, least)


class Pieces(NamedTuple):
    """A vector of places: where its first lanes would be if all lay beside them, and up to which lane they do; and so on."""

    rows: Stretches
    begin: Value
    lanes: int
    bases: list[Value]
    ends: list[Value]
    least: Value

    @property
    def whole(self) -> Value:
        """Whether it is one piece."""
        return self.ends[0] >= self.least

    def each(self) -> Value:
        """Return where each lane is; lanes behind the end of the line are where the last one is."""
        e, rows = self.rows.e, self.rows
        lines = e.splat(self.begin, self.lanes) + e.iota(int64, self.lanes)
        return rows.extent.place(e.math.minimum(lines, rows.length - 1) + rows.first)


class Reading:
    """Reads an excerpt, at offsets that a table has for each k."""

    def __init__(self, e: Emitter, excerpt: Excerpt, offsets: Value):
        self.e, self.excerpt, self.offsets = e, excerpt, offsets

    def vector(self, base: Value, k: Value) -> Value:
        """Return what lies side by side from a base on."""
        offset = self.e.load(self.offsets, int64, k)
        return self.e.load(self.excerpt.memory, self.excerpt.kind, base + offset, self.excerpt.lanes)

    def merged(self, pieces: Pieces, count: int, k: Value) -> Value:
        """Return what so many pieces show."""
        found = self.vector(pieces.bases[count - 1], k)
        for base, end in zip(pieces.bases[count - 2 :: -1], pieces.ends[count - 2 :: -1]):
            found = self.e.select(self.e.first_lanes(end, pieces.lanes), self.vector(base, k), found)
        return found

    def gathered(self, where: Value, k: Value) -> Value:
        """Return what each lane shows."""
        offset = self.e.splat(self.e.load(self.offsets, int64, k), where.lanes)
        return self.e.gathered(self.excerpt.memory, where + offset, self.excerpt.kind, where >= 0)
