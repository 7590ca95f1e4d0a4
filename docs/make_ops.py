"""Writes docs/ops.md: what every op says of itself to those who read it, or why not. `python docs/make_ops.py`."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lineal
from lineal.base.spec import Spec
from lineal.compiler.lowering.rules import RULES as LOWERED
from lineal.compiler.lowering.rules.elementwise import HOST_ROWS
from lineal.compiler.lowering.rules.table import ALL, FLOATS, SIGNED, TERMS
from lineal.compiler.lowering.support import supported
from lineal.core import Effect, Op
from lineal.onnx.rules import OPERATORS, reason_of
from lineal.onnx.rules.elementwise import BY_LABEL, elementwise, missing_reason, refusal
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.elementwise.bessel import ModifiedBessel
from lineal.ops.elementwise.powers import Power
from lineal.ops.elementwise.special import Polygamma
from lineal.ops.elementwise.trigonometry import Spherical
from lineal.ops.pattern import Elementwise
from lineal.transforms.batching import RULES as BATCHED

PAGE = Path(__file__).with_name("ops.md")
DRAWS = "lineal.train.figures"
"""The module that has no ops, and needs a package which may not be there."""
TICK = "✓"
HEAD = """# Ops

Every op that passes the door, and what each reader of ops finds there: eager code its kernel, the backward pass its
derivative, `vmap` its batch rule, `compile` its lowering, `onnx.export` its operators. Where something is missing, the
reason stands in its place. The page is written by `python docs/make_ops.py` from the ops and the tables of rules; a test
keeps it true, and no cell silent.

* *device*: a tick where the kernel goes through the module of the arrays it is given, or why it takes NumPy's alone: then it
  computes on copies of other devices' arrays, and what it gives is brought back.
* *vjp*: a tick, or why there is none. Some inputs of an op may have none: indices, masks, numbers that change in steps.
* *batch*: the rule in `transforms/batching`. `pointwise` and `on_stacks` are the op itself on the batch, `axes_moved` the op
  with every axis moved up by one, `elementwise` the rows' rule; others are written for the op. An op without a rule is looped
  over the slices.
* *lowers*: the dtypes for which compiled functions have code, by the rule in `compiler/lowering/rules`, and where; all else is
  a host step: the op's eager kernel on the program's memory. *view* is another window on the same memory, for every dtype.
* *exports*: the operators of ONNX that `onnx.export` writes, by the rule in `onnx/rules`, or why there are none. Rows are
  written operation by operation, from their scalar expression.
"""
EXAMPLES = (Power(2.5), Polygamma(2), Spherical(1), ModifiedBessel(2, False))
"""One op of each family of rows that has attributes."""
FAMILIES = frozenset(map(type, EXAMPLES)) & LOWERED.keys()
"""Those with a rule of their own, which tells of which of them there is code."""


def derived(cls: type[Op]) -> Iterator[type[Op]]:
    """Yield the classes of the package below one."""
    for each in cls.__subclasses__():
        if each.__module__.startswith("lineal."):
            yield each
            yield from derived(each)


def everything() -> tuple[list[type[Op]], list[Elementwise]]:
    """Return the classes of ops that have a kernel, and the rows, in the order of their files."""
    for info in pkgutil.walk_packages(lineal.__path__, "lineal."):
        if not info.name.endswith(("__main__", "as_torch")) and info.name != DRAWS:
            importlib.import_module(info.name)
    classes = [cls for cls in set(derived(Op)) if not abstract(cls) and not issubclass(cls, Elementwise)]
    rows = [*EXAMPLES, *(each for each in gc.get_objects() if type(each) is Elementwise and home(each))]
    return sorted(classes, key=lambda cls: (cls.__module__, cls.key)), sorted(rows, key=lambda row: (home(row), row.key))


def abstract(cls: type[Op]) -> bool:
    """Return whether a class only holds what its subclasses share."""
    return any(
        getattr(getattr(cls, each, None), "__isabstractmethod__", False) for each in ("change", "places", "formula", "lying")
    ) or (cls.eager is Op.eager and cls.run in (Op.run, Effect.run))


def home(row: Elementwise) -> str:
    """Return the module that a row stands in, "" if it is not the package's."""
    module = row.scalar.__module__ if type(row) is Elementwise else type(row).__module__
    return module if module.startswith("lineal.") else ""


def place(module: str) -> str:
    """Return a module as the path of its file."""
    return module.removeprefix("lineal.").replace(".", "/") + ".py"


def dtypes(names: tuple[str, ...]) -> str:
    """Return dtypes in few words."""
    groups = {"float32, float64": FLOATS, "int8 to int64": SIGNED, "uint8": ("uint8",), "bool": ("bool",)}
    if set(names) == set(ALL):
        return "all"
    whole = [word for word, group in groups.items() if set(group) <= set(names)]
    rest = [name for name in names if not any(name in groups[word] for word in whole)]
    return ", ".join([*whole, *rest])


