"""How long each kernel of a compiled function takes: its program, run loop by loop."""

from __future__ import annotations

import copy
from math import inf
from time import perf_counter_ns
from typing import Any, NamedTuple

from lineal.base import notebook, tree
from lineal.base.errors import UnsupportedError
from lineal.compiler.calling.derivative import DifferentiableProgram
from lineal.compiler.calling.function import CompiledFunction, signature
from lineal.compiler.calling.launch import Unmet, launching
from lineal.compiler.calling.program import Program
from lineal.compiler.nodes.node import Host
from lineal.compiler.scheduling.cost import operations
from lineal.compiler.scheduling.grouping import Group
from lineal.core import AbstractTensor, Op, gradients
from lineal.ops import ones_like
from lineal.profiler.table import cut, line, memory, microseconds, share
from lineal.tensors import Tensor
from lineal.testing.doctor import State

__all__ = ["Kernel", "KernelList", "kernels"]

NAME = 56
"""How wide a kernel's name is shown."""


class Kernel(NamedTuple):
    """A loop of a program, or a step of the host's: what it does, its time for one call, bytes moved, operations."""

    name: str
    part: str
    """"forward" or "backward"."""
    microseconds: float
    bytes: int
    operations: int


class KernelList(list[Kernel]):
    """The kernels of a program in their order; printed, a table."""

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the table, its header first."""
        whole = sum(each.microseconds for each in self)
        rows: list[tuple[str, ...]] = [("Kernel", "Part", "Time", "Time %", "Bytes", "GB/s", "GFLOP/s")]
        for each in self:
            rate = each.microseconds * 1e3 or 1.0
            shown = f"{each.bytes / rate:.1f}", f"{each.operations / rate:.1f}"
            times = microseconds(each.microseconds), share(each.microseconds, whole)
            rows.append((cut(each.name, NAME), each.part, *times, memory(each.bytes), *shown))
        return rows

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join(line(list(row), widths) for row in rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header, *rows = self.rows()
        return notebook.table(header, rows)


class Timed(Program):
    """A copy of a program that runs loop by loop, and keeps the least nanoseconds that each takes."""

    def __init__(self, program: Program):
        if program.codes is not None or not hasattr(program, "schedule"):
            raise UnsupportedError(
                "kernels: the program shares its code with others for other sizes; compile the function anew"
            )
        self.__dict__.update(copy.copy(program).__dict__)
        groups = self.schedule.groups
        self.steps = [each.nodes[0] if isinstance(each.nodes[0], Host) else self.enter([each], ()) for each in groups]
        self.steps.append(self.enter([], self.schedule.moves))
        if isinstance(self.steps[0], Host):
            self.steps.insert(0, self.enter([], ()))
        self.least = [inf] * len(self.steps)
        self.run, self.releases = self.in_turn, True
        self.launch = launching(self)

    def in_turn(self, *given: Any) -> Any:
        """Run the steps one after the other."""
        *tensors, arena = given
        arrays = {buffer: getattr(x, "value", x) for buffer, x in zip(self.outside, tensors)}
        for place, step in enumerate(self.steps):
            start = perf_counter_ns()
            status = self.host(step, arrays, arena) if isinstance(step, Host) else step(*given)
            self.least[place] = min(self.least[place], perf_counter_ns() - start)
            if status is not None:
                return status
        return None

    def told(self, part: str) -> list[Kernel]:
        """Return the kernels with the least of their times."""
        groups = self.schedule.groups
        times = self.least[len(self.least) - 1 - len(groups) : -1]
        return [kernel(group, part, time / 1e3) for group, time in zip(groups, times)]


def kernel(group: Group, part: str, time: float) -> Kernel:
    """Return what is known of the kernel of a group."""
    labels = ", ".join(dict.fromkeys(str(getattr(each, "label", type(each).__name__)) for each in group.nodes))
    moved = sum(buffer.nbytes for buffer in dict.fromkeys((*group.external(), *group.stored)))
    return Kernel(labels, part, time, moved, operations(group.nodes))


def kernels(function: CompiledFunction, *args: Any, rounds: int = 20) -> KernelList:
    """Return the kernels of a compiled function's program for these arguments, each with its least time, bytes and operations.

    The function must have been compiled for such arguments: call it before, three times. What calls write is put back. A result
    with a history is gone back through, too. TypeError for what is not compiled, RuntimeError where there is no program.
    """
    if not isinstance(function, CompiledFunction):
        raise TypeError(f"kernels: expected a compiled function, got {type(function).__name__}")
    tensors = [x for x in tree.leaves(args) if isinstance(x, AbstractTensor)]
    program = function.candidate(signature(args, {}), tensors, (), [])
    if program is None:
        why = f"it runs eagerly: {function.eager}" if function.eager else "call it with them, three times, before"
        raise RuntimeError(f"kernels: there is no program for these arguments; {why}")
    state = State([*tensors, *program.trace.captured.values()])
    try:
        return run(program, tensors, rounds, state)
    except Unmet:
        raise RuntimeError("kernels: the program does not hold for these numbers; call the function with them before") from None
    finally:
        state.restore()


def run(program: Program | DifferentiableProgram, tensors: list[Any], rounds: int, state: State) -> KernelList:
    """Run a program, and its backward pass if it has one, loop by loop."""
    if isinstance(program, Program):
        timed = Timed(program)
        for _ in range(rounds):
            timed.launch(tensors)
            state.restore()
        return KernelList(timed.told("forward"))
    ahead, back = Timed(program.ahead), Timed(program.back)
    with Exchanged(program.op, ahead=ahead, back=back):
        for _ in range(rounds):
            go_back(program, tensors)
            state.restore()
    return KernelList([*ahead.told("forward"), *back.told("backward")])


def go_back(program: DifferentiableProgram, tensors: list[Any]) -> None:
    """Run a program and go back through its result."""
    ys = [y for y in tree.leaves(program.launch(tensors)) if isinstance(y, Tensor) and y.node is not None]
    leaves = [x for x in (*tensors, *program.trace.captured.values()) if x.node is not None]
    if ys and leaves:
        gradients(ys, leaves, [ones_like(y) for y in ys], allow_unused=True)


class Exchanged:
    """A context in which attributes of an op are others."""

    def __init__(self, op: Op, **others: Any):
        self.op, self.others = op, others

    def __enter__(self) -> None:
        self.before = {name: self.op.__dict__[name] for name in self.others}
        self.op.__dict__.update(self.others)

    def __exit__(self, *exception: object) -> None:
        self.op.__dict__.update(self.before)
