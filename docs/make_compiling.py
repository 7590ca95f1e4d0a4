"""Writes docs/compiling.md: softmax(x * 2 + 1) from equations to machine code. `python docs/make_compiling.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import lineal
from lineal.compiler.calling.program import Program
from lineal.compiler.capturing.trace import traced
from lineal.compiler.lowering.equations import Lowering
from lineal.compiler.nodes.buffers import BufferView
from lineal.compiler.nodes.node import Map, Reduce
from lineal.compiler.rewrites import rewritten
from lineal.compiler.scheduling.grouping import grouped
from lineal.compiler.scheduling.listing import Listing

PAGE = Path(__file__).with_name("compiling.md")
HEAD = """# From equations to machine code

What `compile` makes of `softmax(x * 2 + 1, 1)`, station by station, for x of 64 rows of 48 numbers. Each station is a folder of
`src/lineal/compiler`, and begins here with what it says of itself. `python docs/make_compiling.py` writes the page: all output
is real. A test runs it again, but for the machine code, which is that of a processor with AVX-512.
"""


def function(x: Any) -> Any:
    return lineal.softmax(x * 2 + 1, 1)


def equations(trace: Any) -> Iterator[str]:
    """The function ran once, and this is what it did. Rewrites find nothing to do here: no inverse, no loop."""
    yield from map(str, trace.equations)


def nodes(trace: Any) -> Iterator[str]:
    """Softmax is taken apart into maps, whose formulas are data, and reductions. What stands beside a name is its shape."""
    for node in Lowering(trace).nodes:
        if isinstance(node, Map):
            names = [str(x.buffer if x.number is None else x.number) for x in node.args if isinstance(x, BufferView)]
            yield f"{node.out}{list(node.space)} = {node.formula.text(*names)}"
        elif isinstance(node, Reduce):
            yield f"{node.out}{list(node.out.shape)} = {node.kind} of {node.arg.buffer} over {node.axes}"


def groups(trace: Any) -> Iterator[str]:
    """Nodes over the same space share a loop, and wait for what has to be complete."""
    for group in grouped(Lowering(trace).nodes):
        yield f"group {group.number} over {group.space}: {', '.join(str(node.writes[0]) for node in group.nodes)}"


def loops(trace: Any) -> Iterator[str]:
    """Groups that read each other's rows run row by row, while a row is in the cache. This is what `lineal.explain` prints."""
    yield from Listing(Program(rewritten(trace)).schedule).lines("")


def llvm(trace: Any) -> Iterator[str]:
    """The first loop within a row, for 16 numbers at once, as it is written for LLVM."""
    yield from block(Program(rewritten(trace)).llvm(), lambda line: "load <" in line, lambda line: line.endswith(":"), "br ")


def assembly(trace: Any) -> Iterator[str]:
    """The same loop as the processor runs it: product and sum are one instruction."""
    text = Program(rewritten(trace)).asm().replace("\t", "    ")
    yield from block(text, lambda line: "vfmadd" in line, lambda line: line.endswith(":"), "    j")


def calls(trace: Any) -> Iterator[str]:
    """The call is native from end to end if it is short; what must be so of its argument is checked in emitted code."""
    program = Program(rewritten(trace))
    (argument,) = program.arguments()[: len(trace.inputs)]
    yield f"argument: {argument.dtype}{list(argument.shape)}, {argument.steps} bytes apart"
    yield f"native from end to end: {not program.releases}"


def block(text: str, holds: Callable[[str], bool], begins: Callable[[str], bool], end: str) -> Iterator[str]:
    """Yield the first basic block of a text that has a line for which `holds` is true."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines = [line] if begins(line) else [*lines, line]
        if line.lstrip(" ").startswith(end.strip()) and any(map(holds, lines)):
            yield from lines
            return


STEPS: tuple[tuple[str, Callable[[Any], Iterator[str]], str], ...] = (
    ("capturing", equations, ""),
    ("lowering", nodes, ""),
    ("scheduling", groups, ""),
    ("scheduling", loops, ""),
    ("kernels", llvm, "llvm"),
    ("kernels", assembly, "asm"),
    ("calling", calls, ""),
)


def page() -> str:
    """Return the page."""
    trace = traced(function, [lineal.zeros(64, 48)], {})[1]
    parts, before = [HEAD], ""
    for station, step, language in STEPS:
        title, _, said = (import_module(f"lineal.compiler.{station}").__doc__ or "").partition("\n")
        if station != before:
            parts.append(f"## {title.rstrip('.')}\n\n{said.strip()}\n")
        parts.append(f"{step.__doc__}\n\n```{language}\n" + "\n".join(step(trace)) + "\n```\n")
        before = station
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
