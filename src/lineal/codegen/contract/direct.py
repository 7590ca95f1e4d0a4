"""Convolutions, and derivatives by kernels, that read images in vectors of places: no factor is laid out.

    y[n, (g, o), i] = Σ w[(g, o), (c, r)] x[n, (g, c), i · stride + r · dilation - padding] + b[g, o]

The image of a group is copied once, with the zeros around it. Some outputs of some rows of places are then summed up in
registers; for the derivative, some outputs of some elements of the kernel.   Georganas et al. (2018).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from lineal.codegen.contract.excerpts import Excerpt, Extent
from lineal.codegen.contract.finishing import made
from lineal.codegen.contract.geometry import Geometry
from lineal.codegen.contract.images import AXIS, Image
from lineal.codegen.contract.native import Native
from lineal.codegen.contract.problem import Epilogue
from lineal.codegen.contract.sheets import Columns, Run, Sheet
from lineal.codegen.contract.tiles import CHAIN, WORTH_THREADS
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of, pointer
from lineal.codegen.once import once
from lineal.codegen.parallel import shared
from lineal.codegen.target import Target, host
from lineal.codegen.values import Value

__all__ = ["Direct", "direct", "fits"]

NAME = "direct"
MOST_ELEMENTS, MOST_ROWS, MOST_SUMS, MOST_SEEN = 1 << 10, 1 << 12, 1 << 12, 1 << 15
"""Up to how many elements of a kernel, rows of places and vectors of sums there are tables; how large an image may be."""
FEW, LEAST_FILLED, LEAST_OF_FEW = 12, 0.8, 0.4
"""Up to how many outputs are few, and which part of the vectors of places has to be there, of many and of few."""
OVERHEAD = 1.4
"""About how much longer the derivative takes as a contraction, if its vectors, of outputs, are as full."""
HEIGHTS, HEIGHTS_TURNED = (6, 4, 2, 1), (4, 2, 1)
"""How many outputs are summed up at a time."""
TAIL = ("images", "groups", "channels", "outputs", "x.image", "x.group", "y.image", "y.channel")
"""The numbers behind the axes in a table: the last are how far images, groups and channels are apart.

