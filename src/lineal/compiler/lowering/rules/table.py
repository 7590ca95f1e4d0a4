"""The table of rules: for an op's class, the function that lowers it.

A rule takes the lowering, the op, the spec of its output (a list if there are several) and the views of its inputs; it
returns the view that the output is (a tuple of them), or None if it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["ALL", "FLOATS", "HALVES", "RULES", "SIGNED", "TERMS", "lowers"]

Rule = Callable[..., Any]
RULES: dict[type, Rule] = {}

FLOATS = ("float32", "float64")
HALVES = ("float16", "bfloat16")
SIGNED = ("int8", "int16", "int32", "int64")
ALL = (*FLOATS, *SIGNED, "uint8", "bool")
"""The dtypes that the code generator knows."""


class Terms(NamedTuple):
    """When a rule applies: to which dtypes of the first input (of what is made of nothing, the output), and where else.

    Half precisions are made wider for it, and the result rounded, unless it takes `narrow` numbers: it only moves them, or
    rounds itself.
    """

    of: tuple[str, ...]
    where: str
    narrow: bool


TERMS: dict[type, Terms] = {}


def lowers(*classes: type, of: tuple[str, ...] = ALL, where: str = "", narrow: bool = False) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of some classes of ops, and say when it applies; what else there is, the host does."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, function))
        TERMS.update(dict.fromkeys(classes, Terms(of, where, narrow)))
        return function

    return enter
