"""What a page shows of a program: its kernels with their loops, and its memory over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.compiler.calling.program import Program
from lineal.compiler.nodes.node import Host
from lineal.compiler.scheduling.listing import Listing
from lineal.compiler.scheduling.residence import held

__all__ = ["program_data"]


def program_data(program: Program, part: str, kernels: Sequence[Any]) -> dict[str, Any]:
    """Return a program as data for JSON; `kernels` are what `profiler.kernels` tells of this part of it."""
    groups, listing = program.schedule.groups, Listing(program.schedule)
    shown = [
        {
            "name": each.name,
            "loops": "\n".join(listing.of(group)),
            "host": isinstance(group.nodes[0], Host),
            "microseconds": each.microseconds,
            "bytes": each.bytes,
            "operations": each.operations,
        }
        for group, each in zip(groups, kernels, strict=True)
    ]
    equations = [str(each) for each in program.trace.equations]
    return {"part": part, "kernels": shown, "equations": equations, "memory": held(program.schedule)}
