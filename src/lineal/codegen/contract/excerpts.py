"""Excerpts: what a block of a convolution reads of an image, in memory of this call, with the zeros around it.

An element is fetched once for all places of the kernel that see it, and what lies beside it needs no bounds any more. Along the
last axis, elements that are a stride apart lie side by side, so that the kernel's neighbouring places do too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lineal.codegen.contract.images import Image
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, uint32
from lineal.codegen.values import Value

__all__ = ["CAPACITY", "Excerpt", "Extent", "Line"]

CAPACITY = 3 << 14
"""How many numbers an excerpt holds at most, so that it stays in the second cache beside the panels."""


class Extent:
    """The part of an image that channels from `channel` on have for places from `first` to `last`.

    Up to the first axis along which these places differ it is what they see, of the axes behind all.
    """

    def __init__(self, e: Emitter, image: Image, channel: tuple[Value, Value], first: Value, last: Value):
        self.e, self.image = e, image
        self.channel, self.channels = channel[0], channel[1] - channel[0] + 1
        self.lows, self.begins, self.extents, same = [], [], [], e.index(0) == 0
        ends = zip(image.parts(first, image.numbers["places"])[1], image.parts(last, image.numbers["places"])[1])
        for (a, b), axis in zip(ends, image.axis):
            low, high = e.select(same, a, 0), e.select(same, b, axis.places - 1)
            far = axis.dilation * (axis.kernel - 1)
            least = e.math.minimum(far, 0)
            self.lows.append(low)
            self.begins.append(low * axis.stride + least - axis.padding)
            self.extents.append((high - low) * axis.stride + e.math.maximum(far, 0) - least + 1)
            same = same & (a == b)
        stride = image.axis[-1].stride
        self.width = e.math.floor_divide(self.extents[-1] + stride - 1, stride)
        self.steps = [e.index(1)]
        for extent in [self.width * stride, *self.extents[-2::-1]]:
            self.steps.insert(0, self.steps[0] * extent)
        self.apart, *self.steps = self.steps
        """How far channels are apart, and neighbours along each axis."""

    @property
    def count(self) -> Value:
        """How many numbers it has."""
        return self.channels * self.apart

    def place(self, number: Value) -> Value:
        """Return how far places of the kernel, counted row by row, are from the begin, scalars or vectors."""
        _, places = self.image.parts(number, self.image.numbers["places"])
        found = [(each - low) * step for each, low, step in zip(places, self.lows, self.steps)]
        return self.total([each * axis.stride for each, axis in zip(found[:-1], self.image.axis)] + found[-1:])

    def kernel(self, number: Value) -> Value:
        """Return how far from there channels and elements of the kernel are, counted row by row."""
        channel, places = self.image.parts(number, self.image.numbers["kernel"])
        far = [
            each * axis.dilation - self.e.math.minimum(axis.dilation * (axis.kernel - 1), 0)
            for each, axis in zip(places, self.image.axis)
        ]
        turns, (residue,) = self.image.parts(far[-1], [self.image.axis[-1].stride])
        parts = [each * step for each, step in zip(far[:-1], self.steps)]
        return self.total([*parts, residue * self.width, turns, (channel - self.channel) * self.apart])

    def total(self, parts: Sequence[Value]) -> Value:
        """Return a sum."""
        first, *others = parts
        for each in others:
            first = first + each
        return first


class Excerpt:
    """Memory for the excerpts of one function, in which vectors may begin and end a little outside."""

    def __init__(self, e: Emitter, kind: Kind, lanes: int):
        self.e, self.kind, self.lanes = e, kind, lanes
        self.memory = e.address(e.stack((CAPACITY + 4 * lanes) * kind.itemsize), 2 * lanes, kind)

    def fill(self, extent: Extent, source: Value, kind: Kind) -> None:
        """Write the copying of an extent of an image whose numbers are of a kind."""
        with self.e.loop(extent.channels) as channel:
            start = (extent.channel + channel) * extent.image.channel
            self.axes(extent, source, kind, 0, (start, channel * extent.apart, self.e.index(0) == 0))

    def axes(self, extent: Extent, source: Value, kind: Kind, number: int, place: tuple[Value, Value, Value]) -> None:
        """Write the copying along the axes from a number on; `place` is where that is in the source and here, and if it is."""
        e, axis, (start, to, inside) = self.e, extent.image.axis[number], place
        if number == len(extent.lows) - 1:
            self.row(extent, source, kind, place)
            return
        with e.loop(extent.extents[number]) as at:
            coordinate = extent.begins[number] + at
            there = inside & (e.cast(coordinate, uint32) < e.cast(axis.size, uint32))
            self.axes(extent, source, kind, number + 1, (start + coordinate * axis.step, to + at * extent.steps[number], there))

    def row(self, extent: Extent, source: Value, kind: Kind, place: tuple[Value, Value, Value]) -> None:
        """Write the copying along the last axis: elements that are a stride apart side by side."""
        e, lanes, axis, (start, to, inside) = self.e, self.lanes, extent.image.axis[-1], place
        # a row outside of the image has no elements
        size = e.splat(e.cast(e.select(inside, axis.size, 0), uint32), lanes)
        with e.loop(axis.stride) as residue:
            target = e.address(self.memory, to + residue * extent.width, self.kind)
            with e.loop(extent.width, 0, lanes) as x:
                first = extent.begins[-1] + residue + x * axis.stride
                line = Line(e, e.address(source, start, kind), kind, size, axis.step)
                value = line.every(first, axis.stride)
                # what a vector has beyond the row is written again by the next one
                e.store(e.cast(value, self.kind), target, x)


class Line(NamedTuple):
    """A row of an image: its begin, the kind of its numbers, how many they are, in each lane, and how far apart."""

    e: Emitter
    address: Value
    kind: Kind
    size: Value
    step: Value

    def every(self, first: Value, stride: Value) -> Value:
        """Return the elements that lie a stride apart from `first` on, zeros outside of the row."""
        e, lanes = self.e, self.size.lanes
        found, apart = e.variable(e.const(0, self.kind.computed, lanes)), self.step * stride
        with e.if_else((apart == 1) | ((apart == 2) & (lanes > 1)), carried=[found]) as (near, otherwise):
            with near, e.if_else(apart == 1, carried=[found]) as (one, two):
                with one:
                    found.value = self.beside(first)
                with two:
                    pair = self.every_other(first, stride, 0), self.every_other(first, stride, lanes)
                    found.value = e.shuffle(pair[0], list(range(0, 2 * lanes, 2)), pair[1])
            with otherwise:
                found.value = self.apart(first, stride)
        return found.value

    def every_other(self, first: Value, stride: Value, start: int) -> Value:
        """Return what lies side by side from some numbers behind `first` on, of which every other one is asked for."""
        e, lanes = self.e, self.size.lanes
        numbers = e.iota(uint32, lanes) + start
        asked = e.bits("and", numbers, 1) == 0
        mask = asked & self.inside(first, e.bits("lshr", numbers, 1) * e.splat(e.cast(stride, uint32), lanes))
        begin = e.address(self.address, first * self.step + start, self.kind)
        return e.select(mask, e.load(begin, self.kind, 0, lanes, mask=mask), e.const(0, self.kind.computed, lanes))

    def beside(self, first: Value) -> Value:
        """Return the elements that lie side by side from `first` on, zeros outside of the row."""
        e, lanes = self.e, self.size.lanes
        mask = self.inside(first, e.iota(uint32, lanes))
        found = e.load(e.address(self.address, first, self.kind), self.kind, 0, lanes, mask=mask)
        return e.select(mask, found, e.const(0, self.kind.computed, lanes))

    def apart(self, first: Value, stride: Value) -> Value:
        """Return them wherever they lie."""
        e, lanes = self.e, self.size.lanes
        numbers = e.iota(int64, lanes) * e.splat(stride, lanes)
        mask = self.inside(first, e.cast(numbers, uint32))
        offsets = (e.splat(first, lanes) + numbers) * e.splat(self.step, lanes)
        found = e.gathered(self.address, offsets, self.kind, mask)
        return e.select(mask, found, e.const(0, self.kind.computed, lanes))

    def inside(self, first: Value, numbers: Value) -> Value:
        """Return which numbers from `first` on are in the row."""
        return self.e.splat(self.e.cast(first, uint32), numbers.lanes) + numbers < self.size
