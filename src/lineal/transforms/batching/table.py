"""The table of batch rules: for an op's class, the function that does to a batch what the op does to one example.

A rule gets the op, the batch size, for each input whether it has the batch dimension (which stands first), and the inputs; it
returns the batch of outputs, or NotImplemented where it does not know: then the op is looped over the slices, as ops without a
rule are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.core import Op
from lineal.ops.pattern import Elementwise

__all__ = ["RULES", "Rule", "batches", "rule_of"]

Rule = Callable[..., Any]
RULES: dict[type[Op], Rule] = {}


def batches(*classes: type[Op]) -> Callable[[Rule], Rule]:
    """Enter a function as the batch rule of some classes of ops; that of `Elementwise` is every row's."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, function))
        return function

    return enter


def rule_of(op: Op) -> Rule | None:
    """Return the rule of an op, or None."""
    return RULES.get(type(op)) or (RULES[Elementwise] if isinstance(op, Elementwise) else None)
