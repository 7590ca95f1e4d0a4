"""A program: a trace made native, with the call that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.codegen import layout
from lineal.codegen.entry import RELEASE_ABOVE_NS, Argument, entry
from lineal.compiler.cost import operations
from lineal.compiler.launch import REFUSED, fitting, launching
from lineal.compiler.native import Home, Segment
from lineal.compiler.nodes import Base, Host, Join, Window
from lineal.compiler.schedule import Schedule
from lineal.compiler.trace import Trace
from lineal.core import AbstractTensor, lift

__all__ = ["Program"]


class Program:
    """What runs instead of the function, for arguments like those of one call."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.schedule = schedule = Schedule(trace)
        self.captured = list(trace.captured.values())
        self.made = [(base.shape, base.dtype) for base in schedule.results]
        self.arena = np.empty(schedule.arena + 64, np.uint8)
        self.outside = self.bases_outside()
        self.homes = self.homes_inside()
        self.steps = self.segments()
        native = len(self.steps) == 1 and not any(isinstance(step, Host) for step in self.steps)
        self.run: Callable[..., Any] = self.steps[0] if native else self.in_turn
        self.releases = not native or self.estimate() > RELEASE_ABOVE_NS
        self.fits = fitting(self)
        self.launch = launching(self)

    # how it is made

    def bases_outside(self) -> list[Base]:
        """Return the bases whose addresses are the program's arguments: inputs, captured tensors, live numbers, results."""
        windows = self.schedule.low.windows
        given = [windows[var].base for var in (*self.trace.inputs, *self.trace.captured, *self.trace.live)]
        return [*given, *self.schedule.results]

    def homes_inside(self) -> dict[Base, Home]:
        """Return where the other bases lie."""
        homes: dict[Base, Home] = dict(self.schedule.offsets)
        moved = {base for base, _ in self.schedule.moves}
        homes.update((base, target) for base, target in self.schedule.written if base not in moved)
        for node in self.schedule.nodes:
            for base in node.writes:
                if base.inside is not None:
                    homes[base] = (base.root, base.inside.offset * base.dtype.itemsize)
        return homes

    def segments(self) -> list[Any]:
        """Return what is to be done in order: native entries, and nodes for the host."""
        steps: list[Any] = []
        native: list[Any] = []
        for group in self.schedule.groups:
            if isinstance(group.nodes[0], Host):
                steps += [self.enter(native, ())] if native else []
                steps.append(group.nodes[0])
                native = []
            else:
                native.append(group)
        if native or self.schedule.moves or not steps:
            steps.append(self.enter(native, self.schedule.moves))
        return steps

    def enter(self, groups: list[Any], moves: Any) -> Callable[..., Any]:
        """Return the native entry of some groups."""
        segment = Segment(groups, self.outside, self.homes, moves)
        self.native = segment
        library = segment.link()
        return entry(self.arguments(), library, "program", lambda *given: REFUSED, estimated_ns=self.estimate(), name="program")

    def arguments(self) -> list[Argument]:
        """Return what the native entry is to check of each argument."""
        written = self.schedule.targets
        found = []
        for x, base in zip((*self.trace.arguments, *self.captured), self.outside):
            steps = tuple(step * base.dtype.itemsize for step in base.strides)
            if isinstance(x, np.ndarray):
                found.append(Argument(base.dtype, base.shape, steps, base in written))
            else:
                found.append(Argument(base.dtype, base.shape, steps, base in written, type(x), layout.slot(x, x.value)))
        found += [Argument(np.dtype(np.float64), ()) for _ in self.trace.live]
        found += [Argument(dtype, shape, None, True) for shape, dtype in self.made]
        return [*found, Argument(np.dtype(np.uint8), self.arena.shape, None, True)]

    def estimate(self) -> float:
        """Return about how many nanoseconds a call takes."""
        nodes = [node for group in self.schedule.groups for node in group.nodes]
        return sum(base.nbytes for node in nodes for base in (*node.reads, *node.writes)) / 10

    # how it is called

    def __call__(self, args: tuple, kwargs: dict) -> Any:
        """Run on arguments that are known to fit."""
        result = self.launch([x for x in tree.leaves((args, kwargs)) if isinstance(x, AbstractTensor)])
        if result is REFUSED:
            raise RuntimeError("compile: a captured tensor has changed its dtype, shape or layout")
        return result

    def in_turn(self, *given: Any) -> Any:
        """Run the native parts and the host's, one after the other."""
        *tensors, arena = given
        arrays = {base: getattr(x, "value", x) for base, x in zip(self.outside, tensors)}
        for step in self.steps:
            if isinstance(step, Host):
                self.host(step, arrays, arena)
                continue
            status = step(*given)
            if status is not None:
                return status
        return None

    def host(self, node: Host, arrays: dict[Base, np.ndarray], arena: np.ndarray) -> None:
        """Run one op of the host's on arrays over the program's memory."""
        with np.errstate(all="ignore"):
            made = node.op.run(tuple(lift(self.array(each, arrays, arena)) for each in node.args))
        for base, value in zip(node.outs, made if isinstance(made, tuple) else (made,)):
            np.copyto(self.array(Window(base, base.shape, base.strides), arrays, arena), value)

    def array(self, window: Window, arrays: dict[Base, np.ndarray], arena: np.ndarray) -> np.ndarray:
        """Return a window as an array."""
        base = window.base
        if base.source == "literal":
            return np.broadcast_to(np.array(base.value, base.dtype), window.shape)
        home = self.homes.get(base)
        if isinstance(home, tuple):
            offset = window.offset + home[1] // base.dtype.itemsize
            return self.array(Window(home[0], window.shape, window.strides, offset), arrays, arena)
        memory, start = (arena, home) if isinstance(home, int) else (arrays[base if home is None else home], 0)
        size = base.dtype.itemsize
        steps = tuple(step * size for step in window.strides)
        if memory is arena:
            return np.ndarray(window.shape, base.dtype, arena, start + window.offset * size, steps)
        flat = np.lib.stride_tricks.as_strided(memory, (1 + window.offset,), (size,))[window.offset :]
        return np.lib.stride_tricks.as_strided(flat, window.shape, steps)

    def explain(self) -> str:
        """Return the graph, the kernels and what they hold, the host steps, bytes, memory and arithmetic."""
        lines = [f"{self.trace.name}: {len(self.trace.equations)} equations"]
        lines += [f"  {equation}" for equation in self.trace.equations]
        lines.append(f"as {len(self.schedule.nodes)} nodes in {len(self.schedule.groups)} groups")
        hosts = 0
        for group in self.schedule.groups:
            labels = ", ".join(node.label for node in group.nodes)  # type: ignore[attr-defined]
            hosts += isinstance(group.nodes[0], Host)
            if isinstance(group.nodes[0], Join):
                continue
            kind = "host step" if isinstance(group.nodes[0], Host) else "loop" if group.space is not None else "product"
            lines.append(f"  {kind} {list(group.space or group.nodes[0].writes[0].shape)}: {labels}")
        moved = sum(base.nbytes for group in self.schedule.groups for base in (*group.external(), *group.stored))
        memory = (
            f"{moved:,} bytes moved, {self.schedule.arena:,} bytes of memory, {operations(self.schedule.nodes):,} operations"
        )
        lines.append(f"{len(self.schedule.groups)} kernels, {hosts} host steps, {memory}")
        return "\n".join(lines)

    def llvm(self) -> str:
        """Return the LLVM code."""
        return self.native.text()

    def asm(self) -> str:
        """Return the processor's code as text."""
        return self.native.assembly()
