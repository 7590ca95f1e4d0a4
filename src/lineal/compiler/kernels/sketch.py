"""Sketches: segments of programs whose numbers stand apart from their text, so that other sizes may share it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lineal.codegen import choice
from lineal.codegen.kinds import int32, pointer
from lineal.codegen.template import SLOT, Template, TemplateEmitter
from lineal.codegen.values import Value
from lineal.compiler.kernels.modules import STEM, kept, writer_of
from lineal.compiler.kernels.native import Segment
from lineal.compiler.kernels.partials import Partials
from lineal.compiler.kernels.products import form_of, work, write_product
from lineal.compiler.nodes.node import Product, Reduce, Repeat
from lineal.compiler.scheduling.cost import WORTH_THREADS, nanoseconds
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.rows import Rows
from lineal.compiler.scheduling.signature import signature

__all__ = ["Module", "Sketch", "Tabled"]


@dataclass
class Module:
    """A module with its numbers apart; `names` are the places of those that are known by a name."""

    template: Template
    numbers: np.ndarray
    declared: dict[str, str]
    names: dict[str, list[int]]
    status: bool = False

    @classmethod
    def of(cls, e: Any, status: bool = False) -> Module:
        """Return what an emitter has written."""
        return cls(e.template(), np.array(e.numbers, np.int64), e.declared, e.names, status)

    def renumbered(self, numbers: dict[str, int]) -> Module:
        """Return the module with other numbers for the names."""
        made = self.numbers.copy()
        for name, places in self.names.items():
            made[places] = numbers[name]
        return replace(self, numbers=made)


FORMS: dict[Any, Module] = {}
"""The modules of products, by what their code depends on."""
MOST_FORMS = 256


class Tabled(Segment):
    """A segment whose numbers are loaded: its function is given where what it works on lies, and a table of numbers."""

    @contextmanager
    def entered(self) -> Iterator[tuple[Sequence[Value], Value]]:
        e = self.driver
        parameters = [("addresses", pointer), ("numbers", pointer)]
        with e.function("program", parameters, int32, bare=True) as (addresses, numbers):
            e.open(numbers)  # type: ignore[attr-defined]
            *given, arena = (e.load(e.offset(addresses, n * SLOT), pointer) for n in range(len(self.buffers) + 1))
            yield given, arena


class Sketch(Tabled):
    """A segment whose numbers are apart: `templates` are its modules, the driver last; `numbers` those of all, in order."""

    def __init__(self, groups: Sequence[Group], *given: Any):
        self.sites: list[Module] = []
        self.spread = any(map(worth_threads, groups))
        super().__init__(groups, *given)
        modules = [*self.sites, Module.of(self.driver)]
        self.templates = [each.template for each in modules]
        self.numbers = np.concatenate([each.numbers for each in modules])
        self.symbols = self.bound(modules)

    def emitter(self) -> TemplateEmitter:
        return TemplateEmitter(spread=self.spread)

    def written(self, group: Group) -> tuple[str, bool]:
        module = self.product(group) if isinstance(group.nodes[0], Product) else None
        if module is None:
            module = kept((signature(group), self.spread, self.driver.target), lambda: self.module(group))
        self.sites.append(module)
        return f"site{len(self.sites) - 1}_", module.status

    def module(self, group: Group) -> Module:
        """Write the module of a group."""
        e = self.emitter()
        return Module.of(e, writer_of(group)(e, group, STEM))

    def product(self, group: Group) -> Module | None:
        """Return the module of a product with these very numbers, whose form may be known; None if it has no form."""
        (node,) = group.nodes
        assert isinstance(node, Product)
        form = form_of(self.driver, node)
        if form is None:
            return None
        key = (form, self.spread, self.driver.target, node.a.buffer is node.b.buffer)
        if key not in FORMS:
            e = self.emitter()
            write_product(e, group, STEM)
            if len(FORMS) >= MOST_FORMS:
                FORMS.clear()
            FORMS[key] = Module.of(e)
        return FORMS[key].renumbered(form.numbers)

    def invoke(self, call: tuple[str, bool], given: Sequence[Value]) -> None:
        place = int(call[0][len("site") : -1])
        first = sum(len(each.numbers) for each in self.sites[:place])
        (numbers,) = self.driver.passed()
        section = self.driver.new(f"getelementptr i64, ptr {numbers.text}, i64 {first}", pointer)
        super().invoke(call, [*given, section])

    @property
    def key(self) -> Any:
        """What two segments have in common that differ in numbers alone."""
        return tuple(self.templates), tuple(sorted(self.symbols.items()))


def worth_threads(group: Group | Rows) -> bool:
    """Return whether a group's loops may be worth several threads, or sums in chunks."""
    node = group.nodes[0]
    if isinstance(node, Repeat):
        return any(worth_threads(each) for schedule in node.schedules for each in schedule.groups)
    if isinstance(node, Product):
        return work(node) * int(np.prod(node.out.shape[:-2], dtype=object)) >= choice.MOST_WRITTEN
    groups = group.groups if isinstance(group, Rows) else [group]
    total = sum(int(np.prod(each.space or (), dtype=object)) for each in groups)
    reduces = [node for node in group.nodes if isinstance(node, Reduce)]
    return sum(map(nanoseconds, groups)) >= WORTH_THREADS or Partials.count(reduces, total) > 1
