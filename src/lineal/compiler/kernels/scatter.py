"""Scatters: the code that puts or adds elements where indices say, one after the other, repeated places in order."""

from __future__ import annotations

from contextlib import ExitStack

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, kind_of, pointer
from lineal.codegen.values import Value
from lineal.compiler.kernels.loops import parameters, placed
from lineal.compiler.nodes.node import Scatter
from lineal.compiler.nodes.windows import Base, Pick, Window
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_scatter"]


def write_scatter(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a scatter; return that it returns a status: whether an index was out of range."""
    (node,) = group.nodes
    assert isinstance(node, Scatter)
    bases = parameters(group)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(bases))], int32) as given:
        addresses = dict(zip(bases, given))
        for pick in node.picks:
            check(e, pick, addresses)
        with ExitStack() as stack:
            index = [stack.enter_context(e.loop(size)) for size in node.source.shape]
            put(e, node, index, addresses)
        e.ret(e.const(0, int32))
    return True


def check(e: Emitter, pick: Pick, addresses: dict[Base, Value]) -> None:
    """Write the return if an index is out of range; nothing has been put anywhere then."""
    failed = e.variable(e.const(False, kinds.bool_))
    window = narrowed(pick.index)
    with ExitStack() as stack:
        index = [stack.enter_context(e.loop(size, carried=[failed])) for size in window.shape]
        _, good = placed(e, read(e, window, index, addresses), pick)
        failed.value = failed.value | ~good
    with e.when(failed.value):
        e.ret(e.const(1, int32))
        e.begin(e.label("never"))


def narrowed(window: Window) -> Window:
    """Return a window that shows the same elements, each that is repeated along an axis once."""
    shape = tuple(1 if step == 0 and size else size for size, step in zip(window.shape, window.strides))
    return Window(window.base, shape, window.strides, window.offset)


def put(e: Emitter, node: Scatter, index: list[Value], addresses: dict[Base, Value]) -> None:
    """Write what is done with one element."""
    kind = kind_of(node.out.dtype)
    place = moved(e, node.target, index, addresses[node.out])
    for pick in node.picks:
        number, _ = placed(e, read(e, pick.index, index, addresses), pick)
        place = e.address(place, number * pick.step, kind)
    value = read(e, node.source, index, addresses)
    if node.adds:
        before = e.load(place, kind)
        value = before | value if kind.family == "b" else before + value
    e.store(value, place, kind=kind)


def read(e: Emitter, window: Window, index: list[Value], addresses: dict[Base, Value]) -> Value:
    """Return the element of a window at an index."""
    kind = kind_of(window.base.dtype)
    if window.base.source == "literal":
        return e.const(window.number, kind)
    return e.load(moved(e, window, index, addresses[window.base]), kind)


def moved(e: Emitter, window: Window, index: list[Value], address: Value) -> Value:
    """Return the address of a window's element."""
    kind = kind_of(window.base.dtype)
    address = e.address(address, window.offset, kind)
    for number, step, size in zip(index, window.strides, window.shape):
        if step and size != 1:
            address = e.address(address, number * step, kind)
    return address
