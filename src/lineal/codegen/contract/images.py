"""Factors that are read from images: what a convolution multiplies, without a copy of the whole.

    b[(c, r, …), (i, …)] = image[c, i · stride + r · dilation - padding, …], or 0 outside of it

The k of b count channels and the places of a kernel, its columns the places where the kernel stands. `turned`, that is the left
factor, whose rows are what the k of b were, and its k the places: the derivative by the kernel. Only the panels, or strips, that
tiles are at are ever laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from lineal.codegen.contract.excerpts import CAPACITY, Excerpt, Extent
from lineal.codegen.contract.packing import Packing
from lineal.codegen.contract.tiles import Tiles
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int32, int64, pointer, uint32
from lineal.codegen.values import Value

__all__ = ["AXIS", "ImagePacking", "table_of"]

AXIS = ("places", "kernel", "stride", "dilation", "padding", "size", "step")
"""The numbers of each axis of an image, in the order of its table, behind the step between channels."""


def table_of(channel: int, *fields: Sequence[int]) -> list[int]:
    """Return the table of an image: how far channels are apart, then each axis; `fields` are in the order of `AXIS`."""
    return [channel, *(number for axis in zip(*fields) for number in axis)]


Way = Callable[..., None]


class Where(NamedTuple):
    """Where elements lie: how far they are from the image's begin, and their coordinates."""

    offset: Value
    coordinates: list[Value]


