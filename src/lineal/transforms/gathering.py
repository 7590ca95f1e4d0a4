"""Results of slices that were computed one by one, put together: what shares memory in each slice does in the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lineal.core import Op
from lineal.ops.structural.stacking import stack
from lineal.transforms.batching import rule_of

__all__ = ["Gathered"]


class Gathered:
    """The batches of results, of which a column has that of each slice; `lines` are arguments with their slices."""

    def __init__(self, lines: Sequence[tuple[Any, Sequence[Any]]], columns: Sequence[Sequence[Any]]):
        self.lines = lines
        self.shared = Counter(map(names_of, columns))
        """How many results have the same memory."""
        self.stacked: dict[tuple[int, ...], Any] = {}

    def __call__(self, column: Sequence[Any]) -> Any:
        """Return a batch: an argument, or a view of it or of what other results see too, or a new stack."""
        for batch, slices in self.lines:
            found = viewed(batch, slices, column)
            if found is not None:
                return found
        names = names_of(column)
        if self.shared[names] < 2:
            return stack(column)
        bases = [base_of(y) for y in column]
        if names not in self.stacked:
            self.stacked[names] = stack(bases)
        found = viewed(self.stacked[names], bases, column)
        return stack(column) if found is None else found


def base_of(y: Any) -> Any:
    """Return the tensor of which this one is a view, or itself."""
    origin = getattr(y, "origin", None)
    return y if origin is None or origin.tracked is not True else origin.base


def path_of(y: Any) -> tuple[Op, ...]:
    """Return the views that lead from a tensor's base to it."""
    return () if base_of(y) is y else y.origin.path


def names_of(column: Sequence[Any]) -> tuple[int, ...]:
    """Return what the memory of a column is told by."""
    return tuple([id(base_of(y)) for y in column])


def viewed(batch: Any, slices: Sequence[Any], results: Sequence[Any]) -> Any:
    """Return the batch, or the view of it, if the results are its slices, or one view of each of them; else None."""
    steps: set[tuple[Op, ...]] = set()
    for x, y in zip(slices, results):
        before, after = path_of(x), path_of(y)
        if base_of(y) is not base_of(x) or after[: len(before)] != before:
            return None
        steps.add(after[len(before) :])
    if len(steps) != 1:
        return None
    for op in steps.pop():
        rule = rule_of(op)
        batch = NotImplemented if rule is None else rule(op, len(slices), (True,), batch)
        if batch is NotImplemented:
            return None
    return batch
