"""Draws: the words of the random generator (`codegen/philox.py`)."""

from __future__ import annotations

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, pointer, uint64
from lineal.codegen.philox import block, counted
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.nodes.node import Draw
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_draw"]


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
            for n, word in enumerate(block(e, counted(e, i, draw), key)):
                e.store(word, addresses[node.out], i * 4 + n, kind=uint64)
    return False
