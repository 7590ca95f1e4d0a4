"""Work in numbered pieces: every thread takes the next number that nobody has taken, in order, until there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["tasks"]


def tasks(e: Emitter, name: str, count: Value, captured: Sequence[Value], body: Callable[..., None]) -> None:
    """Write body(number, *captured) for the numbers below `count`; return when all are done.

    Number 0 is begun first. The body is written into a function of its own: what it reads must be in `captured`.
    """
    values = [e.const(0, int64), count, *captured]
    write_job(e, f"{name}.job", values, body)
    memory = e.name()
    e.frame.slots.append(f"  {memory} = alloca [{len(values)} x i64], align 64")
    table = Value(e, memory, pointer)
    for n, value in enumerate(values):
        e.store(value, e.address(table, n, int64))
    e.call("lineal_share", None, e.symbol("lineal_pool"), e.symbol(f"{name}.job"), table)


def write_job(e: Emitter, job: str, values: Sequence[Value], body: Callable[..., None]) -> None:
    """Write job(table, number, threads), which runs in every thread."""
    with e.function(job, [("table", pointer), ("number", int32), ("threads", int32)]) as (table, _, _):
        count, *captured = (e.load(e.address(table, n, int64), v.kind) for n, v in enumerate(values) if n)
        again, work, done = e.label("again"), e.label("work"), e.label("done")
        e.jump(again)
        e.begin(again)
        number = e.new(f"atomicrmw add ptr {table.text}, i64 1 monotonic", int64)
        e.branch(number < count, work, done)
        e.begin(work)
        body(number, *captured)
        e.jump(again)
        e.begin(done)
