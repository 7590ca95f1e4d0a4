"""Whole numbers that depend on sizes: what they were at each trial, and what function of the dynamic dimensions that is.

A model is traced at several sizes. Where two trials differ in a whole number (a shape, the end of a slice), a `Varying` stands
for it. It is computed with as with an int, trial by trial; what would come out differently at different trials, a comparison or
an index, raises. So nothing that depends on a size can stay in a file as a number.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.core import Op
from lineal.onnx.errors import OnnxExporterError
from lineal.ops.spatial.taps import Taps

__all__ = ["Varying", "merged", "numbers_of", "polynomial", "varying"]


def varying(numbers: Sequence[int]) -> Any:
    """Return whole numbers, one for each trial, as a `Varying`; as an int if they are all the same."""
    return numbers[0] if all(each == numbers[0] for each in numbers) else Varying(numbers)


def pointwise(operation: Callable[[int, int], int], reflected: bool = False) -> Callable[[Any, Any], Any]:
    """Return the method of an operator, which is applied trial by trial."""

    def method(self: Varying, other: Any) -> Any:
        if not isinstance(other, (int, Varying)):
            return NotImplemented
        pairs = zip(numbers_of(other, self), self.numbers) if reflected else zip(self.numbers, numbers_of(other, self))
        return varying([operation(a, b) for a, b in pairs])

    return method


def compared(operation: Callable[[int, int], bool]) -> Callable[[Any, Any], Any]:
    """Return the method of a comparison, which must be the same at all trials."""

    def method(self: Varying, other: Any) -> Any:
        if not isinstance(other, (int, Varying)):
            return NotImplemented
        answers = {operation(a, b) for a, b in zip(self.numbers, numbers_of(other, self))}
        if len(answers) > 1:
            raise OnnxExporterError(f"{self} and {other} compare differently at different sizes")
        return answers.pop()

    return method


class Varying:
    """A whole number that was another one at each trial."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Sequence[int]):
        self.numbers = tuple(map(int, numbers))

    def __repr__(self) -> str:
        return f"a number that depends on sizes ({', '.join(map(str, self.numbers))})"

    def __hash__(self) -> int:
        return hash(self.numbers)

    def __index__(self) -> int:
        raise OnnxExporterError(f"ONNX has a fixed number here, got {self}")

    def __bool__(self) -> bool:
        return self != 0

    def __neg__(self) -> Varying:
        return Varying([-each for each in self.numbers])

    __add__, __radd__ = pointwise(operator.add), pointwise(operator.add, True)
    __sub__, __rsub__ = pointwise(operator.sub), pointwise(operator.sub, True)
    __mul__, __rmul__ = pointwise(operator.mul), pointwise(operator.mul, True)
    __floordiv__, __rfloordiv__ = pointwise(operator.floordiv), pointwise(operator.floordiv, True)
    __mod__, __rmod__ = pointwise(operator.mod), pointwise(operator.mod, True)
    __eq__, __ne__ = compared(operator.eq), compared(operator.ne)  # type: ignore[assignment]
    __lt__, __le__, __gt__, __ge__ = (compared(each) for each in (operator.lt, operator.le, operator.gt, operator.ge))


def numbers_of(number: Any, like: Varying) -> tuple[int, ...]:
    """Return what a number is at each trial."""
    return number.numbers if isinstance(number, Varying) else (number,) * len(like.numbers)


def same(values: Sequence[Any]) -> bool:
    """Return whether values are all alike; nan is like nan, and 1 is not 1.0."""
    first = values[0]
    return all(each is first or (type(each) is type(first) and (each == first or repr(each) == repr(first))) for each in values)


def merged(values: Sequence[Any]) -> Any:
    """Return what stands for an attribute that had these values, one at each trial; OnnxExporterError if nothing does.

    Whole numbers that differ become a `Varying`, in nests and in ops too.
    """
    first = values[0]
    if same(values):
        return first
    if isinstance(first, Taps) and all(isinstance(each, Taps) and each.origin for each in values):
        return merged([each.origin for each in values])
    if isinstance(first, Op) and all(type(each) is type(first) for each in values):
        return merged_op(values)
    if isinstance(first, tuple) and all(type(each) is type(first) and len(each) == len(first) for each in values):
        parts = [merged(each) for each in zip(*values)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    if all(type(each) is int for each in values):
        return varying(values)
    raise OnnxExporterError(f"what is {first!r} at one size is {next(each for each in values if each != first)!r} at another")


def merged_op(ops: Sequence[Op]) -> Op:
    """Return one op that stands for what the trials had, with what differs in its attributes as a `Varying`."""
    first = ops[0]
    made = object.__new__(type(first))
    made.__dict__.update(first.__dict__)
    for field in first.fields:
        made.__dict__[field] = merged([getattr(each, field) for each in ops])
    return made


def polynomial(number: Varying, dimensions: np.ndarray) -> dict[tuple[int, ...], int] | None:
    """Return the polynomial in the dimensions, linear in each, that gives the number at every trial; None if there is none.

    `dimensions` are (trials, dimensions). The result maps the dimensions of a product to its whole coefficient.
    """
    count = dimensions.shape[1]
    terms = [(), *((n,) for n in range(count)), *itertools.combinations(range(count), 2)]
    table = [[math.prod(int(row[n]) for n in term) for term in terms] for row in dimensions]
    found = np.linalg.lstsq(np.array(table, float), np.array(number.numbers, float), rcond=None)[0]
    whole = [round(each) for each in found]
    if any(sum(a * b for a, b in zip(row, whole)) != wanted for row, wanted in zip(table, number.numbers)):
        return None
    return {term: each for term, each in zip(terms, whole) if each}
