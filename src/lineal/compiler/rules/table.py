"""The table of rules: for an op's class, the function that lowers it.

A rule takes the lowering, the op, the spec of its output (a list if there are several) and the windows of its inputs; it
returns the window that the output is (a tuple of them), or None if it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["RULES", "lowers"]

Rule = Callable[..., Any]
RULES: dict[type, Rule] = {}


def lowers(*classes: type) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of some classes of ops."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, function))
        return function

    return enter
