"""From NumPy's memory, matrix after matrix, to vectors with one matrix a lane, and back; by shuffles of registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

# up to this many numbers a matrix, a group of matrices is taken apart by general permutations
FEW = 4

Put = Callable[[int, Value], None]
Get = Callable[[int], Value]


def power_above(count: int) -> int:
    """Return the least power of two that is not less."""
    return 1 << (count - 1).bit_length()


def butterflies(e: Emitter, vectors: list[Value], size: int) -> list[Value]:
    """Transpose each size × size block of lanes that `size` vectors have side by side."""
    step = 1
    lanes = vectors[0].lanes
    while step < size:
        for i in range(size):
            if i & step:
                continue
            low, high = vectors[i], vectors[i + step]
            first = [l if not l & step else l - step + lanes for l in range(lanes)]
            second = [l + step if not l & step else l + lanes for l in range(lanes)]
            vectors[i], vectors[i + step] = e.shuffle(low, first, high), e.shuffle(low, second, high)
        step *= 2
    return vectors


def side_by_side(e: Emitter, parts: Sequence[Value]) -> Value:
    """Return the lanes of several vectors, as many as a power of two, as one vector."""
    parts = list(parts)
    while len(parts) > 1:
        lanes = parts[0].lanes
        if lanes == 1:
            first = [e.insert(e.undefined(p.kind, 2), p, 0) for p in parts[::2]]
            parts = [e.insert(f, p, 1) for f, p in zip(first, parts[1::2])]
        else:
            parts = [e.shuffle(a, list(range(2 * lanes)), b) for a, b in zip(parts[::2], parts[1::2])]
    return parts[0]


def prefix(e: Emitter, count: int, lanes: int) -> Value | None:
    """Return a constant mask of the first `count` lanes; None if that is all."""
    if count >= lanes:
        return None
    truth = ", ".join(f"i1 {'true' if n < count else 'false'}" for n in range(lanes))
    return Value(e, f"<{truth}>", kinds.bool_, lanes)


def merged(e: Emitter, vectors: Sequence[Value], places: Sequence[tuple[int, int]]) -> Value:
    """Return the vector whose lane l is lane places[l][1] of vector places[l][0]."""
    lanes = len(places)
    result = e.shuffle(vectors[0], [place if number == 0 else 0 for number, place in places])
    for each in range(1, len(vectors)):
        if any(number == each for number, _ in places):
            order = [lanes + place if number == each else l for l, (number, place) in enumerate(places)]
            result = e.shuffle(result, order, vectors[each])
    return result


class Packing:
    """Moves `count` numbers of each of `lanes` matrices, which lie `count` apart, between memory and vectors."""

    def __init__(self, e: Emitter, kind: Kind, count: int, lanes: int):
        self.e = e
        self.kind = kind
        self.count = count
        self.lanes = lanes
        self.size = min(lanes, power_above(count))

    @property
    def at_once(self) -> bool:
        """Whether the numbers fit one block, so that they need not pass through scratch memory."""
        return self.count <= self.lanes

    def load_at_once(self, base: Value, put: Put) -> None:
        """Give vector k of the matrices at `base` to put(k, vector)."""
        if self.count <= FEW:
            self.load_few(base, put)
            return
        for k, vector in enumerate(self.load_block(base, 0)[: self.count]):
            put(k, vector)

    def store_at_once(self, get: Get, base: Value) -> None:
        """Write the vectors get(k) to the matrices at `base`."""
        vectors = [get(k) for k in range(self.count)]
        if self.count <= FEW:
            self.store_few(vectors, base)
        else:
            self.store_block(vectors, base, 0)

    def load(self, base: Value, scratch: Value) -> None:
        """Write the vectors of the matrices at `base` to scratch memory."""
        e, lanes = self.e, self.lanes
        if self.at_once:
            self.load_at_once(base, lambda k, vector: e.store(vector, scratch, k * lanes))
            return
        for start in self.block_starts():
            for k, vector in enumerate(self.load_block(base, start)):
                e.store(vector, scratch, (start + k) * lanes)

    def store(self, scratch: Value, base: Value) -> None:
        """Write the vectors in scratch memory to the matrices at `base`."""
        e, kind, lanes = self.e, self.kind, self.lanes
        if self.at_once:
            self.store_at_once(lambda k: e.load(scratch, kind, k * lanes, lanes), base)
            return
        for start in self.block_starts():
            self.store_block([e.load(scratch, kind, (start + k) * lanes, lanes) for k in range(lanes)], base, start)

    def block_starts(self):
        """Write a loop over blocks of `lanes` numbers, the last of which overlaps the one before it."""
        with self.e.loop(-(-self.count // self.lanes)) as block:
            yield self.e.math.minimum(block * self.lanes, self.count - self.lanes)

    def row(self, base: Value, matrix: int, start: int | Value) -> Value:
        return self.e.address(base, matrix * self.count + start if matrix or isinstance(start, Value) else start, self.kind)

    def load_block(self, base: Value, start: int | Value) -> list[Value]:
        """Return vectors of numbers start, start + 1, … of the matrices, as many as the block is long."""
        e, size = self.e, self.size
        mask = prefix(e, self.count, size)
        rows = [e.load(self.row(base, m, start), self.kind, 0, size, mask=mask) for m in range(self.lanes)]
        return butterflies(e, [side_by_side(e, rows[i::size]) for i in range(size)], size)

    def store_block(self, vectors: list[Value], base: Value, start: int | Value) -> None:
        e, size = self.e, self.size
        full = vectors + [e.undefined(self.kind, self.lanes)] * (size - len(vectors))
        rows = butterflies(e, full, size)
        mask = prefix(e, self.count, size)
        for m in range(self.lanes):
            row, part = rows[m % size], m // size
            if size < self.lanes:
                row = e.shuffle(row, list(range(part * size, (part + 1) * size)))
            e.store(row, self.row(base, m, start), 0, mask=mask)

    def load_few(self, base: Value, put: Put) -> None:
        e, lanes, count = self.e, self.lanes, self.count
        loaded = [e.load(base, self.kind, c * lanes, lanes) for c in range(count)]
        for k in range(count):
            places = [divmod(l * count + k, lanes) for l in range(lanes)]
            put(k, loaded[k] if count == 1 or lanes == 1 else merged(e, loaded, places))

    def store_few(self, vectors: list[Value], base: Value) -> None:
        e, lanes, count = self.e, self.lanes, self.count
        for c in range(count):
            places = [((c * lanes + l) % count, (c * lanes + l) // count) for l in range(lanes)]
            e.store(vectors[c] if count == 1 or lanes == 1 else merged(e, vectors, places), base, c * lanes)
