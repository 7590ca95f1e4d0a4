"""Kernels: the functions of groups, each written once for all groups that compute the same."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from lineal.codegen.emit import Emitter
from lineal.codegen.target import host
from lineal.compiler.kernels.convolutions import write_convolution
from lineal.compiler.kernels.draws import write_draw
from lineal.compiler.kernels.loops import write_loop
from lineal.compiler.kernels.products import write_product
from lineal.compiler.kernels.routines import write_routine
from lineal.compiler.kernels.rowloops import write_rows
from lineal.compiler.kernels.runs import write_runs
from lineal.compiler.kernels.scans import write_scan
from lineal.compiler.kernels.scatter import write_scatter
from lineal.compiler.nodes.node import Convolve, Draw, Node, Product, Routine, Runs, Scan, Scatter
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.rows import Rows
from lineal.compiler.scheduling.signature import signature

__all__ = ["Kernels"]

STEM = "loop"
Found = TypeVar("Found")


class Kernels:
    """The modules of the functions that a program calls, by the functions' names."""

    def __init__(self) -> None:
        self.modules: dict[str, Emitter] = {}

    def add(self, group: Group | Rows) -> tuple[str, bool]:
        """Write the function of a group; return its name and whether it returns a status."""
        found = kept((signature(group), host()), lambda: written(group))
        self.modules.setdefault(found.name, found.e)
        return found.name, found.status


class Written(NamedTuple):
    """The function of a group: its name, the module it is in, whether it returns a status."""

    name: str
    e: Emitter
    status: bool


def written(group: Group | Rows) -> Written:
    """Write the function of a group; its name tells its text."""
    e = Emitter()
    status = writer_of(group)(e, group, STEM)
    name = f"{STEM}_{hashlib.sha256(e.text().encode()).hexdigest()[:16]}"
    e.functions = [each.replace(f"@{STEM}", f"@{name}") for each in e.functions]
    return Written(name, e, status)


WRITERS: dict[type[Node], Callable[[Emitter, Any, str], bool]] = {
    Product: write_product, Convolve: write_convolution, Scatter: write_scatter, Runs: write_runs, Draw: write_draw,
    Scan: write_scan, Routine: write_routine,
}  # fmt: skip

MOST = 512
"""How many modules are kept."""
MODULES: OrderedDict[Any, Any] = OrderedDict()


def kept(key: tuple, make: Callable[[], Found]) -> Found:
    """Return what was made for a group's signature, the first of `key`, or make it."""
    found = MODULES.get(key)
    if found is None:
        found = MODULES[key] = make()
        if len(MODULES) > MOST:
            MODULES.popitem(last=False)
    return found


def writer_of(group: Group | Rows) -> Callable[[Emitter, Any, str], bool]:
    """Return what writes the function of a group."""
    if isinstance(group, Rows):
        return write_rows
    return WRITERS.get(type(group.nodes[0]), write_loop)
