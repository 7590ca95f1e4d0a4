"""Where processes meet in shared memory: each counts its steps in a line of its own, and waits for the counts of the others.

A line of LINE bytes holds the count of one process, and beside it a digest of what the process is about, one for odd and one
for even counts: nobody is two steps ahead of another, so that what is read is not yet written over.

    0   count
    8   digest at even counts
    16  digest at odd counts
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import NamedTuple

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.target import host
from lineal.codegen.values import Value

__all__ = ["LINE", "Meeting", "meeting"]

LINE = 64
"""How many bytes from one process's line to the next: none of them shares a line of the cache."""
DIGEST = 8
PAUSES = 32
"""How often a process looks before it lets others run."""


class Meeting(NamedTuple):
    """The native functions of a meeting; they give the GIL away, and each count is read and written as a whole.

    `publish(line, count)` writes a count, and with it all that was written before; `count(line)` reads one.
    `reached(line, count, rounds)` waits for a count; it returns whether it has come.
    `meet(lines, rank, size, count, digest, rounds)` publishes count and digest of a rank, and waits for those of all. It
    returns the number of ranks when all are there and say the same; the first that is missing after so many rounds of
    looking; -1 - rank for the first that has another digest.
    """

    publish: Callable[..., None]
    count: Callable[..., int]
    reached: Callable[..., int]
    meet: Callable[..., int]


class Writer:
    """Writes the module of a meeting."""

    def __init__(self) -> None:
        self.e = Emitter(host())

    def read(self, line: Value) -> Value:
        """Return a count; what its process has written before can be read after this."""
        return self.e.new(f"load atomic i64, {line.typed} acquire, align 8", int64)

    def publish(self, line: Value, count: Value) -> None:
        """Write a count, after all that was written before."""
        self.e.line(f"store atomic {count.typed}, {line.typed} release, align 8")

    def digest(self, line: Value, count: Value) -> Value:
        """Return the address of the digest that belongs to a count."""
        return self.e.offset(line, (count & 1) * DIGEST + DIGEST)

    def wait(self, line: Value, count: Value, rounds: Value) -> Value:
        """Return whether a count is reached, looking for so many rounds."""
        e = self.e
        again, look, rest, done = (e.label(each) for each in ("again", "look", "rest", "done"))
        before = e.frame.block
        e.jump(again)
        e.begin(again)
        tries, more = Value(e, e.name(), int64), Value(e, e.name(), int64)
        e.line(f"{tries.text} = phi i64 [ 0, %{before} ], [ {more.text}, %{rest} ]")
        there = self.read(line) >= count
        e.branch(there, done, look)
        e.begin(look)
        self.pause()
        with e.when((tries & (PAUSES - 1)) == PAUSES - 1):
            e.call("SwitchToThread" if "windows" in e.target.triple else "sched_yield", int32)
        e.line(f"{more.text} = add i64 {tries.text}, 1")
        e.branch(more < rounds, rest, done)
        e.begin(rest)
        e.jump(again)
        e.begin(done)
        return there

    def pause(self) -> None:
        """Tell the processor that this thread waits."""
        if self.e.target.x86:
            self.e.call("llvm.x86.sse2.pause", None)
        else:
            self.e.call("llvm.aarch64.hint", None, self.e.const(1, int32))

    def leave(self, condition: Value, result: Value) -> None:
        """Return a result where a condition holds."""
        e = self.e
        yes, no = e.label("leave"), e.label("stay")
        e.branch(condition, yes, no)
        e.begin(yes)
        e.ret(result)
        e.begin(no)

    def text(self) -> str:
        """Return the module."""
        e = self.e
        with e.function("publish", [("line", pointer), ("count", int64)]) as (line, count):
            self.publish(line, count)
        with e.function("count", [("line", pointer)], int64) as (line,):
            e.ret(self.read(line))
        with e.function("reached", [("line", pointer), ("count", int64), ("rounds", int64)], int64) as (line, count, rounds):
            self.leave(self.wait(line, count, rounds), e.const(1, int64))
            e.ret(e.const(0, int64))
        names = ("rank", "size", "count", "digest", "rounds")
        with e.function("meet", [("lines", pointer), *[(name, int64) for name in names]], int64) as given:
            self.meet(*given)
        return e.text()

    def meet(self, lines: Value, rank: Value, size: Value, count: Value, digest: Value, rounds: Value) -> None:
        """Write the body of `meet`."""
        e = self.e
        own = e.offset(lines, rank * LINE)
        e.store(digest, self.digest(own, count))
        self.publish(own, count)
        with e.loop(size) as other:
            line = e.offset(lines, other * LINE)
            there = self.wait(line, count, rounds)
            self.leave(there ^ True, other)
            self.leave(e.load(self.digest(line, count), int64) != digest, e.const(-1, int64) - other)
        e.ret(size)


@once
def meeting() -> Meeting:
    """Return the native functions of a meeting."""
    library = engine().build(Writer().text(), Meeting._fields)
    number, address = ctypes.c_int64, ctypes.c_void_p
    kinds = {
        "publish": ctypes.CFUNCTYPE(None, address, number),
        "count": ctypes.CFUNCTYPE(number, address),
        "reached": ctypes.CFUNCTYPE(number, address, number, number),
        "meet": ctypes.CFUNCTYPE(number, address, number, number, number, number, number),
    }
    # linked code may be called as long as its library lives, which these functions keep
    functions = {name: kind(library[name]) for name, kind in kinds.items()}
    for each in functions.values():
        vars(each)["library"] = library
    return Meeting(**functions)
