"""Runs: the code that sorts the elements of an index by the place that they name, by counting; each place has a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, int64, kind_of, pointer
from lineal.codegen.values import Value, Variable
from lineal.compiler.kernels.loops import parameters, placed
from lineal.compiler.nodes.buffers import Pick
from lineal.compiler.nodes.node import Runs
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_runs"]


def write_runs(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of runs; return that it returns a status: whether an index was out of range."""
    (node,) = group.nodes
    assert isinstance(node, Runs)
    buffers = parameters(group)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))], int32) as given:
        address = dict(zip(buffers, given))
        index, order, starts = (address[each] for each in (node.pick.index.buffer, node.order, node.starts))
        failed = counted(e, node.pick, index, starts)
        total = e.variable(e.const(0, int32))
        with e.loop(node.starts.shape[0], carried=[total]) as place:
            total.value = total.value + e.load(starts, int32, place)
            e.store(total.value, starts, place)
        # from the last on, each goes before those of its place that have gone before it: what is left is where runs start
        with elements(e, node.pick, index, backwards=True) as (number, place, _):
            here = e.load(starts, int32, place) - 1
            e.store(here, starts, place)
            e.store(e.cast(number, int32), order, e.cast(here, int64))
        e.ret(failed)
    return True


def counted(e: Emitter, pick: Pick, index: Value, starts: Value) -> Value:
    """Write how many elements name each place; return whether one is out of range, if that is to be told, as an int32."""
    failed = e.variable(e.const(False, kinds.bool_))
    for block in e.blocks(pick.size + 1, int32):
        block.store(e.const(0, int32), starts)
    with elements(e, pick, index, carried=[failed]) as (_, place, good):
        failed.value = failed.value if pick.sure else failed.value | ~good
        e.store(e.load(starts, int32, place) + 1, starts, place)
    return e.cast(failed.value, int32)


@contextmanager
def elements(
    e: Emitter, pick: Pick, index: Value, carried: Sequence[Variable] = (), backwards: bool = False
) -> Iterator[tuple[Value, Value, Value]]:
    """Write a loop over an index; yield the number of an element, the place that it names, and whether that is in range."""
    view, ((size,), (step,)) = pick.index, (pick.index.shape, pick.index.strides)
    kind = kind_of(view.buffer.dtype)
    with e.loop(size, carried=carried) as n:
        number = e.index(size) - 1 - n if backwards else n
        place, good = placed(e, e.load(e.address(index, view.offset, kind), kind, number * step), pick)
        yield number, place, good
