"""Running sums, products, extremes and recurrences of arrays, over all threads; what is so far is kept in float64.

An array is (outer, n, inner), and runs along n. Along a row (inner = 1) a vector is scanned in registers, so that only one
step in `LANES` waits for the one before; columns run side by side in vectors. Of rows of short arrays one number follows the
other, as in NumPy, so that it does not matter who does them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.base.config import LONG_SCAN
from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, highest, int64, kind_of, lowest
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.proxies import Proxy
from lineal.codegen.values import Value, Variable

__all__ = ["LANES", "scanned", "step"]

LANES = 8
"""How many numbers of a row are scanned in registers."""
WIDTH, SIDE = 32, 4
"""How many columns run side by side, and in how many vectors."""
Parts = tuple[Value, ...]
"""What is known of a stretch of numbers: its sum, or its largest and where that is."""


class Law(NamedTuple):
    """How the parts of two stretches, one behind the other, are those of both."""

    kept: tuple[Kind, ...]
    start: tuple[Any, ...]
    """The parts of a stretch of no numbers."""
    combine: Callable[[Parts, Parts], Parts]
    places: bool = False
    """Whether the second part is where a number stands, which is stored too, not read."""


def law(e: Emitter, name: str, kind: Kind) -> Law:
    """Return the law of a scan of numbers of a kind."""
    wide = float64 if kind.family == "f" else kind
    if name == "recurrence":
        return Law((wide, wide), (0.0, 1.0), lambda a, b: (after(e, *a, *b), a[1] * b[1]))
    if name in ("add", "multiply", "logaddexp"):
        start: Any = {"add": 0, "multiply": 1, "logaddexp": -math.inf}[name]
        combine = {"add": e.add, "multiply": e.multiply, "logaddexp": e.math.logaddexp}[name]
        return Law((wide,), (start,), lambda a, b: (combine(a[0], b[0]),))
    computed, largest = kind.computed, name == "maximum"

    def later(a: Parts, b: Parts) -> Parts:
        taken = ((b[0] >= a[0]) if largest else (b[0] <= a[0])) | (b[0] != b[0])
        return e.select(taken, b[0], a[0]), e.select(taken, b[1], a[1])

    return Law((computed, int64), ((lowest if largest else highest)(computed), -1), later, True)


def after(e: Emitter, y: Value, _: Value, b: Value, a: Value) -> Value:
    """Return b + a y, rounded twice, as NumPy does."""
    return e.exactly("fadd", b, e.exactly("fmul", a, y))


def step(e: Emitter, block: Block, value: Parts, so_far: Sequence[Variable], law: Law) -> Parts:
    """Return the scan of a block of numbers after what is so far, in each lane; neighbours come first."""
    lanes, both = block.lanes, zip(law.start, law.kept)
    # -0 leaves every number what it is, and LLVM makes slow moves of shuffles with zeros
    nothing = tuple([e.const(-0.0 if start == 0 and kind.family == "f" else start, kind, lanes) for start, kind in both])
    value, count = tuple([block.keep(each, none) for each, none in zip(value, nothing)]), 1
    while count < lanes:
        order = [lanes] * count + list(range(lanes - count))
        value = law.combine(tuple([e.shuffle(each, order, none) for each, none in zip(value, nothing)]), value)
        count *= 2
    before = tuple([each.value for each in so_far])
    made = law.combine(before, value)
    last = made if lanes == 1 else law.combine(before, tuple([e.shuffle(each, [lanes - 1] * lanes) for each in value]))
    for variable, each in zip(so_far, last):
        variable.value = each
    return made


class Form(NamedTuple):
    """What the code of a scan depends on."""

    name: str
    storage: np.dtype
    rows: bool
    short: bool
    back: bool
    """Whether it runs from the end to the beginning."""
    exclusive: bool
    """Whether each result leaves the number itself out."""


class Scan:
    """The code of the scans of one form."""

    def __init__(self, form: Form):
        self.form, self.kind = form, kind_of(form.storage)
        self.e = e = Emitter()
        self.law = law(e, form.name, self.kind)
        self.inputs = 2 if form.name == "recurrence" else 1
        with entered(e, "scan", self.inputs + 1 + self.law.places) as (given, table):
            count, size = e.load(table, int64), e.load(table, int64, 4)
            work = self.rows if form.rows else self.columns
            shared(e, "scan", count, [*given, table], work, grain=1, worth=size >= WORTH_THREADS)

    def kinds(self) -> list[Kind]:
        """Return the kinds of the arrays."""
        return [self.kind] * (self.inputs + 1) + [int64] * self.law.places

    def starts(self, lanes: int) -> list[Variable]:
        """Return what is so far before the first number."""
        return [self.e.variable(self.e.const(start, kind, lanes)) for start, kind in zip(self.law.start, self.law.kept)]

    def rows(self, first: Value, last: Value, *given: Value) -> None:
        """Write the loop over the rows range(first, last)."""
        e, form = self.e, self.form
        *arrays, table = given
        n = e.load(table, int64, 1)
        lanes = 1 if form.short or form.name == "recurrence" else LANES
        with e.loop(last, first) as row:
            begin = row * n + (n - 1) if form.back else row * n
            bases = [e.address(each, begin, kind) for each, kind in zip(arrays, self.kinds())]
            if form.exclusive:
                e.store(e.const(self.law.start[0], self.law.kept[0]), bases[self.inputs], kind=self.kind)
                bases[self.inputs] = e.address(bases[self.inputs], -1 if form.back else 1, self.kind)
            so_far = self.starts(lanes)
            for block in e.blocks(n - 1 if form.exclusive else n, lanes, carried=so_far):
                value = [self.read(block, base) for base in bases[: self.inputs]]
                made = step(e, block, self.parts(value, block.index, lanes), so_far, self.law)
                for part, base, kind in zip(made, bases[self.inputs :], self.kinds()[self.inputs :]):
                    self.put(block, part, base, kind)

    def parts(self, value: list[Value], place: Value, lanes: int) -> Parts:
        """Return the parts of single numbers, which stand at a place along the row and behind it."""
        if self.law.places:
            value = [*value, Block(self.e, place, lanes).numbers(int64)]
        return tuple([self.e.cast(each, kind) for each, kind in zip(value, self.law.kept)])

    def read(self, block: Block, base: Value) -> Value:
        """Return the numbers of a block of a row, in the order of the scan."""
        e, lanes = self.e, block.lanes
        if not self.form.back or block.mask is not None or lanes == 1:
            return block.load(base, self.kind, -1 if self.form.back else 1)
        end = e.address(base, -block.index - (lanes - 1), self.kind)
        return e.shuffle(e.load(end, self.kind, 0, lanes), list(range(lanes))[::-1])

    def put(self, block: Block, value: Value, base: Value, kind: Kind) -> None:
        """Write the results of a block of a row."""
        e, lanes = self.e, block.lanes
        if not self.form.back or block.mask is not None or lanes == 1:
            block.store(value, base, kind, -1 if self.form.back else 1)
            return
        e.store(e.shuffle(value, list(range(lanes))[::-1]), e.address(base, -block.index - (lanes - 1), kind), kind=kind)

    def columns(self, first: Value, last: Value, *given: Value) -> None:
        """Write the loop over the strips of columns range(first, last)."""
        e = self.e
        *arrays, table = given
        n, inner, strips = (e.load(table, int64, place) for place in (1, 2, 3))
        lanes = WIDTH // SIDE
        with e.loop(last, first) as strip:
            outer = e.math.floor_divide(strip, strips)
            begin = (strip - outer * strips) * WIDTH
            end = e.math.minimum(begin + WIDTH, inner)
            bases = [e.address(each, outer * (n * inner), kind) for each, kind in zip(arrays, self.kinds())]
            with e.if_else(end - begin == WIDTH) as (then, otherwise):
                with then:
                    self.strip(n, inner, [begin + lanes * side for side in range(SIDE)], None, bases)
                with otherwise, e.loop(end, begin, lanes) as column:
                    self.strip(n, inner, [column], e.first_lanes(end - column, lanes), bases)

    def strip(self, n: Value, inner: Value, places: list[Value], mask: Value | None, bases: list[Value]) -> None:
        """Write the scan down some columns, a vector of them at each of the places."""
        e, form, lanes = self.e, self.form, WIDTH // SIDE
        along = [self.starts(lanes) for _ in places]
        carried = [each for so_far in along for each in so_far]
        with e.loop(n, carried=carried) as row:
            line = (n - 1 - row if form.back else row) * inner
            for place, so_far in zip(places, along):
                at = line + place
                value = [e.load(base, self.kind, at, lanes, mask=mask) for base in bases[: self.inputs]]
                parts = self.parts(value, row, 1) if self.law.places else self.parts(value, row, lanes)
                before = tuple([each.value for each in so_far])
                made = self.law.combine(before, tuple([e.splat(each, lanes) for each in parts]))
                for variable, each in zip(so_far, made):
                    variable.value = each
                for part, base, kind in zip(
                    before if form.exclusive else made, bases[self.inputs :], self.kinds()[self.inputs :]
                ):
                    e.store(part, base, at, kind=kind, mask=mask)


class Planned(NamedTuple):
    """What does a scan of arrays of one shape, and the dtypes of what it fills."""

    run: Callable[..., bool]
    results: tuple[np.dtype, ...]
    native: Native
    numbers: tuple[int, ...]


@lru_cache(128)
def scan(form: Form) -> tuple[Native, tuple[np.dtype, ...]] | None:
    """Return the compiled scan and the dtypes of its results, or None if it cannot be written."""
    try:
        made = Scan(form)
        return Native(made.e, "scan"), (form.storage, *[each.dtype for each in made.kinds()[made.inputs + 1 :]])
    except UNWRITABLE:
        return None


@lru_cache(1024)
def planned(name: str, storage: np.dtype, shape: tuple[int, ...], axis: int, back: bool, exclusive: bool) -> Planned | None:
    """Return what does a scan; None where NumPy has to."""
    outer, n, inner = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    size = outer * n * inner
    if not size or storage.kind == "b":
        return None
    found = scan(Form(name, storage, inner == 1, size < LONG_SCAN, back, exclusive))
    if found is None:
        return None
    native, results = found
    strips = -(-inner // WIDTH)
    numbers = outer if inner == 1 else outer * strips, n, inner, strips, size
    return Planned(native.bound(native.table(size, *numbers)), results, native, numbers)


def scanned(name: str, arrays: Sequence[np.ndarray], axis: int, back: bool = False, exclusive: bool = False) -> Any:
    """Return the running results along an axis of arrays of one shape and dtype, rounded once each; None where NumPy has to.

    `name` is a ufunc's; of extremes there are also places, where each was last. Of "recurrence" arrays are b and a, and
    yᵢ = bᵢ + aᵢ yᵢ₋₁.
    """
    x = arrays[0]
    if x.dtype.kind == "c":
        return of_parts(name, x, axis, back, exclusive)
    plan = planned(name, x.dtype, x.shape, axis, back, exclusive)
    if plan is None:
        return None
    ys = [np.empty(x.shape, each) for each in plan.results]
    if type(x) is Proxy:
        plan.run(*[each.value for each in arrays], *ys)  # type: ignore[attr-defined]
        ys = x.recording.ran(plan.native, [*arrays, *ys], *plan.numbers)
        return tuple(ys) if len(ys) > 1 else ys[0]
    given = [each if each.flags.c_contiguous else np.ascontiguousarray(each) for each in arrays]
    if not plan.run(*given, *ys):
        return None
    return tuple(ys) if len(ys) > 1 else ys[0]


def of_parts(name: str, x: np.ndarray, axis: int, back: bool, exclusive: bool) -> np.ndarray | None:
    """Return the scan of complex numbers, where their parts have one each."""
    if name != "add":
        return None
    parts = np.ascontiguousarray(x).view(dtypes.of(x.dtype).to_real().numpy).reshape(*x.shape, 2)
    y = scanned(name, (parts,), axis, back, exclusive)
    return None if y is None else y.view(x.dtype).reshape(x.shape)
