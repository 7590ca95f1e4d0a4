"""Random words of Philox4x64-10 (Salmon et al. 2011), word for word NumPy's, and numbers in [0, 1), over all threads.

Words are made as they lie in memory, a few blocks at a time, and turned into numbers of their size where they lie.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of, uint64
from lineal.codegen.native import Native, entered
from lineal.codegen.once import once
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.proxies import Proxy
from lineal.codegen.values import Value

__all__ = ["block", "counted", "filled", "integers"]

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
WIDE = Kind("uint128", "i128", 128, "u")
WORDS = 4
"""How many words a block has."""
MASK = (1 << 64) - 1
RUN = 64
"""How many blocks are made before they are turned into numbers: they stay in the nearest cache."""


def block(e: Emitter, counter: list[Value], low: Value) -> list[Value]:
    """Return the four words of a counter under the key (low, 0)."""
    keys = [low, e.const(0, uint64)]
    for turn in range(ROUNDS):
        if turn:
            keys = [key + e.const(step, uint64) for key, step in zip(keys, WEYL)]
        (high_a, low_a), (high_b, low_b) = (product(e, factor, counter[2 * n]) for n, factor in enumerate(MULTIPLIERS))
        counter = [high_b ^ counter[1] ^ keys[0], low_b, high_a ^ counter[3] ^ keys[1], low_a]
    return counter


def product(e: Emitter, factor: int | Value, word: Value) -> tuple[Value, Value]:
    """Return the upper and the lower half of factor · word."""
    wide = e.new(f"zext {word.typed} to i128", WIDE)
    other = kinds.literal(factor, WIDE) if isinstance(factor, int) else e.new(f"zext {factor.typed} to i128", WIDE).text
    whole = e.new(f"mul {wide.typed}, {other}", WIDE)
    upper = e.new(f"lshr {whole.typed}, 64", WIDE)
    return e.new(f"trunc {upper.typed} to i64", uint64), e.new(f"trunc {whole.typed} to i64", uint64)


def counted(e: Emitter, number: Value, draw: Value) -> list[Value]:
    """Return the counter of a block of a draw; NumPy's generator counts up before it makes a block."""
    return [e.cast(number + 1, uint64), e.const(0, uint64), draw, e.const(0, uint64)]


class Fill:
    """Writes fill(y, state, table): y is made of whole blocks, and of the first words of one more."""

    def __init__(self, kind: Kind):
        self.kind, self.each = kind, WORDS * uint64.bits // kind.bits
        self.e = e = Emitter()
        with entered(e, "fill", 2) as ((y, state), table):
            count = e.load(table, int64)
            key, draw = (e.load(state, uint64, n) for n in range(2))
            whole = e.math.floor_divide(count, self.each)
            shared(e, "fill", whole, [y, key, draw, table], self.blocks, grain=RUN, worth=count >= WORTH_THREADS)
            with e.when(whole * self.each < count):
                self.rest(y, whole, count, key, draw, table)

    def blocks(self, start: Value, stop: Value, y: Value, key: Value, draw: Value, table: Value) -> None:
        """Write the blocks range(start, stop)."""
        e = self.e
        with e.loop(stop, start, RUN) as first:
            last = e.math.minimum(first + RUN, stop)
            with e.loop(last, first) as number:
                for n, word in enumerate(block(e, counted(e, number, draw), key)):
                    e.store(word, y, number * WORDS + n, kind=uint64)
            self.turn(e.address(y, first * self.each, self.kind), (last - first) * self.each, table)

    def rest(self, y: Value, number: Value, count: Value, key: Value, draw: Value, table: Value) -> None:
        """Write the numbers of a block that is not whole."""
        e = self.e
        memory = e.name()
        e.frame.slots.append(f"  {memory} = alloca [{WORDS} x i64], align 64")
        made = Value(e, memory, kinds.pointer)
        for n, word in enumerate(block(e, counted(e, number, draw), key)):
            e.store(word, made, n, kind=uint64)
        self.turn(made, e.index(self.each), table)
        first = number * self.each
        with e.loop(count - first) as n:
            e.store(e.load(made, self.kind, n), y, first + n, kind=self.kind)

    def turn(self, y: Value, count: Value, table: Value) -> None:
        """Write the turning of words into numbers: 24 or 53 bits of each, or what is left by a division."""
        e, kind = self.e, self.kind
        if kind.family == "f":
            source, digits = (kinds.uint32, 24) if kind.bits == 32 else (uint64, 53)
            for part in e.blocks(count, kind):
                part.store(e.cast(part.load(y, source) >> (source.bits - digits), kind) * 2.0**-digits, y, kind)
        elif kind is int64:
            low, span, inverse = (e.load(table, uint64, 1 + n) for n in range(3))
            with e.loop(count) as n:
                e.store(e.cast(left(e, e.load(y, uint64, n), span, inverse) + low, int64), y, n)


def left(e: Emitter, word: Value, span: Value, inverse: Value) -> Value:
    """Return word % span; the inverse, ⌊(2⁶⁴ - 1) / span⌋, gives the quotient or, at most, one or two too few."""
    quotient, _ = product(e, inverse, word)
    rest = word - quotient * span
    for _ in range(2):
        rest = e.select(rest >= span, rest - span, rest)
    return rest


@once
def fill(storage: np.dtype) -> Native:
    """Return the compiled function for numbers of a kind."""
    return Native(Fill(kind_of(storage)).e, "fill")


@lru_cache(256)
def bound(storage: np.dtype, count: int) -> Callable[..., bool]:
    """Return what draws so many numbers."""
    native = fill(storage)
    return native.bound(native.table(count, count))


def filled(state: np.ndarray, storage: np.dtype, count: int) -> np.ndarray | None:
    """Return `count` numbers of a state's draw: random uint64 or uint32, or float64 or float32 in [0, 1).

    None if the state does not lie as code reads it.
    """
    y = np.empty(count, storage)
    if type(state) is Proxy:
        bound(storage, count)(y, state.value)
        return state.recording.ran(fill(storage), [y, state], count)[0]  # type: ignore[return-value]
    return y if state.flags.c_contiguous and bound(storage, count)(y, state) else None


def integers(state: np.ndarray, count: int, low: int, span: int) -> np.ndarray | None:
    """Return `count` whole numbers low + word % span of a state's draw, as int64 that wraps around; span < 2⁶³."""
    y = np.empty(count, np.int64)
    native, numbers = fill(y.dtype), np.array([low & MASK, span, MASK // span], np.uint64)
    table = native.table(count, count, *numbers.view(np.int64).tolist())
    return y if state.flags.c_contiguous and native((y, state), table) else None
