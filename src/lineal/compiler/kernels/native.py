"""Native code of a schedule: a function per loop, and the function that calls them in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lineal.codegen import blas
from lineal.codegen.contract.contraction import AWAKE
from lineal.codegen.contract.native import Native
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import bool_, int32, int64, kind_of, pointer
from lineal.codegen.threads import pool
from lineal.codegen.values import Value
from lineal.compiler.kernels.convolutions import routine_of
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.kernels.modules import Kernels
from lineal.compiler.kernels.overlaps import meeting
from lineal.compiler.kernels.products import call as call_product
from lineal.compiler.kernels.products import contraction_of, is_direct, is_large, is_small, work
from lineal.compiler.kernels.status import FAILED, MOST_TOLD, PLACES, UNEXPECTED, UNMET
from lineal.compiler.nodes.blame import Blaming
from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.nodes.node import Check, Convolve, Join, Node, Product, Repeat, Rewind, Routine, Tape
from lineal.compiler.scheduling.cost import operations
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.schedule import Home, Schedule

__all__ = ["Segment"]

Call = tuple[str, bool] | list[list["Call"]] | None
Moves = Sequence[tuple[Buffer, Buffer]]

LONGEST_NS = 1e11
"""For about how long a loop runs natively that ends when a number says so: nobody can interrupt it."""

WORTH_THREADS = 1 << 22
"""From how many multiplications on a program lets BLAS use several threads: waking them costs more than smaller products."""


class Segment:
    """Groups that run natively one after the other: one function of the addresses of `buffers`, then of the arena.

    `homes` says where the other buffers lie: at an offset in the arena, or in the memory of another buffer, that many bytes on.
    Of each pair in `apart` no buffer of the first must meet one of the second: one is written, and a caller may give the memory
    of the other.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        buffers: Sequence[Buffer],
        homes: dict[Buffer, Home],
        moves: Sequence[tuple[Buffer, Buffer]],
        apart: Sequence[tuple[Sequence[Buffer], Sequence[Buffer]]] = (),
    ):
        self.groups = groups
        self.buffers = list(buffers)
        self.homes = homes
        self.moves = moves
        self.apart = apart
        self.kernels = Kernels()
        self.driver = self.emitter()
        self.calls = [self.call(group) for group in groups]
        self.before: Value | None = None
        self.spread = 1
        """How ready threads are where the driver is written."""
        self.drive()

    def emitter(self) -> Emitter:
        """Return what writes a module."""
        return Emitter()

    def written(self, group: Group) -> tuple[str, bool]:
        """Write the function of a group; return its name and whether it has a status."""
        return self.kernels.add(group)

    @contextmanager
    def entered(self) -> Iterator[tuple[Sequence[Value], Value]]:
        """Write the function of the program; yield the addresses of what it is given, and of the arena."""
        parameters = [(f"p{n}", pointer) for n in range(len(self.buffers) + 1)]
        with self.driver.function("program", parameters, int32) as (*given, arena):
            yield given, arena

    def call(self, group: Group) -> Call:
        """Return the name of a group's function and whether it has a status; None if the driver, or nobody, does it.

        What is repeated has the calls of its body.
        """
        node = group.nodes[0]
        if isinstance(node, Repeat):
            return [[self.call(each) for each in schedule.groups] for schedule in node.schedules]
        if isinstance(node, (Check, Join)) or (isinstance(node, Product) and is_direct(self.driver, node)):
            return None
        with Blaming(group.nodes):
            return self.written(group)

    def drive(self) -> None:
        """Write the function that calls the others."""
        e = self.driver
        with self.entered() as (given, arena):
            address = dict(zip(self.buffers, given))
            self.settle(self.homes, address, arena)
            self.keep_apart(address)
            self.before = blas.limit(e, 1) if self.one_thread() else None
            self.run(self.groups, self.calls, self.moves, address)
            self.leave(0)

    def settle(self, homes: dict[Buffer, Home], address: dict[Buffer, Value], arena: Value) -> None:
        """Add the addresses of what lies in the arena, or in other buffers."""
        # in an order that no size decides; what lies inside of others comes after them
        for buffer, home in sorted(homes.items(), key=lambda each: (isinstance(each[1], tuple), each[0].number)):
            address[buffer] = self.place(home, address, arena)

    def run(self, groups: Sequence[Group], calls: Sequence[Call], moves: Moves, address: dict[Buffer, Value]) -> None:
        """Write the calls of groups, one after the other, and what is moved in the end."""
        e = self.driver
        for group, call in zip(groups, calls):
            node = group.nodes[0]
            if isinstance(node, Rewind):
                self.rewind(node, call, address)  # type: ignore[arg-type]
            elif isinstance(node, Repeat):
                self.repeat(node, call, address)  # type: ignore[arg-type]
            elif call is not None:
                self.invoke(call, [address[buffer] for buffer in parameters(group)])  # type: ignore[arg-type]
            elif isinstance(node, Product):
                call_product(e, group, address, self.spread)
            elif isinstance(node, Check):
                self.check(node, address[node.arg.buffer])
        for buffer, target in moves:
            e.call("memcpy", pointer, address[target], address[buffer], e.const(buffer.nbytes, int64))

    def repeat(self, node: Repeat, calls: list[list[Call]], address: dict[Buffer, Value]) -> None:
        """Write the loop of a body."""
        e = self.driver
        kinds = [kind_of(buffer.dtype) for buffer, _, _ in node.places]
        starts = [e.address(address[buffer], start, kind) for (buffer, start, _), kind in zip(node.places, kinds)]
        before, self.spread = self.spread, AWAKE
        if node.tape is not None:
            e.store(e.const(1, int64), address[node.tape.log], 1)
        with e.loop(node.turns or most_turns(node)) as i:
            if node.flag is not None:
                outside = node.tested.outside()
                inner = dict(zip(outside, [*starts[: len(outside) - 1], address[node.flag]]))
                self.turn(node.tested, calls[1], inner, address[node.room])
                more, done = e.label("more"), e.label("through")
                e.branch(e.load(address[node.flag], int64) != 0, more, done)
                e.begin(more)
            if node.tape is not None:
                self.put_on(node.tape, [address[buffer] for buffer in node.outs], i, address)
            steps = [step for _, _, step in node.places]
            moved = [e.address(start, i * step, kind) if step else start for start, step, kind in zip(starts, steps, kinds)]
            self.turn(node.schedule, calls[0], dict(zip(node.schedule.outside(), moved)), address[node.room])
        self.spread = before
        if node.flag is not None:
            self.leave(UNMET)
            e.begin(done)
        if node.tape is not None:
            e.store(i, address[node.tape.log])

    def put_on(self, tape: Tape, carried: Sequence[Value], turn: Value, address: dict[Buffer, Value]) -> None:
        """Write what turn number `turn` is given onto a tape, if it has a row; of a full one, let every other row go before."""
        e, log = self.driver, address[tape.log]
        stride = e.load(log, int64, 1)
        with e.when((turn & (stride - 1)) == 0):
            with e.when(turn == stride * tape.length):
                with e.loop(tape.length // 2, 1) as n:
                    for buffer in tape.rows:
                        self.copy_row(buffer, self.row(buffer, n * 2, address), self.row(buffer, n, address))
                e.store(stride * 2, log, 1)
            row = turn // e.load(log, int64, 1)
            for buffer, source in zip(tape.rows, carried):
                self.copy_row(buffer, source, self.row(buffer, row, address))

    def rewind(self, node: Rewind, calls: list[list[Call]], address: dict[Buffer, Value]) -> None:
        """Write the turns back of a loop, of those between two rows of its tape at a time, from the last on."""
        assert node.tape is not None
        e, tape, log = self.driver, node.tape, address[node.tape.log]
        count, stride = e.load(log, int64), e.load(log, int64, 1)
        used = (count + stride - 1) // stride
        back = [e.address(address[buffer], start, kind_of(buffer.dtype)) for buffer, start, _ in node.places]
        ahead = [e.address(address[buffer], start, kind_of(buffer.dtype)) for buffer, start, _ in node.places_ahead]
        with e.loop(used) as passed:
            row = used - 1 - passed
            turns = e.math.minimum(stride, count - row * stride)

            def given(turn: Value, row: Value = row) -> list[Value]:
                """Return where that lies which a turn behind a row is given: the row itself, or what was computed of it."""
                anew = [self.row(buffer, turn, address) for buffer in node.again]
                return [e.select(turn == 0, self.row(buffer, row, address), x) for buffer, x in zip(tape.rows, anew)]

            with e.loop(turns, 1) as turn:
                here = [self.row(buffer, turn, address) for buffer in node.again]
                for buffer, source, target in zip(tape.rows, given(turn - 1), here):
                    self.copy_row(buffer, source, target)
                inner = [*ahead[: len(ahead) - len(here)], *here]
                self.turn(node.tested, calls[1], dict(zip(node.tested.outside(), inner)), address[node.room])
            with e.loop(turns) as done:
                inner = [*back[: node.same], *given(turns - 1 - done), *back[node.same + len(tape.rows) :]]
                self.turn(node.schedule, calls[0], dict(zip(node.schedule.outside(), inner)), address[node.room])

    def row(self, buffer: Buffer, number: Value, address: dict[Buffer, Value]) -> Value:
        """Return the address of a row of a tape."""
        return self.driver.offset(address[buffer], number * (buffer.nbytes // buffer.shape[0]))

    def copy_row(self, buffer: Buffer, source: Value, target: Value) -> None:
        """Write the copy of a row of a tape."""
        e = self.driver
        e.call("memcpy", pointer, target, source, e.const(buffer.nbytes // buffer.shape[0], int64))

    def turn(self, schedule: Schedule, calls: Sequence[Call], address: dict[Buffer, Value], room: Value) -> None:
        """Write what is done once, on memory at these addresses."""
        self.settle(schedule.homes(), address, room)
        self.run(schedule.groups, calls, schedule.moves, address)

    def keep_apart(self, address: dict[Buffer, Value]) -> None:
        """Write the return if buffers that must be apart meet."""
        e = self.driver
        for ones, others in self.apart:
            found = meeting(e, address, ones, others)
            if found is not None:
                with e.when(found):
                    e.ret(e.const(UNMET, int32))
                    e.begin(e.label("never"))

    def one_thread(self) -> bool:
        """Return whether BLAS is used, and only for products that are too small for several threads."""
        nodes = (node for group in every(self.groups) for node in group.nodes)
        sizes = [size for node in nodes if (size := blas_work(self.driver, node))]
        return bool(sizes) and max(sizes) < WORTH_THREADS

    def check(self, node: Check, place: Value) -> None:
        """Write the return if a check fails."""
        e = self.driver
        kind = kind_of(node.arg.buffer.dtype)
        found = e.load(e.address(place, node.arg.offset, kind), kind)
        with e.when(~found if kind is bool_ else found != node.number):
            self.leave((UNEXPECTED if node.lenient else UNMET) if node.place is None else self.met(node.place, found))
            e.begin(e.label("never"))

    def met(self, place: int, found: Value) -> Value:
        """Return the status that tells which number is another one, and what it is."""
        e = self.driver
        most = e.const(MOST_TOLD, int64)
        told = e.math.minimum(e.math.maximum(found, -most), most)
        return e.cast(told * PLACES + (UNMET + 1 + place), int32)

    def leave(self, status: int | Value) -> None:
        """Write the return of a status."""
        if self.before is not None:
            blas.limit(self.driver, self.before)
        self.driver.ret(self.driver.const(status, int32) if isinstance(status, int) else status)

    def place(self, home: Home, address: dict[Buffer, Value], arena: Value) -> Value:
        """Return the address of a home."""
        if isinstance(home, Buffer):
            return address[home]
        start, way = (address[home[0]], home[1]) if isinstance(home, tuple) else (arena, home)
        return self.driver.offset(start, self.driver.apart(way) if self.driver.general else way)

    def invoke(self, call: tuple[str, bool], given: Sequence[Value]) -> None:
        """Call a kernel, and stop if it fails."""
        e, (name, status) = self.driver, call
        if not status:
            e.call(name, None, *given)
            return
        with e.when(e.call(name, int32, *given) != 0):
            self.leave(FAILED)
            e.begin(e.label("never"))

    def text(self) -> str:
        """Return the LLVM code."""
        return "\n".join(each.text() for each in (*self.kernels.modules.values(), self.driver))

    def assembly(self) -> str:
        """Return the code as the processor's assembly text."""
        return "\n".join(engine().assembly(each) for each in (*self.kernels.modules.values(), self.driver))

    def link(self) -> Library:
        """Compile and link everything."""
        using = engine()
        emitters = (*self.kernels.modules.values(), self.driver)
        missing = [each for each in self.routines if each.kept is None]
        made = using.compile_all((*emitters, *(each.e for each in missing)))
        for each, found in zip(missing, made[len(emitters) :]):
            each.keep(found)
        return using.link(made[: len(emitters)], ["program"], self.bound(emitters))

    @property
    def routines(self) -> list[Native]:
        """The routines of our own that are called."""
        e, found = self.driver, {}
        for group in every(self.groups):
            node = group.nodes[0]
            if isinstance(node, Product) and is_large(e, node):
                found[contraction_of(e, group)] = None
            elif isinstance(node, Convolve):
                found[routine_of(group, e.target)] = None
            elif isinstance(node, Routine):
                found.update(dict.fromkeys(node.natives))
        return list(found)

    def bound(self, emitters: Sequence[Any]) -> dict[str, int]:
        """Return the addresses of what the modules use from outside."""
        symbols = blas.symbols({routine for each in emitters for routine in blas.used(each)})
        symbols.update((each.name, each.address) for each in self.routines)
        for node in (node for group in every(self.groups) for node in group.nodes):
            symbols.update(node.symbols if isinstance(node, Routine) else {})
        if any("lineal_pool" in each.declared for each in emitters):
            symbols.update(pool().symbols())
        return symbols


def every(groups: Iterable[Group]) -> Iterator[Group]:
    """Yield groups, and those of the bodies among them."""
    for group in groups:
        yield group
        node = group.nodes[0]
        if isinstance(node, Repeat):
            for schedule in node.schedules:
                yield from every(schedule.groups)


def longest(node: Repeat) -> int:
    """Return how many turns a loop may take that ends when a number says so: some minutes' worth."""
    return max(1 << 20, int(LONGEST_NS / (20 * len(node.schedule.groups) + operations(node.schedule.nodes) / 30)))


def most_turns(node: Repeat) -> int:
    """Return how many turns a loop takes natively that ends when a number says so: as many as a tape is good for."""
    return longest(node) if node.tape is None else min(longest(node), node.tape.length**2)


def blas_work(e: Emitter, node: Node) -> int:
    """Return how many multiplications a node leaves to BLAS or LAPACK at once."""
    if isinstance(node, Product):
        return 0 if is_small(e, node) or is_large(e, node) else work(node)
    return node.work if isinstance(node, Routine) and not (node.symbols or node.natives) else 0
