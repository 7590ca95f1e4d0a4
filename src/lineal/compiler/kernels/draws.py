"""Draws: the code of the random generator, Philox4x64-10 (Salmon et al. 2011), word for word NumPy's."""

from __future__ import annotations

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, pointer, uint64
from lineal.codegen.values import Value
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.nodes.node import Draw
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_draw"]

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
WIDE = Kind("uint128", "i128", 128, "u")


def write_draw(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a draw; return that it returns no status."""
    (node,) = group.nodes
    assert isinstance(node, Draw)
    buffers = parameters(group)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))], None) as given:
        addresses = dict(zip(buffers, given))
        state = e.address(addresses[node.state.buffer], node.state.offset, int64)
        key, draw = (e.load(state, uint64, n * node.state.strides[0]) for n in range(2))
        with e.loop(node.out.nbytes // 32) as i:
            # NumPy's generator counts up before it makes a block
            counter = [e.cast(i + 1, uint64), e.const(0, uint64), draw, e.const(0, uint64)]
            for n, word in enumerate(block(e, counter, key)):
                e.store(word, addresses[node.out], i * 4 + n, kind=uint64)
    return False


def block(e: Emitter, counter: list[Value], low: Value) -> list[Value]:
    """Return the four words of a counter under the key (low, 0)."""
    keys = [low, e.const(0, uint64)]
    for turn in range(ROUNDS):
        if turn:
            keys = [key + e.const(step, uint64) for key, step in zip(keys, WEYL)]
        (high_a, low_a), (high_b, low_b) = (product(e, factor, counter[2 * n]) for n, factor in enumerate(MULTIPLIERS))
        counter = [high_b ^ counter[1] ^ keys[0], low_b, high_a ^ counter[3] ^ keys[1], low_a]
    return counter


def product(e: Emitter, factor: int, word: Value) -> tuple[Value, Value]:
    """Return the upper and the lower half of factor · word."""
    wide = e.new(f"zext {word.typed} to i128", WIDE)
    whole = e.new(f"mul {wide.typed}, {kinds.literal(factor, WIDE)}", WIDE)
    upper = e.new(f"lshr {whole.typed}, 64", WIDE)
    return e.new(f"trunc {upper.typed} to i64", uint64), e.new(f"trunc {whole.typed} to i64", uint64)