Those of y are of what lies as the result does, of each sheet there; `turned`, of the cotangent.
"""
UNROLLED = 2
"""Of how many steps an epilogue is that is written for each vector of sums; longer ones are in a loop over them."""


class Direct(NamedTuple):
    """A convolution of numbers of a kind, of so many axes, and what is made of sums; `turned`: its derivative by the kernel."""

    kind: str
    axes: int
    epilogue: Epilogue | None = None
    turned: bool = False

    @property
    def sheets(self) -> list[tuple[Kind, bool]]:
        """The kinds of what is written and read along the result, and whether they have a number for each place."""
        own, epilogue = kind_of(self.kind), self.epilogue
        if epilogue is None:
            return [(own, True)]
        made = [(kind_of(step.kind), True) for step in epilogue.steps if step.stored]
        return [*[(own, True)] * epilogue.kept, *made, *((kind_of(name), across) for name, across in epilogue.args)]


def fits(geometry: Geometry, kind: Kind, sizes: tuple[int, int, int], turned: bool = False) -> bool:
    """Return whether such a convolution, of so many images, and of channels and outputs in a group, is done directly."""
    images, channels, outputs = sizes
    reach = [far + step for far, step in zip(geometry.reach, geometry.stride)]
    elements, rows = channels * math.prod(geometry.kernel), math.prod(geometry.places[:-1])
    tables = elements <= MOST_ELEMENTS and rows <= MOST_ROWS and channels * math.prod(reach) <= MOST_SEEN
    if not tables or kind.family != "f" or kind.is_narrow or math.prod(geometry.kernel) == 1:
        return False
    if channels == outputs == 1:
        return True
    across = filled(geometry.places[-1], kind)
    if turned:
        return across * OVERHEAD >= filled(outputs, kind)
    return images * geometry.groups > 1 and across >= (LEAST_OF_FEW if outputs <= FEW else LEAST_FILLED)


def filled(count: int, kind: Kind) -> float:
    """Return which part of the vectors of so many numbers is there."""
    lanes = host().lanes(kind)
    return count / (-(-count // lanes) * lanes)


class Operands(NamedTuple):
    """Where the kernels of one group of channels begin, and what lies along the result."""

    w: Value
    sheets: list[Sheet]


class Writer:
    """Writes the routine: x, its table, w (or g, if turned), the sheets (or the derivative), and `spread`."""

    def __init__(self, e: Emitter, problem: Direct):
        self.e, self.problem, self.kind = e, problem, kind_of(problem.kind)
        self.lanes = e.lanes(self.kind)
        wide = not e.target.x86 or e.target.avx512
        self.rows_together, self.elements_together = (4, 6) if wide else (2, 2)

    def write(self) -> None:
        """Write all of it: images and groups, or outputs, on different threads."""
        e, problem = self.e, self.problem
        names = ("x", "table", "w", *(f"y{n}" for n in range(len(problem.sheets))))
        with e.function(NAME, [*((name, pointer) for name in names), ("spread", int64)]) as (*given, spread):
            numbers = self.tail(given[1])
            count = numbers["groups"] * (numbers["outputs"] if problem.turned else numbers["images"])
            work = numbers["images"] * numbers["groups"] * numbers["channels"] * numbers["outputs"]
            for axis in Image(e, given[1], problem.axes).axis:
                work = work * axis.places * axis.kernel
            worth = (spread != 0) & (work >= WORTH_THREADS)
            shared(e, NAME, count, given, self.turned if problem.turned else self.direct, grain=1, pieces=1, worth=worth)

    def tail(self, table: Value) -> dict[str, Value]:
        """Return the numbers behind the axes."""
        first = 1 + len(AXIS) * self.problem.axes
        return {name: self.e.load(table, int64, first + n) for n, name in enumerate(TAIL)}

    # the convolution

    def direct(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the convolutions of a range of images and groups."""
        e, (x, table, w) = self.e, given[:3]
        numbers = self.tail(table)
        plane = Plane(e, table, self.problem, numbers["channels"])
        with e.loop(stop, start) as item:
            image = e.math.floor_divide(item, numbers["groups"])
            group = item - image * numbers["groups"]
            plane.fill(e.address(x, image * numbers["x.image"] + group * numbers["x.group"], self.kind))
            first = group * numbers["outputs"]
            sheets = self.sheets(table, given[3:], image, first)
            there = Operands(e.address(w, first * plane.elements, self.kind), sheets)
            high, *others = HEIGHTS
            rest = numbers["outputs"] - e.math.floor_divide(numbers["outputs"], high) * high
            with e.loop(numbers["outputs"] - (high - 1), 0, high) as output:
                self.rows(plane, there, output, high)
            for height in others:
                with e.when((rest & height) != 0):
                    output = numbers["outputs"] - rest + (rest & (-2 * height))
                    self.rows(plane, there, output, height)

    def sheets(self, table: Value, given: Sequence[Value], image: Value, first: Value) -> list[Sheet]:
        """Return what lies along the result of an image from an output on."""
        e, place, found = self.e, 1 + len(AXIS) * self.problem.axes + len(TAIL) - 2, []
        for n, (address, (kind, across)) in enumerate(zip(given, self.problem.sheets)):
            apart, step = (e.load(table, int64, place + 2 * n + k) for k in range(2))
            found.append(Sheet(e.address(address, image * apart, kind), step, kind, across).moved(e, first, 0))
        return found

    def rows(self, plane: Plane, operands: Operands, output: Value, height: int) -> None:
        """Write the convolution with some kernels, some rows at a time."""
        e, lanes, together = self.e, self.lanes, self.rows_together
        w = [e.address(operands.w, (output + m) * plane.elements, self.kind) for m in range(height)]
        with e.loop(plane.rows, 0, together) as row, e.loop(plane.width, 0, lanes) as i:
            at = [plane.row(e.math.minimum(row + n, plane.rows - 1), i) for n in range(together)]
            sums, mask = self.summed(plane, w, at), e.first_lanes(plane.width - i, lanes)

            def finish(m: int | Value, n: int | Value) -> None:
                total = e.load(sums, self.kind, e.index(m * together + n) * lanes, lanes)
                with e.when(row + n < plane.rows):
                    place = (row + n) * plane.width + i
                    self.finish([each.moved(e, output + m, place) for each in operands.sheets], total, mask)

            if self.problem.epilogue is None or len(self.problem.epilogue.steps) <= UNROLLED:
                for m, n in itertools.product(range(height), range(together)):
                    finish(m, n)
            else:
                with e.loop(height) as m, e.loop(together) as n:
                    finish(m, n)

    def finish(self, sheets: Sequence[Sheet], total: Value, mask: Value) -> None:
        """Write what becomes of a vector of sums."""
        epilogue, columns = self.problem.epilogue, Columns(self.lanes, Run(0, mask))
        if epilogue is None or epilogue.kept:
            sheets[0].store(self.e, total, columns)
        if epilogue is not None:
            made(self.e, epilogue, sheets[epilogue.kept :], total, columns)

    def summed(self, plane: Plane, w: Sequence[Value], at: Sequence[Value]) -> Value:
        """Write the sums for each kernel at each place, block by block, to memory; return its address."""
        e, lanes = self.e, self.lanes
        found = e.stack(len(w) * len(at) * lanes * self.kind.itemsize)
        with e.loop(plane.elements, 0, CHAIN) as first:
            sums = [[e.variable(e.const(0, self.kind, lanes)) for _ in at] for _ in w]
            with e.loop(e.math.minimum(first + CHAIN, plane.elements), first, carried=[x for row in sums for x in row]) as k:
                offset = plane.element(k)
                xs = [e.load(place, self.kind, offset, lanes) for place in at]
                for kernel, totals in zip(w, sums):
                    weight = e.splat(e.load(kernel, self.kind, k), lanes)
                    for x, total in zip(xs, totals):
                        total.value = e.muladd(weight, x, total.value)
            totals = [each for row in sums for each in row]
            with e.when(first > 0, carried=totals):
                for n, total in enumerate(totals):
                    total.value = total.value + e.load(found, self.kind, n * lanes, lanes)
            for n, total in enumerate(totals):
                e.store(total.value, found, n * lanes)
        return found

    # the derivative by the kernel

    def turned(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the derivatives by the kernels of a range of outputs, some of one group at a time."""
        e, lanes, table = self.e, self.lanes, given[1]
        numbers = self.tail(table)
        plane = Plane(e, table, self.problem, numbers["channels"])
        sums = e.stack(MOST_SUMS * lanes * self.kind.itemsize)
        most = e.math.floor_divide(e.index(MOST_SUMS), plane.elements)
        outputs, divide = numbers["outputs"], e.math.floor_divide
        with e.loop(divide(stop + outputs - 1, outputs), divide(start, outputs)) as group:
            first, last = e.math.maximum(start, group * outputs), e.math.minimum(stop, (group + 1) * outputs)
            with e.loop(last, first, most) as output:
                self.images(plane, given, numbers, (group, output, e.math.minimum(last - output, most)), sums)

    def images(
        self, plane: Plane, given: Sequence[Value], numbers: dict[str, Value], part: tuple[Value, Value, Value], sums: Value
    ) -> None:
        """Write the derivatives by some kernels of a group: image by image, which are then added up."""
        e, lanes, (x, _, g, y), (group, output, count) = self.e, self.lanes, given[:4], part
        with e.loop(count * plane.elements) as n:
            e.store(e.const(0, self.kind, lanes), sums, n * lanes)
        with e.loop(numbers["images"]) as image:
            plane.fill(e.address(x, image * numbers["x.image"] + group * numbers["x.group"], self.kind))
            cotangent = e.address(g, image * numbers["y.image"] + output * numbers["y.channel"], self.kind)
            high, *others = HEIGHTS_TURNED
            rest = count & (high - 1)
            with e.loop(count - (high - 1), 0, high) as m:
                self.elements(plane, cotangent, (m, high, numbers["y.channel"]), sums)
            for height in others:
                with e.when((rest & height) != 0):
                    m = count - rest + (rest & (-2 * height))
                    self.elements(plane, cotangent, (m, height, numbers["y.channel"]), sums)
        with e.loop(count * plane.elements) as n:
            total = e.reduce(e.load(sums, self.kind, n * lanes, lanes), lambda a, b: a + b)
            e.store(total, y, output * plane.elements + n)

    def elements(self, plane: Plane, g: Value, outputs: tuple[Value, int, Value], sums: Value) -> None:
        """Write the adding of one image's products to the sums of some outputs, some elements of the kernel at a time."""
        e, lanes, (output, height, apart), together = self.e, self.lanes, outputs, self.elements_together
        together = together - 1 if height == 1 and together > 2 else together
        with e.loop(plane.elements, 0, together) as k:
            at = [
                e.address(plane.excerpt.memory, plane.element(e.math.minimum(k + n, plane.elements - 1)), self.kind)
                for n in range(together)
            ]
            totals = [[e.variable(e.const(0, self.kind, lanes)) for _ in at] for _ in range(height)]
            carried = [each for row in totals for each in row]
            with e.loop(plane.rows, carried=carried) as row:
                base = plane.begin(row)
                lines = [e.address(g, (output + m) * apart + row * plane.width, self.kind) for m in range(height)]
                for block in e.blocks(plane.width, lanes, carried=carried):
                    seen = [block.keep(e.load(each, self.kind, base + block.index, lanes), 0) for each in at]
                    for line, row_of in zip(lines, totals):
                        cotangent = block.keep(block.load(line, self.kind), 0)
                        for x, total in zip(seen, row_of):
                            total.value = e.muladd(cotangent, x, total.value)
            for m, row_of in enumerate(totals):
                place = e.address(sums, ((output + m) * plane.elements + k) * lanes, self.kind)
                for n, total in enumerate(row_of):
                    with e.when(k + n < plane.elements):
                        e.store(e.load(place, self.kind, n * lanes, lanes) + total.value, place, n * lanes)


class Plane:
    """The channels of a group with zeros around them, and tables of where rows of places and elements of the kernel are."""

    def __init__(self, e: Emitter, table: Value, problem: Direct, channels: Value):
        self.e, self.kind = e, kind_of(problem.kind)
        lanes = e.lanes(self.kind)
        image = Image(e, table, problem.axes)
        self.elements, self.rows, self.width = channels, e.index(1), image.axis[-1].places
        for axis in image.axis:
            self.elements = self.elements * axis.kernel
        for axis in image.axis[:-1]:
            self.rows = self.rows * axis.places
        self.extent = Extent(e, image, (e.index(0), channels - 1), e.index(0), self.rows * self.width - 1)
        self.excerpt = Excerpt(e, self.kind, lanes)
        self.offsets, self.begins = e.stack(8 * (MOST_ELEMENTS + lanes)), e.stack(8 * (MOST_ROWS + lanes))
        numbers = lambda n: e.splat(n, lanes) + e.iota(int64, lanes)
        with e.loop(self.elements, 0, lanes) as k:
            e.store(self.extent.kernel(numbers(k)), self.offsets, k)
        with e.loop(self.rows, 0, lanes) as row:
            e.store(self.extent.place(numbers(row) * e.splat(self.width, lanes)), self.begins, row)

    def fill(self, source: Value) -> None:
        """Write the copying of the channels."""
        self.excerpt.fill(self.extent, source, self.kind)

    def element(self, number: Value) -> Value:
        """Return how far an element of the kernel is from the first."""
        return self.e.load(self.offsets, int64, number)

    def begin(self, row: Value) -> Value:
        """Return where a row of places begins."""
        return self.e.load(self.begins, int64, row)

    def row(self, number: Value, place: Value) -> Value:
        """Return the address of a place of a row."""
        return self.e.address(self.excerpt.memory, self.begin(number) + place, self.kind)


@once
def direct(problem: Direct, target: Target) -> Native:
    """Return the routine of a direct convolution."""
    return Native(NAME, target, (problem,), lambda e: Writer(e, problem).write())
