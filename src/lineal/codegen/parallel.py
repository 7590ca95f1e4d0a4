"""Loops split over the threads of the pool: a job function per loop, which every thread calls for its own range."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.poolcode import FIELDS
from lineal.codegen.values import Value

Body = Callable[..., None]

WORTH_THREADS, WORTH_WAKING = 1 << 15, 1 << 17
"""From how many elements on a loop is split over threads that wait for it, and over threads that sleep."""


def parallel(
    e: Emitter, name: str, count: int | Value, captured: Sequence[Value], body: Body, *, least: int | Value = 1, grain: int = 64
) -> None:
    """Write body(start, stop, *captured) for ranges that make up range(count), each on its own thread.

    The body is written into a job function of its own, so what it reads of this function it must take from `captured`
    (scalars). Ranges start at multiples of `grain`; fewer than `least` in all are not worth other threads.
    """
    count = e.index(count)
    values = [count, *captured]
    job = f"{name}.job"
    write_job(e, job, values, body, grain)
    table = tabled(e, [*values, *e.passed()])
    with e.if_else(count < least) as (then, otherwise):
        with then:
            e.call(job, None, table, e.const(0, int32), e.const(1, int32))
        with otherwise:
            e.call("lineal_fork", None, e.symbol("lineal_pool"), e.symbol(job), table)


@contextmanager
def begun(
    e: Emitter, job: str, values: Sequence[Value], counter: int | None = None
) -> Iterator[tuple[Value, Value, Value, list[Value]]]:
    """Write job(table, number, threads), `values` standing in the table; yield these three, and the values but the counter."""
    with e.function(job, [("table", pointer), ("number", int32), ("threads", int32)], bare=True) as (table, number, threads):
        e.inherit(table, len(values))
        yield table, number, threads, [e.load(e.address(table, n, int64), v.kind) for n, v in enumerate(values) if n != counter]


def write_job(e: Emitter, job: str, values: Sequence[Value], body: Body, grain: int) -> None:
    """Write job(table, number, threads): the body for the part of this thread."""
    with begun(e, job, values) as (_, number, threads, (count, *captured)):
        pieces = e.math.floor_divide(count + (grain - 1), grain)
        share = e.math.floor_divide(pieces + e.cast(threads, int64) - 1, e.cast(threads, int64)) * grain
        start = e.math.minimum(share * e.cast(number, int64), count)
        body(start, e.math.minimum(start + share, count), *captured)


def worthwhile(e: Emitter, work: Value) -> Value:
    """Return whether so many elements are worth other threads as these now are: to wake them takes some 50 µs."""
    sleepers = e.offset(e.symbol("lineal_pool"), FIELDS["sleepers"])
    awake = e.new(f"load atomic i32, {sleepers.typed} monotonic, align 4", int32) == 0
    return (work >= WORTH_WAKING) | ((work >= WORTH_THREADS) & awake)


def shared(
    e: Emitter,
    name: str,
    count: int | Value,
    captured: Sequence[Value],
    body: Body,
    *,
    grain: int = 64,
    pieces: int = 4,
    worth: Value | None = None,
) -> None:
    """Write body(start, stop, *captured) for ranges that make up range(count), each on the thread that comes for it first.

    There are about `pieces` ranges for each thread, so that a thread that is late, or has a slower processor, takes fewer.
    Where `worth` is given and does not hold, this thread does all of them.
    """
    count = e.index(count)
    values = [count, *captured, e.const(0, int64)]
    job = f"{name}.job"
    write_shared_job(e, job, values, body, grain, pieces)
    table = tabled(e, [*values, *e.passed()])
    if worth is None:
        e.call("lineal_share", None, e.symbol("lineal_pool"), e.symbol(job), table)
        return
    with e.if_else(worth) as (then, otherwise):
        with then:
            e.call("lineal_share", None, e.symbol("lineal_pool"), e.symbol(job), table)
        with otherwise:
            e.call(job, None, table, e.const(0, int32), e.const(1, int32))


def write_shared_job(e: Emitter, job: str, values: Sequence[Value], body: Body, grain: int, pieces: int) -> None:
    """Write job(table, number, threads): the body for one range after the other, as long as there are any."""
    with begun(e, job, values, len(values) - 1) as (table, _, threads, (count, *known)):
        ranges = e.cast(threads, int64) * pieces
        grains = e.math.floor_divide(count + (grain - 1), grain)
        share = e.math.floor_divide(grains + ranges - 1, ranges) * grain
        with taken(e, e.address(table, len(values) - 1, int64), ranges) as number:
            start = e.math.minimum(number * share, count)
            with e.when(start < count):
                body(start, e.math.minimum(start + share, count), *known)


@contextmanager
def taken(e: Emitter, counter: Value, count: Value, step: int = 1) -> Iterator[Value]:
    """Write what follows for the numbers below `count` that this thread is the first to come for, `step` at a time.

    The counter, at an address that all threads know, begins at 0; a thread that is late delays nobody.
    """
    again, work, over = e.label("again"), e.label("work"), e.label("over")
    e.jump(again)
    e.begin(again)
    first = e.new(f"atomicrmw add ptr {counter.text}, i64 {step} monotonic", int64)
    e.branch(first < count, work, over)
    e.begin(work)
    if step == 1:
        yield first
    else:
        with e.loop(e.math.minimum(first + step, count), first) as number:
            yield number
    e.jump(again)
    e.begin(over)


def tasks(e: Emitter, name: str, count: Value, captured: Sequence[Value], body: Body) -> None:
    """Write body(number, *captured) for the numbers below `count`; return when all are done.

    Number 0 is begun first. The body is written into a function of its own: what it reads must be in `captured`.
    """
    values = [e.const(0, int64), count, *captured]
    job = f"{name}.job"
    with begun(e, job, values, 0) as (table, _, _, (total, *known)), taken(e, table, total) as number:
        body(number, *known)
    e.call("lineal_share", None, e.symbol("lineal_pool"), e.symbol(job), tabled(e, [*values, *e.passed()]))


def tabled(e: Emitter, values: Sequence[Value]) -> Value:
    """Write values into a table of this call's memory; return its address."""
    memory = e.name()
    e.frame.slots.append(f"  {memory} = alloca [{len(values)} x i64], align 64")
    table = Value(e, memory, pointer)
    for n, value in enumerate(values):
        e.store(value, e.address(table, n, int64))
    return table
