"""Tiles: how a few rows and columns of a product are summed up in registers.

The left factor is a strip: rows of `left` numbers, `DEEPEST` apart, or, of a matrix that lies by columns, columns of `high`
numbers. The right factor is a panel: rows of `wide` numbers.   Goto and van de Geijn (2008).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lineal.codegen.contract.problem import Contract
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, bfloat16, float32, int64, kind_of, uint8, uint16, uint32
from lineal.codegen.target import Target, matrices_allowed
from lineal.codegen.values import Value, Variable

__all__ = ["CHAIN", "PAIRED", "PANELS", "VECTORS", "WORTH_THREADS", "Finish", "Tile", "Tiles", "tiles_of", "width"]

PAIRED = frozenset((bfloat16,))
"""The kinds of which some processors multiply pairs."""
FAST_PAIRS = ("znver",)
"""How LLVM's names of processors begin whose products of pairs are faster than those of float32; Intel's are slower."""
VECTORS = 2
"""How many vectors wide a tile is."""
CHAIN = 32
"""How many products are added up one after the other, before they are added to others."""
PANELS = 8
"""How many panels a thread keeps packed."""
WORTH_THREADS = 1 << 21
"""From how many multiplications on several threads are worth it."""

Finish = Callable[[int | Value, list[Value], Value], None]
"""What takes the sums of a row of a tile, and whether parts of them are in memory."""


class Tile(NamedTuple):
    """What is known of one tile: its factors and their depth, how many rows and columns of it are there, of `count` rows.

    Parts of its sums, rows of which are a `step` apart, are there already if there are `more`; others come after all but the
    `last`.
    """

    strip: Value
    panel: Value
    depth: Value
    rows: Value
    columns: Value
    more: Value
    last: Value
    parts: Value
    step: Value
    count: int


class Tiles:
    """Tiles of products of one number with a vector of numbers."""

    together = 1
    """How many k make one number of strips and panels."""
    rounds = 1
    """Blocks are filled up with zeros to a multiple of so many numbers along k."""
    in_loops = False
    """Whether the rows of a tile are taken in a loop."""
    depth = 256
    """About how many numbers along k make a block: a panel then comes from the second cache at most once for every strip."""
    chain = CHAIN
    """How many products are added up one after the other."""

    def __init__(self, e: Emitter, contract: Contract):
        self.e = e
        self.contract = contract
        self.sums: Kind = contract.sum_kind
        self.held: Kind = self.sums
        """The kind of numbers that strips and panels hold."""
        self.lanes = e.lanes(self.sums)
        registers = 16 if e.target.x86 and not e.target.avx512 else 32
        self.high = (registers - 8) // VECTORS
        self.wide = width(self.sums, e.target)
        self.by_columns = contract.by_columns

    @property
    def deepest(self) -> int:
        """How many numbers along k a block has at most, since all blocks are equally deep."""
        return self.depth * 3 // 2

    def begin(self) -> None:
        """Write what a thread does before its first tile."""

    def end(self) -> None:
        """Write what a thread does after its last tile."""

    @property
    def heights(self) -> list[int]:
        """How many rows a tile has, the most first: together they make any number."""
        found = [self.high]
        size = 1 << (self.high - 1).bit_length()
        while size := size // 2:
            found.append(size)
        return found

    def place(self, i: int) -> tuple[int, int]:
        """Return where in a strip row i begins, and how far its next number is."""
        return (i, self.high) if self.by_columns else (i * self.deepest, 1)

    def masks(self, tile: Tile, vectors: int) -> list[Value | None]:
        """Return which lanes of each vector of columns are there; None: all, as where a vector has only one."""
        last = self.e.first_lanes(tile.columns - (vectors - 1) * self.lanes, self.lanes) if self.lanes > 1 else None
        return [*[None] * (vectors - 1), last]

    def summed(self, tile: Tile, vectors: int, finish: Finish) -> None:
        """Write the sums of a tile of so many vectors, and what takes them."""
        e, kind, count, lanes = self.e, self.sums, tile.count, self.lanes
        if self.deepest <= self.chain:
            sums = self.chained(tile, vectors, e.index(0), tile.depth)
            for i in range(count):
                finish(i, [each.value for each in sums[i * vectors : (i + 1) * vectors]], tile.more)
            return
        # short chains of sums, which are then added up, round off less; the last one stays in registers
        found = e.stack(count * vectors * lanes * kind.itemsize)
        rest = e.math.floor_divide(e.math.maximum(tile.depth - 1, 0), self.chain) * self.chain
        with e.loop(rest, 0, self.chain) as first:
            for n, total in enumerate(self.joined(tile, vectors, (first, first + self.chain), found)):
                e.store(total.value, found, n * lanes)
        sums = self.joined(tile, vectors, (rest, tile.depth), found)
        for i in range(count):
            finish(i, [each.value for each in sums[i * vectors : (i + 1) * vectors]], tile.more)

    def joined(self, tile: Tile, vectors: int, chain: tuple[Value, Value], found: Value) -> list[Variable]:
        """Write the sums of a tile over a chain, and their addition to those of the chains before, which lie at an address."""
        e, lanes = self.e, self.lanes
        sums = self.chained(tile, vectors, *chain)
        with e.when(chain[0] > 0, carried=sums):
            for n, total in enumerate(sums):
                total.value = total.value + e.load(found, self.sums, n * lanes, lanes)
        return sums

    def chained(self, tile: Tile, vectors: int, first: Value, last: Value) -> list[Variable]:
        """Write the sums of a tile over part of its depth; return them row by row."""
        e, lanes = self.e, self.lanes
        sums = [e.variable(e.const(0, self.sums, lanes)) for _ in range(tile.count * vectors)]
        with e.loop(last, first, carried=sums) as k:
            row = e.address(tile.panel, k * self.wide, self.held)
            right = [e.load(row, self.held, v * lanes, lanes) for v in range(vectors)]
            column = e.address(tile.strip, k * self.place(0)[1], self.held)
            for i in range(tile.count):
                left = e.splat(e.load(e.address(column, self.place(i)[0], self.held), self.held), lanes)
                for v in range(vectors):
                    total = sums[i * vectors + v]
                    total.value = self.more(total.value, left, right[v])
        return sums

    def more(self, total: Value, left: Value, right: Value) -> Value:
        """Return a sum to which a product is added."""
        return self.e.muladd(left, right, total) if self.sums.family == "f" else total + left * right


class PairTiles(Tiles):
    """Tiles of products of two neighbours along k with two numbers for each lane: AVX-512's own products of bfloat16."""

    together = 2

    def __init__(self, e: Emitter, contract: Contract):
        super().__init__(e, contract)
        self.held = uint32

    def more(self, total: Value, left: Value, right: Value) -> Value:
        name, words = "llvm.x86.avx512bf16.dpbf16ps.512", f"<{2 * self.lanes} x bfloat>"
        self.e.declared.setdefault(name, f"declare {total.type} @{name}({total.type}, {words}, {words})")
        pairs = [self.e.new(f"bitcast {each.typed} to {words}", uint32).text for each in (left, right)]
        return self.e.new(
            f"call {total.type} @{name}({total.typed}, {words} {pairs[0]}, {words} {pairs[1]})", total.kind, total.lanes
        )


