"""Scans: the code of running sums, products and recurrences, one step after the other along an axis."""

from __future__ import annotations

from contextlib import ExitStack

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, kind_of, pointer
from lineal.codegen.scans import LANES, Law
from lineal.codegen.scans import step as scanned
from lineal.codegen.values import Value, Variable
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.kernels.scatter import moved, read
from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.nodes.node import Scan
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_scan"]


def write_scan(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a scan; return that it returns no status."""
    (node,) = group.nodes
    assert isinstance(node, Scan)
    buffers = parameters(group)
    shape = node.out.shape
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))], None) as given, ExitStack() as stack:
        addresses = dict(zip(buffers, given))
        index = {n: stack.enter_context(e.loop(size)) for n, size in enumerate(shape) if n != node.axis}
        if in_vectors(node, e.general):
            write_row(e, node, [index.get(n, e.index(0)) for n in range(len(shape))], addresses)
            return False
        so_far = e.variable(e.const(node.start or 0, kept_as(node)))
        with e.loop(shape[node.axis], carried=[so_far]) as i:
            index[node.axis] = i
            step(e, node, [index[n] for n in range(len(shape))], so_far, addresses)
    return False


def in_vectors(node: Scan, general: bool) -> bool:
    """Return whether several numbers are scanned at once: those that lie side by side, unless they are, and stay, too few."""
    alone = node.args[0].buffer.source == "literal" or node.exclusive or not node.associative
    together = node.target.strides[node.axis] == 1 and node.args[0].strides[node.axis] == 1
    return not alone and together and kept_as(node) is float64 and (general or node.out.shape[node.axis] >= LANES)


def write_row(e: Emitter, node: Scan, index: list[Value], addresses: dict[Buffer, Value]) -> None:
    """Write the scan of one row in vectors."""
    (arg,) = node.args
    so_far = e.variable(e.const(node.start, float64, LANES))
    law = Law((float64,), (node.start,), lambda a, b: (node.formula(e.math, a[0], b[0]),))
    source, target = moved(e, arg, index, addresses[arg.buffer]), moved(e, node.target, index, addresses[node.out])
    for block in e.blocks(node.out.shape[node.axis], LANES, carried=[so_far]):
        value = e.cast(block.load(source, kind_of(arg.buffer.dtype)), float64)
        (made,) = scanned(e, block, (value,), [so_far], law)
        block.store(made, target, kind_of(node.out.dtype))


def kept_as(node: Scan) -> Kind:
    """Return the kind of what is so far: float64 for floating numbers, so that long sums are rounded once."""
    kind = kind_of(node.out.dtype)
    return float64 if kind.family == "f" else kind


def step(e: Emitter, node: Scan, index: list[Value], so_far: Variable, addresses: dict[Buffer, Value]) -> None:
    """Write one step."""
    kind = kind_of(node.out.dtype)
    args = [read(e, each, index, addresses) for each in node.args]
    made = e.cast(node.formula(e.math, so_far.value, *args), kept_as(node))
    if node.start is None:
        made = e.select(index[node.axis] == 0, e.cast(args[0], kept_as(node)), made)
    stored = so_far.value if node.exclusive else made
    e.store(stored, moved(e, node.target, index, addresses[node.out]), kind=kind)
    so_far.value = made
