"""A program: a trace made native, with the call that runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lineal.codegen.arenas import LENT, shared
from lineal.codegen.batched.heap import give_back
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import RELEASE_ABOVE_NS, Argument, entry
from lineal.compiler.calling.direct import direct
from lineal.compiler.calling.general import Codes, Sketch
from lineal.compiler.calling.launch import REFUSED, Grads, Unmet, calling, failed, fitting, launching, refuse
from lineal.compiler.calling.memcheck import Checked, is_checking
from lineal.compiler.capturing.trace import Trace
from lineal.compiler.kernels.native import Segment
from lineal.compiler.lowering.lowered import lowered
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Host
from lineal.compiler.nodes.turns import Rolled
from lineal.compiler.rewrites import in_loops, rewritten
from lineal.compiler.scheduling.cost import operations
from lineal.compiler.scheduling.listing import Listing
from lineal.compiler.scheduling.residence import residence
from lineal.compiler.scheduling.schedule import Schedule
from lineal.core import AbstractTensor, lift
from lineal.core.apply import explain
from lineal.ops.layout import strided
from lineal.tracing import Var

__all__ = ["Program"]


LARGE_ARENA = 1 << 24
"""From how many bytes of an arena on freed memory is given back to the system."""
HOT, MOST_HOT = 2000, 8
"""After how many calls a short program that shares code gets one of its own, and how many of a kind do."""


def seen(var: Var, layout: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of a variable, and a layout's strides in bytes."""
    width = var.spec.storage.itemsize
    return tuple(var.spec.shape), tuple([step * width for step in layout])


