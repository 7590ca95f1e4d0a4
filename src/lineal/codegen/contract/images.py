"""Factors that are read from images: what a convolution multiplies, without a copy of the whole.

    b[(c, r, …), (i, …)] = image[c, i · stride + r · dilation - padding, …], or 0 outside of it

The k of b count channels and the places of a kernel, its columns the places where the kernel stands. `turned`, that is the
left factor, whose rows are what the k of b were, and its k the places: the derivative by the kernel. Only the panels, or
strips, that tiles are at are ever laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from lineal.codegen.contract.geometry import Geometry
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int32, int64, uint32
from lineal.codegen.values import Value

__all__ = ["AXIS", "Axis", "Image", "Lines", "Where", "put_down", "table_of", "table_on"]


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


AXIS = Axis._fields
"""The numbers of each axis of an image, in the order of its table, behind the step between channels."""


def table_of(channel: int, *fields: Sequence[int]) -> list[int]:
    """Return the table of an image: how far channels are apart, then each axis; `fields` are in the order of `AXIS`."""
    return [channel, *(number for axis in zip(*fields) for number in axis)]


def thinned(axis: Sequence[int], step: int) -> tuple[int, ...]:
    """Return the numbers of an axis for a table; where a kernel of one element steps over others, these are left out."""
    size, side, places, stride, dilation, padding = axis
    if side == 1 and stride > 1 and padding % stride == 0:
        size, step, padding, stride = -(-size // stride), step * stride, padding // stride, 1
    return places, side, stride, dilation, padding, size, step


def table_on(geometry: Geometry, steps: Sequence[int], images: int | None = None) -> list[int]:
    """Return the table of a kernel on an image whose elements are so many `steps` apart: images, channels, then each axis.

    So many `images` are one more axis, along which the kernel has one place.
    """
    first, channel, *beside = steps
    fields = [*zip(*map(thinned, geometry.axes, beside))]
    if images is not None:
        fields = [(one, *each) for one, each in zip((images, 1, 1, 1, 0, images, first), fields)]
    return table_of(channel, *fields)


def put_down(e: Emitter, table: Sequence[int]) -> Value:
    """Write a table into memory; return its address."""
    memory = e.stack(8 * len(table))
    for place, number in enumerate(table):
        e.store(e.const(number, int64), memory, place)
    return memory


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
