"""What programs call for sizes that PyTorch's tracers have as symbols, and to check them: here sizes are Python's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lineal.base.errors import UnsupportedError
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor

__all__ = [
    "SymBool",
    "SymFloat",
    "SymInt",
    "sym_float",
    "sym_int",
    "sym_ite",
    "sym_max",
    "sym_min",
    "sym_not",
    "sym_sqrt",
    "sym_sum",
]

T = TypeVar("T")
Message = Callable[[], str] | None


class Symbol:
    """The kind of a size that is not known yet: nothing is of it."""

    def __init__(self, node: Any):
        raise UnsupportedError(f"{type(self).__name__}: sizes are never symbols in lineal, but Python's numbers")


class SymInt(Symbol):
    """The kind of whole symbols."""


class SymFloat(Symbol):
    """The kind of real symbols."""


class SymBool(Symbol):
    """The kind of truth values that are symbols."""


def sym_int(a: float) -> int:
    """Return a number without its fraction."""
    return math.trunc(a)


def sym_float(a: float) -> float:
    """Return a number as a float."""
    return float(a)


def sym_max(a: Any, b: Any) -> Any:
    """Return the larger of two numbers, a float if one of them is."""
    return float(max(a, b)) if float in (type(a), type(b)) else max(a, b)


def sym_min(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers, a float if one of them is."""
    return float(min(a, b)) if float in (type(a), type(b)) else min(a, b)


def sym_not(a: Any) -> bool:
    """Return whether something is false."""
    return not a


def sym_ite(b: bool, t: T, f: T) -> T:
    """Return `t` if `b`, else `f`."""
    return t if b else f


def sym_sqrt(a: float) -> float:
    """Return the square root of a number."""
    return math.sqrt(a)


def sym_sum(args: Sequence[Any]) -> Any:
    """Return the sum of numbers."""
    return sum(args)


def _check_with(error_type: type[Exception], cond: bool, message: Message = None) -> None:
    """Raise an error of this type, with what `message` returns, unless the condition holds."""
    if not isinstance(cond, bool):
        advice = "; use torch._check_tensor_all() to see that all elements are true" if isinstance(cond, AbstractTensor) else ""
        raise TypeError(f"_check: cond must be a bool, got {type(cond).__name__}{advice}")
    if cond:
        return
    if message is not None and not callable(message):
        raise TypeError(f"_check: message must be a callable, got {type(message).__name__}")
    raise error_type("Expected cond to be True, but got False." if message is None else str(message()))


def _check(cond: bool, message: Message = None) -> None:
    """Raise a RuntimeError unless the condition holds."""
    _check_with(RuntimeError, cond, message)


def _check_index(cond: bool, message: Message = None) -> None:
    """Raise an IndexError unless the condition holds."""
    _check_with(IndexError, cond, message)


def _check_value(cond: bool, message: Message = None) -> None:
    """Raise a ValueError unless the condition holds."""
    _check_with(ValueError, cond, message)


def _check_type(cond: bool, message: Message = None) -> None:
    """Raise a TypeError unless the condition holds."""
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond: bool, message: Message = None) -> None:
    """Raise a NotImplementedError unless the condition holds."""
    _check_with(NotImplementedError, cond, message)


def _check_is_size(i: int, message: Message = None, *, max: int | None = None) -> None:
    """Raise a RuntimeError unless a number can be a size, of at most `max`."""
    _check(i >= 0 and (max is None or i <= max), message)


def _check_tensor_all_with(error_type: type[Exception], cond: Tensor, message: Message = None) -> None:
    """Raise an error of this type unless all elements of a bool tensor are true."""
    _check_with(error_type, bool(cond.all()), message)


def _check_tensor_all(cond: Tensor, message: Message = None) -> None:
    """Raise a RuntimeError unless all elements of a bool tensor are true."""
    _check_tensor_all_with(RuntimeError, cond, message)


def _assert_async(input: Tensor, assert_msg: str = "Expected Tensor with single nonzero value, but got zero") -> None:
    """Raise a RuntimeError with the message if the one number of a tensor is zero."""
    if not isinstance(input, AbstractTensor):
        raise TypeError(f"_assert_async(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    _check(bool(input), lambda: assert_msg)