def eager(op: type[Op] | Elementwise) -> str:
    """Return whether there is a kernel."""
    cls = type(op) if isinstance(op, Elementwise) else op
    return TICK if cls.eager is not Op.eager or cls.run is not Op.run else ""


def device(op: type[Op] | Elementwise) -> str:
    """Return whether the kernel takes the arrays of any device, or why not."""
    return op.host_only or TICK


def vjp(op: type[Op] | Elementwise) -> str:
    """Return whether there is a derivative, or why not."""
    if op.no_vjp:
        return op.no_vjp
    if isinstance(op, Elementwise):
        return TICK if op.differentiable else "truth values" if op.result == "bool" else "whole numbers"
    return TICK if op.differentiable and (op.vjp is not Op.vjp or op.pull is not Op.pull) else ""


def batch(op: type[Op] | Elementwise) -> str:
    """Return the name of the batch rule, or why there is none."""
    rule = BATCHED[Elementwise] if isinstance(op, Elementwise) else BATCHED.get(op)
    return op.no_batch if rule is None else f"`{rule.__name__}`"


def lowers(op: type[Op] | Elementwise) -> str:
    """Return for which dtypes there is code, or why for none."""
    if isinstance(op, Elementwise) and type(op) not in FAMILIES:
        known = dtypes(written(op))
        return f"{TICK} {known}" if known else op.no_lowering or HOST_ROWS.get(op.label, "")
    if op.no_lowering:
        return op.no_lowering
    if op.aliasing is not None:
        return f"{TICK} view"
    cls = type(op) if isinstance(op, Elementwise) else op
    if cls not in LOWERED:
        return ""
    terms = TERMS[cls]
    return f"{TICK} {dtypes(terms.of)}{f'; {terms.where}' if terms.where else ''}"


def exports(op: type[Op] | Elementwise) -> str:
    """Return the operators of ONNX for an op, or why there are none."""
    cls = type(op) if isinstance(op, Elementwise) else op
    if cls in OPERATORS and cls is not Elementwise:
        return f"{TICK} {OPERATORS[cls]}"
    return missing_reason(op) or f"{TICK} {operators(op)}" if isinstance(op, Elementwise) else reason_of(cls)


class Noting(GraphWriter):
    """Takes down which operators are written, and needs no package for it."""

    def __init__(self):
        super().__init__(20, np.zeros((1, 0)))
        self.operators: dict[str, None] = {}

    def nodes_of(self, operator: str, inputs: Sequence[Any], count: int, **attributes: Any) -> tuple[str, ...]:
        self.operators[operator] = None
        return (operator,) * count

    def initializer(self, name: str, array: np.ndarray) -> str:
        return name

    def type_of(self, storage: Any) -> int:
        return 0


def operators(row: Elementwise) -> str:
    """Return the operators of ONNX for a row, of floating numbers if it takes them."""
    count = len(row.rules)
    storage = np.dtype(np.float32 if not refusal(row, (np.dtype(np.float32),) * count) or row.label in BY_LABEL else np.int64)
    graph, result = Noting(), np.dtype(bool) if row.result == "bool" else storage
    elementwise(graph, row, Spec((2,), result), *[Value(f"x{n}", (2,), storage) for n in range(count)])
    return ", ".join(graph.operators)


def written(row: Elementwise) -> tuple[str, ...]:
    """Return the dtypes for which a row has a kernel and can be written."""
    count = len(row.rules)
    return tuple(name for name in ALL if accepts(row, name) and supported(row, (np.dtype(name),) * count))


def accepts(row: Elementwise, name: str) -> bool:
    """Return whether a row's kernel takes numbers of a dtype."""
    ones = [np.ones(2, name) for _ in row.rules]
    try:
        with np.errstate(all="ignore"):
            row.kernel(*ones)
    except (TypeError, OverflowError):
        return False
    return True


def cells() -> Iterator[tuple[str, ...]]:
    """Yield for every op its key, its file, and what each reader finds."""
    classes, rows = everything()
    for op in (*classes, *rows):
        module = home(op) if isinstance(op, Elementwise) else op.__module__
        yield op.key, place(module), eager(op), device(op), vjp(op), batch(op), lowers(op), exports(op)


def page() -> str:
    """Return the page."""
    table: dict[str, list[tuple[str, ...]]] = {}
    for key, file, *found in cells():
        table.setdefault(file, []).append((f"`{key}`", *found))
    parts = [HEAD]
    for file, lines in sorted(table.items()):
        parts += [
            f"\n## `{file}`\n",
            "| op | eager | device | vjp | batch | lowers | exports |",
            "|---|---|---|---|---|---|---|",
        ]
        parts += [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*parts, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
