"""Routines: the function that calls what a routine's writer writes."""

from __future__ import annotations

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import kind_of, pointer
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.nodes.node import Routine
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_routine"]


def write_routine(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a routine; return that it returns no status."""
    (node,) = group.nodes
    assert isinstance(node, Routine)
    buffers = parameters(group)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))]) as given:
        address = dict(zip(buffers, given))
        xs = [e.address(address[each.buffer], each.offset, kind_of(each.buffer.dtype)) for each in node.args]
        node.write(e, xs, [address[buffer] for buffer in node.outs])
    return False
