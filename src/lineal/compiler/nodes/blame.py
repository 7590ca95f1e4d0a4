"""Blame: an error while a program is made says which equation it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from lineal.compiler.nodes.node import Node

__all__ = ["Blaming", "reason"]


class Blaming:
    """A context in which an error is blamed on an equation, or on those of some nodes, unless it is already."""

    def __init__(self, culprits: Any):
        self.culprits = culprits

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not hasattr(error, "culprits"):
            error.culprits = self.culprits  # type: ignore[attr-defined]


def reason(error: Exception) -> str:
    """Return an error in words, with the equation it is blamed on."""
    culprits = getattr(error, "culprits", ())
    if isinstance(culprits, Sequence):
        culprits = next((each.equation for each in culprits if isinstance(each, Node) and each.equation is not None), None)
    said = f"{type(error).__name__}: {error}"
    return said if culprits is None else f"{culprits}: {said}"
