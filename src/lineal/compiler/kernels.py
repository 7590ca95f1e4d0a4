"""Kernels: the functions of groups, each written once for all groups that compute the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from lineal.codegen.emit import Emitter
from lineal.compiler.draws import write_draw
from lineal.compiler.grouping import Group
from lineal.compiler.loops import write_loop
from lineal.compiler.nodes import Draw, Product, Routine, Scan, Scatter
from lineal.compiler.products import write_product
from lineal.compiler.routines import write_routine
from lineal.compiler.rowloops import write_rows
from lineal.compiler.rows import Rows
from lineal.compiler.scans import write_scan
from lineal.compiler.scatter import write_scatter

__all__ = ["Kernels"]

STEM = "loop"


class Kernels:
    """The modules of the functions that a program calls, by the functions' names."""

    def __init__(self) -> None:
        self.modules: dict[str, Emitter] = {}

    def add(self, group: Group | Rows) -> tuple[str, bool]:
        """Write the function of a group; return its name and whether it returns a status."""
        e = Emitter()
        status = writer_of(group)(e, group, STEM)
        name = f"{STEM}_{hashlib.sha256(e.text().encode()).hexdigest()[:16]}"
        e.functions = [each.replace(f"@{STEM}", f"@{name}") for each in e.functions]
        self.modules.setdefault(name, e)
        return name, status


def writer_of(group: Group | Rows) -> Callable[[Emitter, Any, str], bool]:
    """Return what writes the function of a group."""
    if isinstance(group, Rows):
        return write_rows
    kinds = {Product: write_product, Scatter: write_scatter, Draw: write_draw, Scan: write_scan, Routine: write_routine}
    return kinds.get(type(group.nodes[0]), write_loop)
