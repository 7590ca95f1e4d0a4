"""The table of export rules: for an op's class, the function that writes nodes of ONNX for it, or why there is none.

A rule gets the graph, the op, the spec of its output (a tuple if there are several) and the values of its inputs; shapes and
whole numbers may have a `Varying` in them. It returns the name of the output, or a tuple of them with None for those that the
file has not. It raises OnnxExporterError where ONNX cannot say it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.core import Op
from lineal.ops.pattern import Elementwise

__all__ = ["OPERATORS", "REASONS", "RULES", "Rule", "exports", "no_export", "reason_of", "rule_of"]

Rule = Callable[..., Any]
RULES: dict[type[Op], Rule] = {}
OPERATORS: dict[type[Op], str] = {}
"""The operators that a rule writes, in words."""
REASONS: dict[type[Op], str] = {}
FOLDERS = {
    "lineal.ops.linalg": "ONNX has no factorisations, inverses or spectra",
    "lineal.ops.fourier": "ONNX's operators take no complex numbers",
    "lineal.ops.random": "random numbers: no two runtimes draw the same",
    "lineal.models": "no rule so far",
    "lineal.compiler": "never met: only programs hold it",
}
"""Why ops of whole folders have no rule."""


def exports(*classes: type[Op], by: str = "") -> Callable[[Rule], Rule]:
    """Enter a function, which writes the operators `by`, as the export rule of classes; `Elementwise` stands for all rows."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, function))
        OPERATORS.update(dict.fromkeys(classes, by))
        return function

    return enter


def no_export(reason: str, *classes: type[Op]) -> None:
    """Enter why some classes of ops have no rule."""
    REASONS.update(dict.fromkeys(classes, reason))


def rule_of(op: Op) -> Rule | None:
    """Return the rule of an op, or None."""
    return RULES.get(type(op)) or (RULES[Elementwise] if isinstance(op, Elementwise) else None)


def reason_of(cls: type[Op]) -> str:
    """Return why a class of ops has no rule, "" if nothing says so."""
    return REASONS.get(cls) or next((why for folder, why in FOLDERS.items() if cls.__module__.startswith(folder)), "")
