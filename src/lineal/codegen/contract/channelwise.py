"""Convolutions that take channels one by one, and the derivative by their kernels: vectors of places, no product of matrices.

    y[n, (c, m), i] = Σ_r w[(c, m), r] x[n, c, i · stride + r · dilation - padding] + b[c, m]

Each channel of an image is copied with the zeros around it; sums of several rows of places then stay in registers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lineal.codegen.contract.excerpts import CAPACITY, Excerpt, Extent
from lineal.codegen.contract.geometry import Geometry
from lineal.codegen.contract.images import AXIS, Image
from lineal.codegen.contract.native import Native
from lineal.codegen.contract.tiles import WORTH_THREADS
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of, pointer
from lineal.codegen.once import once
from lineal.codegen.parallel import shared
from lineal.codegen.target import Target
from lineal.codegen.values import Value

__all__ = ["Channelwise", "channelwise", "fits"]

NAME = "channelwise"
MOST_OUTPUTS = 8
"""Up to how many outputs a channel has; tiles of more than these are faster as a product."""
MOST_ELEMENTS, MOST_ROWS = 1 << 10, 1 << 12
"""How many elements a kernel and how many rows of places an image has at most, which have tables."""
TOGETHER = 4
"""How many rows of places, or elements of the kernel, are summed up at a time."""
TAIL = ("images", "channels", "outputs", "x.image", "y.image", "y.channel")
"""The numbers behind the axes in a table: the last are how far images and channels are apart."""


class Channelwise(NamedTuple):
    """A convolution of numbers of a kind, with as many axes, perhaps a bias; `turned`, the derivative by the kernel."""

    kind: str
    axes: int
    bias: bool = False
    turned: bool = False


def fits(geometry: Geometry, kind: Kind, channels: int, outputs: int) -> bool:
    """Return whether such a convolution, of so many channels in a group, and outputs for each, is done channel by channel."""
    reach = [far + step for far, step in zip(geometry.reach, geometry.stride)]
    tables = math.prod(geometry.kernel) <= MOST_ELEMENTS and math.prod(geometry.places[:-1]) <= MOST_ROWS
    small = kind.family == "f" and not kind.is_narrow and channels == 1 and outputs <= MOST_OUTPUTS
    return small and tables and math.prod(reach) <= CAPACITY


class Writer:
    """Writes the routine: x, its table, w (or g, if turned), y (or the derivative), the bias if there is one, and `spread`."""

    def __init__(self, e: Emitter, problem: Channelwise):
        self.e, self.problem, self.kind = e, problem, kind_of(problem.kind)
        self.lanes = e.lanes(self.kind)

    def write(self) -> None:
        """Write all of it: images and channels, or outputs, on different threads."""
        e, problem = self.e, self.problem
        names = ("x", "table", "w", "y", *(("bias",) if problem.bias else ()))
        with e.function(NAME, [*((name, pointer) for name in names), ("spread", int64)]) as (*given, spread):
            numbers = self.tail(given[1])
            count = numbers["channels"] * (numbers["outputs"] if problem.turned else numbers["images"])
            work = e.index(1)
            for axis in Image(e, given[1], problem.axes).axis:
                work = work * axis.places * axis.kernel
            work = work * numbers["images"] * numbers["channels"] * numbers["outputs"]
            worth = (spread != 0) & (work >= WORTH_THREADS)
            shared(e, NAME, count, given, self.turned if problem.turned else self.direct, grain=1, pieces=1, worth=worth)

    def tail(self, table: Value) -> dict[str, Value]:
        """Return the numbers behind the axes."""
        first = 1 + len(AXIS) * self.problem.axes
        return {name: self.e.load(table, int64, first + n) for n, name in enumerate(TAIL)}

    def direct(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the convolutions of a range of images and channels."""
        e, (x, table, w, y) = self.e, given[:4]
        channel, seen = self.tail(table), Plane(e, table, self.problem, self.lanes)
        with e.loop(stop, start) as item:
            image = e.math.floor_divide(item, channel["channels"])
            c = item - image * channel["channels"]
            seen.fill(e.address(x, image * channel["x.image"] + c * seen.image.channel, self.kind))
            with e.loop(channel["outputs"]) as m:
                output = c * channel["outputs"] + m
                first = e.load(given[4], self.kind, output) if self.problem.bias else e.const(0, self.kind)
                target = e.address(y, image * channel["y.image"] + output * channel["y.channel"], self.kind)
                self.rows(seen, e.address(w, output * seen.elements, self.kind), target, first)

    def rows(self, seen: Plane, w: Value, y: Value, first: Value) -> None:
        """Write the convolution of one channel with one kernel, some rows at a time."""
        e, lanes = self.e, self.lanes
        with e.loop(seen.rows, 0, TOGETHER) as row, e.loop(seen.width, 0, lanes) as i:
            bases = [seen.row(e.math.minimum(row + n, seen.rows - 1)) + i for n in range(TOGETHER)]
            sums = [e.variable(e.splat(first, lanes)) for _ in bases]
            with e.loop(seen.elements, carried=sums) as r:
                weight, offset = e.splat(e.load(w, self.kind, r), lanes), seen.element(r)
                for total, base in zip(sums, bases):
                    total.value = e.muladd(weight, seen.load(base + offset), total.value)
            mask = e.first_lanes(seen.width - i, lanes)
            for n, total in enumerate(sums):
                with e.when(row + n < seen.rows):
                    e.store(total.value, y, (row + n) * seen.width + i, mask=mask)

    def turned(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the derivatives by the kernels of a range of outputs: image by image, which are then added up."""
        e, lanes, (x, table, g, y) = self.e, self.lanes, given[:4]
        channel, seen = self.tail(table), Plane(e, table, self.problem, lanes)
        sums = e.stack((MOST_ELEMENTS + TOGETHER) * lanes * self.kind.itemsize)
        with e.loop(stop, start) as output:
            c = e.math.floor_divide(output, channel["outputs"])
            with e.loop(seen.elements) as r:
                e.store(e.const(0, self.kind, lanes), sums, r * lanes)
            with e.loop(channel["images"]) as image:
                seen.fill(e.address(x, image * channel["x.image"] + c * seen.image.channel, self.kind))
                self.elements(seen, e.address(g, image * channel["y.image"] + output * channel["y.channel"], self.kind), sums)
            with e.loop(seen.elements) as r:
                total = e.reduce(e.load(sums, self.kind, r * lanes, lanes), lambda a, b: a + b)
                e.store(total, y, output * seen.elements + r)

    def elements(self, seen: Plane, g: Value, to: Value) -> None:
        """Write the adding of one image's products to the sums, some elements of the kernel at a time."""
        e, lanes = self.e, self.lanes
        with e.loop(seen.elements, 0, TOGETHER) as r:
            offsets = [seen.element(e.math.minimum(r + n, seen.elements - 1)) for n in range(TOGETHER)]
            sums = [e.variable(e.const(0, self.kind, lanes)) for _ in offsets]
            with e.loop(seen.rows, carried=sums) as row:
                base, line = seen.row(row), e.address(g, row * seen.width, self.kind)
                for block in e.blocks(seen.width, lanes, carried=sums):
                    cotangent = block.keep(block.load(line, self.kind), 0)
                    for total, offset in zip(sums, offsets):
                        there = block.keep(seen.load(base + offset + block.index), 0)
                        total.value = e.muladd(cotangent, there, total.value)
            for n, total in enumerate(sums):
                with e.when(r + n < seen.elements):
                    at = e.address(to, (r + n) * lanes, self.kind)
                    e.store(e.load(at, self.kind, 0, lanes) + total.value, at)


class Plane:
    """One channel of an image with zeros around it, and tables of where rows of places and elements of the kernel are in it."""

    def __init__(self, e: Emitter, table: Value, problem: Channelwise, lanes: int):
        self.e, self.lanes, self.kind = e, lanes, kind_of(problem.kind)
        self.image = Image(e, table, problem.axes)
        self.elements, self.rows, self.width = e.index(1), e.index(1), self.image.axis[-1].places
        for axis in self.image.axis:
            self.elements = self.elements * axis.kernel
        for axis in self.image.axis[:-1]:
            self.rows = self.rows * axis.places
        zero = e.index(0)
        self.extent = Extent(e, self.image, (zero, zero), zero, self.rows * self.width - 1)
        self.excerpt = Excerpt(e, self.kind, lanes)
        self.offsets, self.begins = e.stack(8 * (MOST_ELEMENTS + lanes)), e.stack(8 * (MOST_ROWS + lanes))
        numbers = lambda n: e.splat(n, lanes) + e.iota(int64, lanes)
        with e.loop(self.elements, 0, lanes) as r:
            e.store(self.extent.kernel(numbers(r)), self.offsets, r)
        with e.loop(self.rows, 0, lanes) as row:
            e.store(self.extent.place(numbers(row) * e.splat(self.width, lanes)), self.begins, row)

    def fill(self, source: Value) -> None:
        """Write the copying of a channel."""
        self.excerpt.fill(self.extent, source, self.kind)

    def element(self, number: Value) -> Value:
        """Return how far an element of the kernel is from the first."""
        return self.e.load(self.offsets, int64, number)

    def row(self, number: Value) -> Value:
        """Return where a row of places begins."""
        return self.e.load(self.begins, int64, number)

    def load(self, place: Value) -> Value:
        """Return what lies side by side from a place on."""
        return self.e.load(self.excerpt.memory, self.kind, place, self.lanes)


@once
def channelwise(problem: Channelwise, target: Target) -> Native:
    """Return the routine of a convolution channel by channel."""
    e = Emitter(target)
    Writer(e, problem).write()
    return Native(e, NAME)