class Program:
    """What runs instead of the function, for arguments like those of one call."""

    def __init__(self, trace: Trace, codes: Codes | None = None):
        self.trace = trace = in_loops(rewritten(trace))
        self.codes = codes
        """The code it shares with programs for other sizes, if it has none of its own."""
        self.hot = False
        """Whether it is called so often that it is to have code of its own."""
        self.waiting = False
        """Whether there is no code for it yet."""
        self.missed = 0
        """How often its expectations were in vain."""
        schedule = self.schedule
        self.captured = list(trace.captured.values())
        self.histories = [isinstance(x, AbstractTensor) and x.node is not None for x in (*trace.arguments, *self.captured)]
        """Which arguments and captured tensors have a history: what they have when a call is written may be another one."""
        self.made = [(buffer.shape, buffer.dtype) for buffer in schedule.results]
        self.seen = [None if layout is None else seen(var, layout) for var, layout in trace.laid()]
        """For results that do not lie in C order, how the arrays that are made are to be seen: shape and strides in bytes."""
        self.laid = [(place, each) for place, each in enumerate(self.seen[: len(trace.outputs)]) if each is not None]
        self.reserve(schedule.arena + 64)
        self.outside = schedule.outside()
        self.homes = schedule.homes()
        self.steps = [] if is_checking() else self.segments()
        self.native_alone = native = len(self.steps) == 1 and not any(isinstance(step, Host) for step in self.steps)
        """Whether it is a single native call."""
        self.run: Callable[..., Any] = Checked(self) if is_checking() else self.steps[0] if native else self.in_turn
        self.releases = not native or self.estimate() > RELEASE_ABOVE_NS
        leaves, wait = [leaf for leaf, _ in trace.grads], schedule.grads_wait
        count = len(trace.outputs)
        made = list(zip(self.made[count:], self.seen[count:]))
        self.grads = (Grads if codes is None else codes.grads_of)(leaves, made, not wait) if leaves else None
        if self.arenas is not None:
            self.run = self.arenas.lending(self.run, self.room)
        self.fits = fitting(self)
        self.launch = launching(self)
        if schedule.arena > LARGE_ARENA:
            # and what compiling took beside the arena
            give_back()

    # how it is made

    def reserve(self, nbytes: int) -> None:
        """Take an arena of so many bytes, or what lends one for each call, if they are many or code is shared."""
        self.room = nbytes
        self.arenas = shared() if self.codes is not None or (nbytes > LENT and not is_checking()) else None
        self.arena = np.empty(nbytes if self.arenas is None else 0, np.uint8)
        if nbytes > LARGE_ARENA:
            # what the traced call took would lie beside what compiling takes
            give_back()

    @cached_property
    def schedule(self) -> Schedule:
        """What is done, and where values lie; made again for whoever asks when it has been let go."""
        return Schedule(lowered(self.trace), self.codes is not None)

    def segments(self) -> list[Any]:
        """Return what is to be done in order: native entries, and nodes for the host."""
        steps: list[Any] = []
        native: list[Any] = []
        for group in self.schedule.groups:
            if isinstance(group.nodes[0], Host):
                # the first entry checks the arguments, so even an empty one comes before the host
                steps += [self.enter(native, ())] if native or not steps else []
                steps.append(group.nodes[0])
                native = []
            else:
                native.append(group)
        if native or self.schedule.moves or not steps:
            steps.append(self.enter(native, self.schedule.moves))
        return steps

    def enter(self, groups: list[Any], moves: Any) -> Callable[..., Any]:
        """Return the native entry of some groups."""
        given = (groups, self.outside, self.homes, moves, self.apart())
        if self.codes is not None:
            run = self.codes.enter(Sketch(*given), self.arguments(), self.estimate())
            self.waiting |= run is None
            return run or refuse
        segment = Segment(*given)
        self.native = segment
        library = segment.link()
        self.address = library["program"]
        return entry(self.arguments(), library, "program", lambda *given: REFUSED, estimated_ns=self.estimate(), name="program")

    def apart(self) -> list[tuple[list[Buffer], list[Buffer]]]:
        """Return buffers that are written and others, arguments or grads among either, that a caller could let share memory."""
        views, count = self.schedule.low.views, len(self.trace.inputs)
        given = [views[var].buffer for var in (*self.trace.inputs, *self.trace.captured)]
        lent = {given[count + place] for place, _ in self.trace.lent}
        others = [buffer for buffer in dict.fromkeys(given) if buffer.nbytes]
        free = [buffer for buffer in others if buffer in lent or buffer in given[:count]]
        written = [buffer for buffer in others if buffer in self.schedule.targets]
        return [
            ([buffer for buffer in written if buffer in free], others),
            ([buffer for buffer in written if buffer not in free], free),
        ]

    def arguments(self) -> list[Argument]:
        """Return what the native entry is to check of each argument."""
        written = self.schedule.targets
        found = []
        for x, buffer in zip((*self.trace.arguments, *self.captured), self.outside):
            steps = tuple(step * buffer.dtype.itemsize for step in buffer.strides)
            if isinstance(x, np.ndarray):
                found.append(Argument(buffer.dtype, buffer.shape, steps, buffer in written))
            else:
                found.append(Argument(buffer.dtype, buffer.shape, steps, buffer in written, type(x), layout.slot(x, x.value)))
        found += [Argument(np.dtype(np.float64), ()) for _ in self.trace.live]
        found += [Argument(dtype, shape, None, True) for shape, dtype in self.made]
        return [*found, Argument(np.dtype(np.uint8), (self.room,), None, True)]

    def estimate(self) -> float:
        """Return about how many nanoseconds a call takes."""
        nodes = [node for group in self.schedule.groups for node in group.nodes]
        moved = sum(buffer.nbytes for node in nodes for buffer in (*node.reads, *node.writes))
        return max(moved / 10, operations(nodes) / 30)

    # how it is called

    @cached_property
    def call(self) -> Callable[..., Any]:
        """The call on positional tensors, which returns the function's result or REFUSED; native if a call is short."""
        made = (
            None
            if self.releases or self.arenas is not None or self.schedule.grads_wait or any(self.seen)
            else direct(self, REFUSED, lambda status: failed(self.trace, status))
        )
        call = made or calling(self.fits, self.launch)
        return call if self.codes is None or self.releases else self.counted(call, self.codes)

    def counted(self, call: Callable[..., Any], codes: Codes) -> Callable[..., Any]:
        """Return `call`, which refuses once when it has been called so often that a program of its own, all native, pays."""
        calls = 0

        def counting(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == HOT and codes.hot < MOST_HOT:
                codes.hot += 1
                self.hot = True
                return REFUSED
            return call(*args)

        return counting

    def __call__(self, tensors: Sequence[AbstractTensor]) -> Any:
        """Run on arguments that are known to fit."""
        result = self.launch(tensors)
        if result is REFUSED:
            raise RuntimeError("compile: a captured tensor has changed its dtype, shape or layout")
        return result

    def in_turn(self, *given: Any) -> Any:
        """Run the native parts and the host's, one after the other."""
        *tensors, arena = given
        arrays = {buffer: getattr(x, "value", x) for buffer, x in zip(self.outside, tensors)}
        for step in self.steps:
            if isinstance(step, Host):
                self.host(step, arrays, arena)
                continue
            status = step(*given)
            if status is not None:
                return status
        return None

    def host(self, node: Host, arrays: dict[Buffer, np.ndarray], arena: np.ndarray) -> None:
        """Run one op of the host's on arrays over the program's memory; Unmet if it fails, or gives another shape.

        When an effect has been done, which a call of the function would do again, an error of the op is the caller's.
        """
        xs = tuple(lift(self.array(each, arrays, arena)) for each in node.args)
        try:
            with np.errstate(all="ignore"):
                made = node.op.run(xs)
        except Exception as error:
            if node.final:
                explain(node.op, xs, error)
                raise
            raise Unmet from error
        for buffer, value in zip(node.outs, made if isinstance(made, tuple) else (made,)):
            if value.shape != buffer.shape:
                if node.final:
                    raise RuntimeError(f"{node.op.key}: gave the shape {list(value.shape)}, before {list(buffer.shape)}")
                raise Unmet
            np.copyto(self.array(BufferView(buffer, buffer.shape, buffer.strides), arrays, arena), value)

    def array(self, view: BufferView, arrays: dict[Buffer, np.ndarray], arena: np.ndarray) -> np.ndarray:
        """Return a view as an array."""
        buffer = view.buffer
        if buffer.source == "literal":
            return np.broadcast_to(np.array(buffer.value, buffer.dtype), view.shape)
        owner, start = buffer, 0
        while isinstance(home := self.homes.get(owner), tuple):
            owner, start = home[0], start + home[1]
        size = buffer.dtype.itemsize
        offset, steps = start + view.offset * size, tuple(step * size for step in view.strides)
        if isinstance(home, int):
            return np.ndarray(view.shape, buffer.dtype, arena, home + offset, steps)
        memory = arrays[owner if home is None else home]
        if memory.dtype != buffer.dtype:
            # a block of packed arrays
            return np.ndarray(view.shape, buffer.dtype, memory, offset, steps)
        flat = strided(memory, (1 + offset // size,), (size,))[offset // size :]
        return strided(flat, view.shape, steps)

    def lighten(self) -> None:
        """Let go of what only the making of the program, or telling of it, needs: there may be a thousand for one code."""
        written = {id(x) for x, _ in self.trace.writes}
        for n, x in enumerate(self.trace.arguments):
            if n not in self.trace.bound and id(x) not in written:
                self.trace.arguments[n] = None  # type: ignore[call-overload]
        if self.native_alone:
            self.outside, self.homes = [], {}
        del self.schedule

    def explain(self, memory: bool = False) -> str:
        """Return the graph, the kernels and what they hold, the host steps, bytes, memory and arithmetic."""
        lines = [f"{self.trace.name}: {len(self.trace.equations)} equations"]
        for equation in self.trace.equations:
            lines.append(f"  {equation}")
            if isinstance(equation.op, Rolled):
                lines += [f"    {line}" for line in str(equation.op.turn).split("\n")]
        lines.append(f"as {len(self.schedule.nodes)} nodes in {len(self.schedule.groups)} groups")
        listing = Listing(self.schedule)
        lines += listing.lines()
        hosts = sum(isinstance(group.nodes[0], Host) for group in self.schedule.groups)
        moved = sum(buffer.nbytes for group in self.schedule.groups for buffer in (*group.external(), *group.stored))
        told = f"{moved:,} bytes moved, {self.schedule.arena:,} bytes of memory, {operations(self.schedule.nodes):,} operations"
        lines.append(f"{len(self.schedule.groups)} kernels, {hosts} host steps, {told}")
        if self.codes is not None:
            lines.append(f"one code for many sizes, compiled {self.codes.compilations} times for arguments of this kind")
        return "\n".join([*lines, *(residence(self.schedule, listing.names) if memory else ())])

    def host_steps(self) -> list[str]:
        """Return the names of the ops that the host computes; none are known of a program that keeps its code alone."""
        groups = self.schedule.groups if hasattr(self, "schedule") else ()
        return [str(group.nodes[0].label) for group in groups if isinstance(group.nodes[0], Host)]

    def llvm(self) -> str:
        """Return the LLVM code."""
        return self.native.text()

    def asm(self) -> str:
        """Return the processor's code as text."""
        return self.native.assembly()