class MatrixTiles(PairTiles):
    """Tiles by the processor's registers for matrices (AMX): two by two of 16 rows of 16 sums, all four in one turn."""

    rounds = SIDE = 16
    in_loops = True
    depth = 256

    def __init__(self, e: Emitter, contract: Contract):
        super().__init__(e, contract)
        self.high, self.wide = 2 * self.SIDE, VECTORS * self.SIDE

    @property
    def heights(self) -> list[int]:
        return [self.high]

    def place(self, i: int) -> tuple[int, int]:
        return i * self.deepest, 1

    def instruction(self, name: str, *given: str) -> None:
        """Write an instruction of these registers."""
        types = ", ".join(each.split()[0] for each in given)
        self.e.declared.setdefault(name, f"declare void @{name}({types})")
        self.e.line(f"call void @{name}({', '.join(given)})")

    def begin(self) -> None:
        e = self.e
        form = e.stack(64)
        for n in range(0, 64, 8):
            e.store(e.const(0, int64), e.offset(form, n))
        e.store(e.const(1, uint8), form)
        for n in range(8):
            e.store(e.const(4 * self.SIDE, uint16), e.offset(form, 16 + 2 * n))
            e.store(e.const(self.SIDE, uint8), e.offset(form, 48 + n))
        self.instruction("llvm.x86.ldtilecfg", f"ptr {form.text}")

    def end(self) -> None:
        self.instruction("llvm.x86.tilerelease")

    def summed(self, tile: Tile, vectors: int, finish: Finish) -> None:
        e, side = self.e, self.SIDE
        square = [(i, j) for i in range(2) for j in range(vectors)]
        number = lambda i, j: f"i8 {2 * i + j}"
        # parts of sums, of whole tiles, go from memory to the registers and back
        whole = (tile.rows == self.high) & (tile.columns >= vectors * side)
        with e.if_else(whole & (tile.more != 0)) as (then, otherwise):
            with then:
                self.move("tileloadd64", square, number, tile.parts, tile.step * 4)
            with otherwise:
                for i, j in square:
                    self.instruction("llvm.x86.tilezero", number(i, j))
        with e.loop(tile.depth, 0, side) as k:
            for i in range(2):
                left = e.address(tile.strip, k + i * side * self.deepest, self.held)
                self.instruction("llvm.x86.tileloadd64", f"i8 {4 + i}", f"ptr {left.text}", f"i64 {4 * self.deepest}")
            for j in range(vectors):
                right = e.address(tile.panel, k * self.wide + j * side, self.held)
                self.instruction("llvm.x86.tileloadd64", f"i8 {6 + j}", f"ptr {right.text}", f"i64 {4 * self.wide}")
            for i, j in square:
                self.instruction("llvm.x86.tdpbf16ps", number(i, j), f"i8 {4 + i}", f"i8 {6 + j}")
        with e.if_else(whole & (tile.last == 0)) as (then, otherwise):
            with then:
                self.move("tilestored64", square, number, tile.parts, tile.step * 4)
            with otherwise:
                found, more = e.stack(4 * self.high * self.wide), e.select(whole, 0, tile.more)
                self.move("tilestored64", square, number, found, e.const(4 * self.wide, int64))
                with e.loop(tile.rows) as row:
                    at = e.address(found, row * self.wide, float32)
                    finish(row, [e.load(at, float32, j * side, side) for j in range(vectors)], more)

    def move(self, name: str, square: list, number: Callable[[int, int], str], place: Value, step: Value) -> None:
        """Write the moving of sums between the registers and memory whose rows are so many bytes apart."""
        for i, j in square:
            at = self.e.offset(place, step * (i * self.SIDE) + j * self.SIDE * float32.itemsize)
            self.instruction(f"llvm.x86.{name}", number(i, j), f"ptr {at.text}", step.typed)


def width(kind: Kind, target: Target) -> int:
    """Return how many columns a tile of such sums has."""
    return VECTORS * target.lanes(kind)


def tiles_of(e: Emitter, contract: Contract) -> Tiles:
    """Return the tiles of a contraction."""
    if contract.pairs and PAIRED.issuperset(map(kind_of, (contract.a, contract.b))):
        if e.target.has("amx-bf16") and matrices_allowed():
            return MatrixTiles(e, contract)
        if e.target.has("avx512bf16") and e.target.avx512 and e.target.cpu.startswith(FAST_PAIRS):
            return PairTiles(e, contract)
    return Tiles(e, contract)
