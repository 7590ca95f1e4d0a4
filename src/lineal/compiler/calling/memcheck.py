"""The checking build: programs that run loop by loop in memory of their own, where accesses are held against what is declared.

`with checking():` makes programs of this kind. Everything that a program reads and writes lies in one block of memory, with
guards around every array. Before a loop runs, all that it has not declared to read is filled with other bytes; it runs twice,
with different ones. Then

* what it declared to read must have been written, and not have been given away since;
* nothing outside of what it declared to write may have changed;
* what it wrote counts as written where it is the same both times: else it was made of what was not declared to be read;
* what it wrote is what its nodes mean, computed in NumPy (`interpreter.py`), within what rounding may do; what routines of
  libraries gave is what the op's eager kernel gives (`librarycheck.py`).

A program that breaks one of these raises MemoryFault, which names the loop and the values. The numbers are those of the program
itself; the time is a hundred times as long.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.base.platforms import HOST
from lineal.compiler.calling.launch import REFUSED
from lineal.compiler.calling.librarycheck import Libraries
from lineal.compiler.kernels.native import Segment
from lineal.compiler.kernels.status import UNMET
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, RunSum
from lineal.compiler.nodes.node import Host, Join, Map, Node, Reduce, Repeat, Routine, Scatter
from lineal.compiler.scheduling.cost import operations
from lineal.compiler.scheduling.grouping import Group, inline, views
from lineal.compiler.scheduling.interpreter import expected, is_known
from lineal.compiler.scheduling.memory import lifetimes
from lineal.compiler.scheduling.noise import Expected
from lineal.compiler.scheduling.rows import Rows
from lineal.compiler.scheduling.schedule import Home
from lineal.compiler.scheduling.tiled import Tiled
from lineal.core import modes

if TYPE_CHECKING:
    from lineal.compiler.calling.program import Program

__all__ = ["Checked", "MemoryFault", "checking", "is_checking"]

GUARD = 256
"""How many bytes lie between arrays."""
FILLS = (0xFF, 0x55)
"""What unknown memory is filled with: as numbers NaN and -1, or huge ones."""

MOST_ELEMENTS = 1 << 18
"""Up to how many elements a loop's numbers are computed in NumPy too."""

_on: ContextVar[bool] = ContextVar("checking", default=False)


class MemoryFault(RuntimeError):  # noqa: N818
    """A program reads or writes memory otherwise than it has declared: a fault of the compiler, never of the user's."""


def checking() -> AbstractContextManager:
    """Return a context in which programs are made that check each of their accesses to memory."""
    return modes.Setting((_on, True))


def is_checking() -> bool:
    """Return whether programs are to check their accesses."""
    return _on.get()


class LoopFault(MemoryFault):
    """A loop gives other numbers than its nodes mean."""


