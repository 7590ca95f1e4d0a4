"""Functions of lists of tensors that are one native loop: those in place, of operations that IEEE arithmetic rounds once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.core import AbstractTensor, modes
from lineal.core.together import done_together

Formula = Callable[..., Any]

FORMULAS: dict[str, Formula] = {
    "add_": lambda m, x, y, alpha: x + y * alpha,
    "sub_": lambda m, x, y, alpha: x - y * alpha,
    "mul_": lambda m, x, y: x * y,
    "div_": lambda m, x, y: m.true_divide(x, y),
    "clamp_min_": lambda m, x, y: m.maximum(y, x),
    "clamp_max_": lambda m, x, y: m.minimum(y, x),
    "addcmul_": lambda m, x, y, z, value: x + y * z * value,
    "addcdiv_": lambda m, x, y, z, value: x + m.true_divide(y, z) * value,
    "lerp_": lambda m, x, y, w: m.where(m.abs(w) < 0.5, x + w * (y - x), y - (y - x) * (1 - w)),
    "copy_": lambda m, x, y: y,
    "zero_": lambda m, x, zero: zero,
    "sqrt_": lambda m, x: m.sqrt(x),
    "neg_": lambda m, x: -x,
    "abs_": lambda m, x: m.abs(x),
}
LAST: dict[str, tuple[str, float]] = {
    "add_": ("alpha", 1),
    "sub_": ("alpha", 1),
    "addcmul_": ("value", 1),
    "addcdiv_": ("value", 1),
    "zero_": ("", 0),
}
"""The methods whose last operand has a name, and what it is if it is not given."""
EXACT = 1 << 53
"""Up to where whole numbers are floats."""


def done(method: str, tensors: Sequence[Any], given: Sequence[Any], named: dict[str, Any]) -> bool:
    """Do what an in-place method does to each of the tensors by one native loop; return whether that is done."""
    count = len(tensors)
    operands = operands_of(method, given, named) if count else None
    if operands is None or tensors[0].value.dtype.char not in "fd" or not all(fits(each, count) for each in operands):
        return False
    are_tensors = tuple([is_list_of_tensors(each) for each in operands])
    lists = [list(each) for each, those in zip((tensors, *operands), (True, *are_tensors)) if those]
    numbers: Any = [each for each, those in zip(operands, are_tensors) if not those]
    if any(isinstance(each, (list, tuple)) for each in numbers):
        rows = [each if isinstance(each, (list, tuple)) else [each] * count for each in numbers]
        numbers = np.array(list(zip(*rows)), np.float64)
    if modes.grad_enabled.get() and any(has_history(each) for listed in lists for each in listed):
        return False
    with modes.Setting((modes.grad_enabled, False)):
        return done_together(method, arranged(method, are_tensors), lists, numbers, 1, exact=True)


def operands_of(method: str, given: Sequence[Any], named: dict[str, Any]) -> list[Any] | None:
    """Return the operands of a method besides the tensor; None if it has other ones than its formula."""
    if method not in FORMULAS:
        return None
    name, value = LAST.get(method, (None, 0))
    places = FORMULAS[method].__code__.co_argcount - 2
    if not named.keys() <= {name} or (named and len(given) == places):
        return None
    last = [] if name is None or len(given) == places else [named.get(name, value)]
    operands = [*given, *last]
    return operands if len(operands) == places else None


def has_history(x: AbstractTensor) -> bool:
    """Return whether a write to x, or of it, would have to be remembered, or may have to be."""
    return x.node is not None or x.origin is not None


def fits(operand: Any, count: int) -> bool:
    """Return whether an operand is a number, or as many tensors or numbers as there are rows."""
    if not isinstance(operand, (list, tuple)):
        return is_number(operand)
    return len(operand) == count and (is_list_of_tensors(operand) or all(is_number(each) for each in operand))


def is_list_of_tensors(operand: Any) -> bool:
    return isinstance(operand, (list, tuple)) and all(issubclass(each, AbstractTensor) for each in set(map(type, operand)))


def is_number(operand: Any) -> bool:
    """Return whether an operand is a number that is the same as a float."""
    return operand.__class__ is float or (operand.__class__ is int and abs(operand) <= EXACT)


@functools.cache
def arranged(method: str, are_tensors: tuple[bool, ...]) -> Formula:
    """Return the formula of a method as one of tensors and then of numbers, by which of its operands are tensors."""
    formula = FORMULAS[method]

    def turned(m: Any, x: Any, *given: Any) -> tuple:
        tensors, numbers = iter(given[: sum(are_tensors)]), iter(given[sum(are_tensors) :])
        return (formula(m, x, *[next(tensors if those else numbers) for those in are_tensors]),)

    return turned
