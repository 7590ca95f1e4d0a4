"""A program: a trace made native, with the call that runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.codegen import layout
from lineal.codegen.entry import Argument, entry
from lineal.compiler.native import Segment
from lineal.compiler.nodes import Base, Host, Window
from lineal.compiler.schedule import Schedule
from lineal.compiler.trace import Trace
from lineal.core import AbstractTensor, is_grad_enabled, lift
from lineal.core.op import next_id
from lineal.tracing import Var

__all__ = ["Program"]

_empty = np.empty


class Refused:
    """What the native entry returns for arguments that do not fit."""


REFUSED = Refused()


class Program:
    """What runs instead of the function, for arguments like those of one call."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.schedule = schedule = Schedule(trace)
        self.captured = list(trace.captured.values())
        self.live = [(holder, key, np.zeros(())) for holder, key in trace.live.values()]
        self.made = [(base.shape, base.dtype) for base in schedule.results]
        self.arena = np.empty(schedule.arena + 64, np.uint8)
        self.outside = self.bases_outside()
        self.homes = self.homes_inside()
        self.steps = self.segments()
        self.run: Callable[..., Any] = self.steps[0] if len(self.steps) == 1 and callable(self.steps[0]) else self.in_turn
        self.lock = threading.Lock()
        self.needs = [isinstance(x, AbstractTensor) and x.node is not None for x in trace.arguments]
        self.grad = is_grad_enabled()
        self.outputs = len(trace.outputs)
        self.touched = [x for x, _ in trace.writes]
        self.single = isinstance(trace.result, Var)

    # how it is made

    def bases_outside(self) -> list[Base]:
        """Return the bases whose addresses are the program's arguments: inputs, captured tensors, live numbers, results."""
        windows = self.schedule.low.windows
        given = [windows[var].base for var in (*self.trace.inputs, *self.trace.captured, *self.trace.live)]
        return [*given, *self.schedule.results]

    def homes_inside(self) -> dict[Base, int | Base]:
        """Return where the other bases lie."""
        homes: dict[Base, int | Base] = dict(self.schedule.offsets)
        moved = {base for base, _ in self.schedule.moves}
        homes.update((base, target) for base, target in self.schedule.written if base not in moved)
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
        written = {target for _, target in self.schedule.written}
        found = []
        for x, base in zip((*self.trace.arguments, *self.captured), self.outside):
            steps = tuple(step * base.dtype.itemsize for step in base.strides)
            if isinstance(x, np.ndarray):
                found.append(Argument(base.dtype, base.shape, steps, base in written))
            else:
                found.append(Argument(base.dtype, base.shape, steps, base in written, type(x), layout.slot(x, x.value)))
        found += [Argument(np.dtype(np.float64), ()) for _ in self.live]
        found += [Argument(dtype, shape, None, True) for shape, dtype in self.made]
        return [*found, Argument(np.dtype(np.uint8), self.arena.shape, None, True)]

    def estimate(self) -> float:
        """Return about how many nanoseconds a call takes."""
        return sum(base.nbytes for group in self.schedule.groups for node in group.nodes for base in (*node.reads, *node.writes)) / 10

    # how it is called

    def attempt(self, args: tuple) -> tuple[bool, Any]:
        """Run on these arguments if they are what the program is for; return whether they were, and the result."""
        return self.launch(args) if self.fits(args) else (False, None)

    def fits(self, args: tuple) -> bool:
        """Return whether everything is as it was, except what the native entry checks."""
        needs = self.needs
        if len(args) != len(needs) or self.grad is not is_grad_enabled():
            return False
        for x, needed in zip(args, needs):
            if not isinstance(x, AbstractTensor) or (x.node is not None) is not needed:
                return False
        return self.trace.holds()

    def __call__(self, args: tuple, kwargs: dict) -> Any:
        """Run on arguments that are known to fit."""
        found, result = self.launch([x for x in tree.leaves((args, kwargs)) if isinstance(x, AbstractTensor)])
        if not found:
            raise RuntimeError("compile: a captured tensor has changed its dtype, shape or layout")
        return result

    def launch(self, tensors: Any) -> tuple[bool, Any]:
        """Run the code; return whether it took the arguments, and the result."""
        numbers = []
        for holder, key, place in self.live:
            place[()] = holder[key]
            numbers.append(place)
        results = [_empty(shape, dtype) for shape, dtype in self.made]
        alone = self.lock.acquire(False)
        try:
            arena = self.arena if alone else np.empty_like(self.arena)
            status = self.run(*tensors, *self.captured, *numbers, *results, arena)
        finally:
            if alone:
                self.lock.release()
        if status is not None:
            if status is REFUSED:
                return False, None
            raise IndexError(f"{self.trace.name}: an index is out of range for the axis it selects from")
        return True, self.finish(results)

    def finish(self, results: list[np.ndarray]) -> Any:
        """Put grads where they belong, note what was written, and return the function's result."""
        if self.touched:
            now = next_id()
            for x in self.touched:
                if x.memory is not None:
                    x.memory.version += 1
                    x.memory.written = now
        count = self.outputs
        for (leaf, _), grad in zip(self.trace.grads, results[count:]):
            leaf.grad = lift(grad)  # type: ignore[attr-defined]
        if self.single:
            return lift(results[0])
        made = iter(results)
        return tree.transform(lambda each: lift(next(made)) if isinstance(each, Var) else each, self.trace.result)

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
        memory, start = (arena, home) if isinstance(home, int) else (arrays[base if home is None else home], 0)
        size = base.dtype.itemsize
        steps = tuple(step * size for step in window.strides)
        if memory is arena:
            return np.ndarray(window.shape, base.dtype, arena, start + window.offset * size, steps)
        flat = np.lib.stride_tricks.as_strided(memory, (1 + window.offset,), (size,))[window.offset :]
        return np.lib.stride_tricks.as_strided(flat, window.shape, steps)

    def explain(self) -> str:
        """Return the graph, the kernels and what they hold, the host steps, bytes and memory."""
        lines = [f"{self.trace.name}: {len(self.trace.equations)} equations, {len(self.schedule.nodes)} nodes"]
        hosts = 0
        for group in self.schedule.groups:
            labels = ", ".join(node.label for node in group.nodes)  # type: ignore[attr-defined]
            hosts += isinstance(group.nodes[0], Host)
            kind = "host step" if isinstance(group.nodes[0], Host) else "loop" if group.space is not None else "product"
            lines.append(f"  {kind} {list(group.space or group.nodes[0].writes[0].shape)}: {labels}")
        moved = sum(base.nbytes for group in self.schedule.groups for base in (*group.external(), *group.stored))
        lines.append(f"{len(self.schedule.groups)} kernels, {hosts} host steps, {moved:,} bytes moved, {self.schedule.arena:,} bytes of memory")
        return "\n".join(lines)

    def llvm(self) -> str:
        """Return the LLVM code."""
        return "\n".join(each.text() for each in (*self.native.modules.values(), self.native.driver))