class Axis(NamedTuple):
    """The numbers of one axis of an image."""

    places: Value
    kernel: Value
    stride: Value
    dilation: Value
    padding: Value
    size: Value
    step: Value


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

        `places` says which place of the image is the first and how many there are, `seen` the same of channels and elements.
        """
        e, image = self.e, Image(self.e, given[1], self.how.axes)
        channel = (image.parts(each, image.numbers["kernel"])[0] for each in (seen[0], seen[0] + seen[1] - 1))
        extent = Extent(e, image, (*channel,), places[0], places[0] + places[1] - 1)  # type: ignore[arg-type]
        fits = (extent.count <= CAPACITY) & (extent.count <= places[1] * seen[1])
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
        """Write the copying of an excerpt into panels: in vectors that are made of up to three pieces, or else gathered."""
        e, tiles, lanes = self.e, self.tiles, self.lanes
        _, _, to, first, start, depth, count = given
        offsets = self.offsets(extent, first, depth, tiles.deepest * tiles.together)
        units, noted = self.units(depth), e.stack(8 * lanes)
        with e.loop(count, 0, tiles.wide) as j, e.loop(tiles.wide, 0, lanes) as v, e.when(j + v < count):
            last = count - 1
            lines = self.vectors(j + v, lanes)
            bases = extent.place(e.math.minimum(lines, last) + start) - e.iota(int64, lanes)
            e.store(bases, noted)
            end = e.load(noted, int64, e.math.minimum(last - j - v, lanes - 1))
            pieces = [e.extract(bases, 0), e.extract(bases, lanes // 2), end]
            masks = [bases == e.splat(each, lanes) for each in pieces]
            beyond = lines >= count
            panel = e.address(e.address(to, j * tiles.deepest, self.held), v, self.held)
            load = lambda base, k: e.load(excerpt.memory, excerpt.kind, base + e.load(offsets, int64, k), lanes)

            def copy(value: Callable[[Value], Value], panel: Value = panel) -> None:
                with e.loop(units) as unit:
                    e.store(self.joined(value, unit, depth), e.address(panel, unit * tiles.wide, self.held))

            with e.if_else(~e.any(~(masks[0] | beyond))) as (one, otherwise):
                with one:
                    copy(lambda k: load(pieces[0], k))
                with otherwise, e.if_else(~e.any(~(masks[0] | masks[1] | masks[2] | beyond))) as (three, many):
                    with three:
                        second = lambda k: e.select(masks[1], load(pieces[1], k), load(pieces[2], k))
                        copy(lambda k: e.select(masks[0], load(pieces[0], k), second(k)))
                    with many:
                        at, everywhere = bases + e.iota(int64, lanes), lines >= 0
                        offset = lambda k: at + e.splat(e.load(offsets, int64, k), lanes)
                        copy(lambda k: e.gathered(excerpt.memory, offset(k), excerpt.kind, everywhere))

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
        offsets = self.offsets(extent, start, count, tiles.high)
        starts, places, stretches = self.stretches(extent, first, depth)
        with e.loop(count) as i:
            row = e.address(to, i * tiles.deepest, self.held)
            seen = e.address(excerpt.memory, e.load(offsets, int64, i), excerpt.kind)
            with e.loop(stretches) as n:
                begin, place = e.load(starts, int64, n), e.load(places, int64, n)
                # what a vector has beyond the stretch is written again by the next one
                with e.loop(e.load(starts, int64, n + 1) - begin, 0, lanes) as x:
                    e.store(e.load(seen, excerpt.kind, place + x, lanes), row, begin + x)
            self.filled(row, depth)

    def stretches(self, extent: Extent, first: Value, depth: Value) -> tuple[Value, Value, Value]:
        """Write where stretches begin in a strip, behind the last its end, and in the excerpt; return both, and the count."""
        e, lanes, width = self.e, self.lanes, extent.image.axis[-1].places
        starts, places = (e.stack(8 * (self.tiles.deepest * self.tiles.together + 2 * lanes)) for _ in range(2))
        row = e.math.floor_divide(first, width)
        count = e.math.floor_divide(first + depth - 1, width) - row + 1
        with e.loop(count + 1, 0, lanes) as n:
            begin = self.vectors(row + n, lanes) * e.splat(width, lanes) - first
            begin = e.math.minimum(e.math.maximum(begin, 0), depth)
            e.store(begin, starts, n)
            e.store(extent.place(begin + first), places, n)
        return starts, places, count

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


class Image:
    """The numbers of an image, and where its elements lie."""

    def __init__(self, e: Emitter, table: Value, axes: int):
        self.e, self.axes = e, axes
        self.channel = e.load(table, int64)
        fields = [[e.load(table, int64, 1 + len(AXIS) * n + place) for place in range(len(AXIS))] for n in range(axes)]
        self.axis = [Axis(*each) for each in fields]
        self.numbers = {name: [each[place] for each in fields] for place, name in enumerate(AXIS)}

    def kernel(self, number: Value) -> Where:
        """Return where channels and places of the kernel stand that are counted row by row."""
        channel, places = self.parts(number, self.numbers["kernel"])
        dilated = zip(places, self.numbers["dilation"], self.numbers["padding"])
        return self.where([each * dilation - padding for each, dilation, padding in dilated], channel * self.channel)

    def place(self, number: Value) -> Where:
        """Return where the kernel stands at places that are counted row by row."""
        _, places = self.parts(number, self.numbers["places"])
        return self.where([each * stride for each, stride in zip(places, self.numbers["stride"])], None)

    def where(self, coordinates: list[Value], offset: Value | None) -> Where:
        for each, step in zip(coordinates, self.numbers["step"]):
            offset = each * step if offset is None else offset + each * step
        assert offset is not None
        return Where(offset, coordinates)

    def parts(self, number: Value, sizes: Sequence[Value]) -> tuple[Value, list[Value]]:
        """Return numbers in a system of digits of so many values each: what is beyond the digits, and the digits."""
        digits = []
        for size in reversed(sizes):
            # in float64, which has vectors of quotients; whole numbers below 2⁵² come out exactly
            rest = self.e.cast(self.e.math.floor(self.e.cast(number, float64) / self.e.cast(size, float64)), int64)
            digits.append(number - rest * size)
            number = rest
        return number, digits[::-1]

    def lines(self, source: Value, there: Where, mask: Value, kind: Kind) -> Lines:
        """Return the columns of one vector of a panel."""
        return Lines(self.e, source, there, mask, kind, self.numbers["size"])


class Lines:
    """The columns of one vector of a panel: read in one piece where they lie side by side."""

    def __init__(self, e: Emitter, source: Value, there: Where, mask: Value, kind: Kind, sizes: Sequence[Value]):
        self.e, self.source, self.mask, self.kind = e, source, mask, kind
        self.lanes = mask.lanes
        self.offset = there.offset
        self.coordinates = [e.cast(each, int32) for each in there.coordinates]
        self.sizes = [e.cast(each, uint32) for each in sizes]
        self.first = e.extract(there.offset, 0)
        beside = there.offset == e.splat(self.first, self.lanes) + e.iota(int64, self.lanes)
        self.dense = ~e.any(~beside)

    @cached_property
    def zeros(self) -> Value:
        """What lies outside of the image."""
        return self.e.const(0, self.kind.computed, self.lanes)

    def load(self, here: Where) -> Value:
        """Return the elements at one k; zeros outside of the image."""
        e, mask = self.e, self.mask
        for own, each, size in zip(self.coordinates, here.coordinates, self.sizes):
            at = e.cast(own + e.splat(e.cast(each, int32), self.lanes), uint32)
            mask = mask & (at < e.splat(size, self.lanes))
        found = e.variable(self.zeros)
        with e.if_else(self.dense, carried=[found]) as (then, otherwise):
            with then:
                start = e.address(self.source, self.first + here.offset, self.kind)
                found.value = e.load(start, self.kind, 0, self.lanes, mask=mask)
            with otherwise:
                found.value = e.gathered(self.source, self.offset + e.splat(here.offset, self.lanes), self.kind, mask)
        # lanes outside of the mask may hold anything
        return e.select(mask, found.value, self.zeros)