class Checked:
    """Runs a program's loops one by one on memory of its own; called with what the program's native entry is called with."""

    def __init__(self, program: Program):
        self.program = program
        self.outside = program.outside
        self.groups: list[Group | Rows] = program.schedule.groups
        self.starts: dict[Buffer, int] = {}
        self.size = self.laid_out()
        self.born, self.dies = lifetimes(self.groups)
        self.bytes: dict[Any, np.ndarray] = {}
        """The places of views' bytes, once computed."""
        self.steps = [self.step(group) for group in self.groups]
        self.libraries = Libraries(self)
        self.last = self.native([], program.schedule.moves)

    # where everything lies

    def laid_out(self) -> int:
        """Give every array from outside and the arena a place; return the size of the memory."""
        at = GUARD
        for buffer in self.outside:
            first, last = span(buffer)
            self.starts[buffer] = at - first
            at = -(-(at + last - first + GUARD) // 64) * 64
        self.arena = at
        return at + self.program.arena.nbytes + GUARD

    def start(self, buffer: Buffer) -> int:
        """Return where a buffer's first element lies."""
        home: Home | None = buffer
        start = 0
        while home is not None:
            if isinstance(home, int):
                return self.arena + home + start
            if isinstance(home, tuple):
                home, start = home[0], start + home[1]
            if home in self.starts:
                return self.starts[home] + start
            home = self.program.homes.get(home)
        raise MemoryFault(f"{buffer} lies nowhere")

    def lies(self, buffer: Buffer) -> bool:
        """Return whether a buffer has memory, and not only registers of its own loop."""
        while buffer.inside is not None and buffer not in self.starts:
            buffer = buffer.inside.buffer
        return buffer in self.starts or buffer in self.program.homes

    def places(self, view: BufferView) -> np.ndarray:
        """Return where the bytes of a view lie."""
        key = (view.buffer, view.shape, view.strides, view.offset)
        found = self.bytes.get(key)
        if found is None:
            size = view.buffer.dtype.itemsize
            at = self.start(view.buffer) + view.offset * size
            grid = np.full(view.shape, at, np.int64)
            for axis, step in enumerate(view.strides):
                line = np.arange(view.shape[axis]) * (step * size)
                grid += line.reshape((-1,) + (1,) * (len(view.shape) - 1 - axis))
            found = self.bytes[key] = np.unique((grid[..., None] + np.arange(size)).ravel())
        return found

    def view(self, view: BufferView, memory: np.ndarray) -> np.ndarray:
        """Return what a view shows of the memory."""
        size = view.buffer.dtype.itemsize
        at = self.start(view.buffer) + view.offset * size
        steps = tuple(step * size for step in view.strides)
        return (
            np.ndarray(view.shape, view.buffer.dtype, memory, at, steps)
            if math.prod(view.shape)
            else np.empty(view.shape, view.buffer.dtype)
        )

    # what is declared

    def step(self, group: Group | Rows) -> Step:
        """Return what is done for a group, and what it declares."""
        nodes = group.nodes
        reads = [view for node in nodes for view in read_by(group, node) if view.buffer.source != "literal"]
        made = {buffer for each in nodes for buffer in each.writes}
        reads = [each for each in reads if each.buffer not in made]
        writes = [whole(buffer) for buffer in written_by(group)]
        kept = [whole(buffer) for node in nodes for buffer in changed_by(node)]
        node = nodes[0]
        if isinstance(node, Join):
            return Step(group, None, [whole(buffer) for buffer in node.parts], [whole(node.out)], [])
        run = self.host(node) if isinstance(node, Host) else self.native([group], ())
        return Step(group, run, reads, writes, kept)

    def native(self, groups: Sequence[Any], moves: Sequence[tuple[Buffer, Buffer]]) -> Callable[[int], Any]:
        """Return the function of the memory's address that runs groups natively; it returns their status."""
        segment = Segment(groups, self.outside, self.program.homes, moves)
        library = segment.link()
        call = HOST.launch(library["program"], [ctypes.c_void_p] * (len(self.outside) + 1), ctypes.c_int32)

        def run(address: int, library: Any = library) -> int:
            return call(*[address + self.starts[buffer] for buffer in self.outside], address + self.arena)

        return run

    def host(self, node: Host) -> Callable[[int], Any]:
        """Return the function that runs an op of the host's on the memory."""

        def run(address: int) -> int:
            arrays = {buffer: self.array(buffer) for buffer in self.outside}
            self.program.host(node, arrays, self.memory[self.arena : self.arena + self.program.arena.nbytes])
            return 0

        return run

    def array(self, buffer: Buffer) -> np.ndarray:
        """Return a buffer from outside as an array over the memory."""
        steps = tuple(step * buffer.dtype.itemsize for step in buffer.strides)
        return np.ndarray(buffer.shape, buffer.dtype, self.memory, self.starts[buffer], steps)

    # how it runs

    def __call__(self, *given: Any) -> Any:
        """Run on what is given; return None, a status, or REFUSED if it does not fit."""
        arrays = [getattr(x, "value", x) for x in given[:-1]]
        if not all(map(fits, arrays, self.outside)):
            return REFUSED
        if self.meet(dict(zip(self.outside, arrays))):
            return UNMET
        room = np.full(self.size + 64, FILLS[0], np.uint8)
        start = -room.ctypes.data % 64
        self.memory = room[start : start + self.size]
        self.valid = np.zeros(self.size, np.bool_)
        for x, buffer in zip(arrays, self.outside):
            if buffer not in self.program.schedule.results:
                np.copyto(self.array(buffer), x)
                self.valid[self.places(whole(buffer))] = True
        for now, step in enumerate(self.steps):
            self.libraries.before(now)
            status = self.checked(step)
            if status:
                return status
            for equation, wanted, gave in self.libraries.after(now):
                self.compare(f"the code of {equation}", str(equation.op.key), wanted, gave)
            for buffer in (
                buffer for buffer, last in self.dies.items() if last == now and buffer in self.program.schedule.offsets
            ):
                if buffer not in {moved for moved, _ in self.program.schedule.moves}:
                    self.valid[self.places(whole(buffer))] = False
        for buffer, target in self.program.schedule.moves:
            self.expect_written("the copying of results", whole(buffer))
            self.valid[self.places(whole(target))] = True
        self.last(self.memory.ctypes.data)
        for x, buffer in zip(arrays, self.outside):
            if buffer in self.program.schedule.results:
                self.expect_written("the caller", whole(buffer))
            if x.flags.writeable and (buffer in self.program.schedule.results or buffer in self.program.schedule.targets):
                np.copyto(x, self.array(buffer))
        return None

    def meet(self, arrays: dict[Buffer, np.ndarray]) -> bool:
        """Return whether memory that is written is another tensor's too."""
        pairs = ((a, b) for ones, others in self.program.apart() for a in ones for b in others if a is not b)
        return any(np.may_share_memory(arrays[a], arrays[b]) for a, b in pairs)

    def checked(self, step: Step) -> Any:
        """Run one step twice on differently filled memory; return its status."""
        if step.run is None:
            self.join(step)
            return 0
        for view in (*step.reads, *step.kept):
            self.expect_written(step.name, view)
        known = np.zeros(self.size, np.bool_)
        for view in (*step.reads, *step.kept):
            known[self.places(view)] = True
        mine = np.zeros(self.size, np.bool_)
        for view in step.writes:
            mine[self.places(view)] = True
        before, found, statuses = self.memory.copy(), [], []
        wanted = self.meaning(step, before)
        for fill in FILLS[:1] if step.once else FILLS:
            self.memory[:] = np.where(known, before, np.uint8(fill))
            filled = self.memory.copy()
            statuses.append(step.run(self.memory.ctypes.data))
            wrong = np.flatnonzero((self.memory != filled) & ~mine)
            if wrong.size:
                raise MemoryFault(f"{step.name} writes to {self.at(wrong[0])}, which it does not declare to write")
            found.append(self.memory.copy())
        self.memory[:] = np.where(mine, found[0], before)
        if statuses[0] != statuses[-1]:
            raise MemoryFault(f"{step.name} gives another status when memory that it does not declare to read is another")
        if statuses[0]:
            return statuses[0]
        self.valid[mine] = (found[0] == found[-1])[mine]
        for buffer in tapes(step.group.nodes):
            # as many rows as there were turns are written, and read
            self.valid[self.places(whole(buffer))] = True
        for buffer, each in wanted.items():
            self.compare(step.name, str(buffer), each, self.view(whole(buffer), self.memory))
        return 0

    def compare(self, who: str, what: str, wanted: Expected, gave: np.ndarray) -> None:
        """Raise unless numbers are those that are meant."""
        wrong = wanted.wrong(gave)
        if wrong.any():
            place = tuple([int(n) for n in np.unravel_index(wrong.argmax(), wrong.shape)])
            meant, slack = wanted.value[place], wanted.slack[place]
            raise LoopFault(f"{who} gives {gave[place]} at {place} of {what}, not {meant} (within {slack:.1e})")

    def meaning(self, step: Step, memory: np.ndarray) -> dict[Buffer, Expected]:
        """Return what a step is to make of the memory by the meaning of its nodes, if that is known, and soon computed."""
        if step.elements > MOST_ELEMENTS or not is_known(step.group):
            return {}
        known = written_by(step.group)
        if isinstance(step.group, Tiled) and not step.group.kept:
            # there are parts of sums, if anything
            known = [buffer for buffer in known if buffer is not step.group.sums.out]
        return expected(step.group, known, lambda view: self.view(view, memory))

    def join(self, step: Step) -> None:
        """Let what lies between the parts of a block count as written, if they lie apart: it is nobody's."""
        (block,), parts = step.writes, [self.places(view) for view in step.reads]
        between = np.setdiff1d(self.places(block), np.concatenate([np.empty(0, np.int64), *parts]))
        if between.size == self.places(block).size - sum(part.size for part in parts):
            self.valid[between] = True

    def expect_written(self, who: str, view: BufferView) -> None:
        """Raise unless all that a view shows has been written."""
        places = self.places(view)
        wrong = places[~self.valid[places]]
        if wrong.size:
            why = "nobody has written it, or it is given away, or made of what was not declared to be read"
            raise MemoryFault(f"{who} reads {self.at(wrong[0])} through {view}: {why}")

    def at(self, place: int) -> str:
        """Return in words what lies at a place in the memory."""
        for buffer in (*self.outside, *self.program.schedule.offsets):
            first, last = span(buffer)
            offset = place - self.start(buffer)
            if first <= offset < last:
                return f"byte {offset} of {buffer}, {buffer.source} {buffer.dtype}{list(buffer.shape)}"
        return f"byte {place - self.arena} of the arena" if place >= self.arena else "the memory between arrays"


class Step:
    """What is done for one group, what it reads and writes, and what it changes in place."""

    def __init__(
        self,
        group: Any,
        run: Callable[[int], Any] | None,
        reads: list[BufferView],
        writes: list[BufferView],
        kept: list[BufferView],
    ):
        self.group, self.run, self.reads, self.writes, self.kept = group, run, reads, writes, kept
        self.elements = operations(node for node in group.nodes if isinstance(node, (Map, Reduce, Repeat)))
        self.once = any(isinstance(node, Host) and node.op.effect for node in group.nodes)
        """Whether it has an effect, so that it must not be tried."""
        labels = ", ".join(getattr(node, "label", type(node).__name__) for node in group.nodes)
        equations = dict.fromkeys(str(node.equation) for node in group.nodes if node.equation is not None)
        self.name = f"the loop of {labels} (for {'; '.join(equations)})"


def read_by(group: Group | Rows, node: Node) -> Iterable[BufferView]:
    """Yield the views through which a node reads memory: not what its own loop makes where it stands."""
    if isinstance(group, Tiled):
        yield from (view for view in views(node) if view.buffer not in group.elements)
        return
    for each in group.groups if isinstance(group, Rows) else (group,):
        if any(one is node for one in each.nodes):
            inside = each.made()
            yield from (view for view in views(node) if not (view.buffer in inside and inline(view, node)))
    if isinstance(node, Map):
        yield from (reachable(arg) for arg in node.args if isinstance(arg, Chosen))
        yield from (view for arg in node.args if isinstance(arg, RunSum) for view in arg.reachable)


def reachable(arg: Chosen) -> BufferView:
    """Return the view on all that indices may choose from."""
    sizes, steps = zip(*((pick.size, pick.step) for pick in arg.picks))
    return BufferView(arg.view.buffer, (*arg.view.shape, *sizes), (*arg.view.strides, *steps), arg.view.offset)


def written_by(group: Group | Rows) -> list[Buffer]:
    """Return what is written to memory; of rows, not what has memory for one row only."""
    if isinstance(group, Rows):
        sums = (node.out for node in group.nodes if isinstance(node, Reduce) and node.out not in group.local)
        return list(dict.fromkeys((*group.stored, *sums)))
    if isinstance(group, Tiled):
        return group.stored
    others = (buffer for node in group.nodes if not isinstance(node, Map) for buffer in node.writes)
    return list(dict.fromkeys((*group.stored, *others)))


def tapes(nodes: Iterable[Node]) -> list[Buffer]:
    """Return the rows of the tapes that nodes write, some of which are left."""
    return [buffer for node in nodes if type(node) is Repeat and node.tape is not None for buffer in node.tape.rows]


def changed_by(node: Node) -> Sequence[Buffer]:
    """Return what a node changes in place."""
    return [node.out] if isinstance(node, Scatter) else node.after if isinstance(node, (Repeat, Routine)) else ()


def whole(buffer: Buffer) -> BufferView:
    """Return the view that shows all of a buffer."""
    return BufferView(buffer, buffer.shape, buffer.strides)


def span(buffer: Buffer) -> tuple[int, int]:
    """Return between which bytes, from its first element on, the elements of a buffer lie."""
    if 0 in buffer.shape:
        return 0, 0
    ways = [(size - 1) * step * buffer.dtype.itemsize for size, step in zip(buffer.shape, buffer.strides)]
    return sum(way for way in ways if way < 0), sum(way for way in ways if way > 0) + buffer.dtype.itemsize


def fits(x: np.ndarray, buffer: Buffer) -> bool:
    """Return whether an array lies as a program has it."""
    steps = tuple(step // x.itemsize for step in x.strides)
    alike = all(size <= 1 or a == b for size, a, b in zip(x.shape, steps, buffer.strides))
    return x.shape == buffer.shape and x.dtype == buffer.dtype and (alike or not x.size)
