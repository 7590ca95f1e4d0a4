"""The front of public functions: what a call means that Python or the function's first lines refuse.

Nothing here runs unless a call has failed, so that a good one pays for one Python frame. The functions that take less than a
few microseconds, views above all, do without: they name `axis` among their arguments and raise `no_tensor` themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from lineal.base import later
from lineal.base.platforms import FOREIGN
from lineal.core.op import AbstractTensor

overriding: Any = later.module("lineal.overrides")

P = ParamSpec("P")
R = TypeVar("R")

# PyTorch's parser takes these of NumPy's names for its own
NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}

READ_FROM_TENSORS = frozenset(("value", "shape", "dtype", "ndim", "node", "device"))
"""What functions read from their tensors first, and other things do not have."""


NO_NUMBER = ("could not convert string to float", "invalid literal for int()", "complex() arg is a malformed string")
"""How Python begins to say that a word is no number."""


class Recallable:
    """The public functions, whose calls may be recalled (`core/recalling.py`) once `begin` was called."""

    def __init__(self) -> None:
        self.fronts: list[tuple[Callable[..., Any], Callable[[Any], None]]] = []
        self.make: Callable[[Callable[..., Any]], Any] | None = None

    def add(self, function: Callable[..., Any], replace: Callable[[Any], None]) -> None:
        """Add a function, and what lets another callable do its work, unless autocast's does."""
        self.fronts.append((function, replace))
        if self.make is not None:
            replace(self.make(function))

    def begin(self, make: Callable[[Callable[..., Any]], Any]) -> None:
        """Let `make` make what does their work, also of functions that are added later."""
        self.make = make
        for function, replace in self.fronts:
            replace(make(function))


recallable = Recallable()


def is_index(given: Any) -> bool:
    """Return whether something counts or names a dimension; True and False do not."""
    if isinstance(given, (bool, np.bool_)) or not hasattr(given, "__index__"):
        return False
    return not isinstance(given, AbstractTensor) or given.value.size == 1


def is_number(given: Any) -> bool:
    """Return whether something is a number, or a tensor of one."""
    if isinstance(given, (AbstractTensor, np.ndarray)):
        return given.size == 1 if isinstance(given, np.ndarray) else given.value.size == 1
    return isinstance(given, (int, float, complex, np.generic))


def are(each_is: Callable[[Any], bool], given: Any) -> bool:
    """Return whether something is a sequence of what `each_is` takes; what can be gone through only once may be."""
    if isinstance(given, (str, dict)) or not hasattr(given, "__iter__"):
        return False
    return not isinstance(given, (tuple, list)) or all(map(each_is, given))


def is_tensor(given: Any) -> bool:
    """Return whether something is a tensor."""
    return isinstance(given, AbstractTensor)


TYPES: dict[str, Callable[[Any], bool]] = {
    "AbstractTensor": is_tensor,
    "Tensor": is_tensor,
    "None": lambda given: given is None,
    "int": is_index,
    "bool": lambda given: isinstance(given, (bool, int, np.bool_)),
    "float": is_number,
    "Number": is_number,
    "str": lambda given: isinstance(given, str),
    "Dims": lambda given: is_index(given) or are(is_index, given),
    "Sizes": lambda given: is_index(given) or given is None or are(is_index, given),
    "Sequence[int]": lambda given: are(is_index, given),
    "Sequence[Tensor]": lambda given: are(is_tensor, given),
}
"""Whether an argument is what a word of its annotation says, which is looked at after a call has failed."""

WORDS = {
    "AbstractTensor": "Tensor",
    "Dims": "tuple of ints",
    "Sizes": "tuple of ints",
    "Sequence[int]": "tuple of ints",
    "Sequence[Tensor]": "tuple of Tensors",
}
"""What annotations are called in errors, where PyTorch calls them otherwise."""

NOT_TENSORS = (type(None), bool, int, float, complex, str, list, tuple, dict)


def public(function: Callable[P, R]) -> Callable[P, R]:
    """Let `function` take NumPy's names for its arguments, and raise TypeError that names the argument that is no tensor.

    `front.replace(other)` lets another function do the work from then on: autocast's, once there is one.
    """
    inner = function

    def front(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return inner(*args, **kwargs)
        except (AttributeError, IndexError, TypeError, ValueError, RuntimeError) as error:
            if overrides(*args, *kwargs.values()):
                return overriding.first(front, args, kwargs)
            kwargs = understood(function, args, kwargs, error)
        return inner(*args, **kwargs)

    def replace(other: Callable[P, R]) -> None:
        nonlocal inner
        inner = other

    front.__name__, front.__qualname__, front.__doc__ = function.__name__, function.__qualname__, function.__doc__
    front.__module__, front.__annotations__ = function.__module__, function.__annotations__

    def recall(other: Callable[P, R]) -> None:
        nonlocal inner
        inner = other if inner is function else inner

    front.__wrapped__, front.replace = function, replace
    recallable.add(function, recall)
    return front


def overrides(*given: Any) -> bool:
    """Return whether an argument is of a class that says by `__torch_function__` what functions do with it.

    Of tensors only those without an array are meant, sparse ones: a function that was looked up before there were any does not
    ask them before it computes.
    """
    inner = [one for each in given for one in (each if isinstance(each, (list, tuple)) else (each,))]
    asking = [one for one in inner if hasattr(type(one), "__torch_function__")]
    return any(not isinstance(one, AbstractTensor) or is_outline(one.value) for one in asking)


def is_outline(value: Any) -> bool:
    """Return whether what stands for a tensor's array has no numbers."""
    return type(value).__array_ufunc__ is None and type(value) not in FOREIGN


def titled(name: str, error: IndexError) -> IndexError:
    """Return the error for a dimension out of range by the name of the function that was called, which others may serve."""
    other, _, rest = str(error).partition(": ")
    return IndexError(f"{name}: {rest}") if rest.startswith("Dimension out of range") and other != name else error


def understood(function: Any, args: tuple, kwargs: dict[str, Any], error: Exception) -> Any:
    """Return the keyword arguments by PyTorch's names, if NumPy's were what failed; otherwise raise what is to be told."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    named = {}
    for name, given in kwargs.items():
        meant = NUMPY_NAMES.get(name)
        named[name if name in known or meant not in known[len(args) :] or meant in kwargs else meant] = given
    if named.keys() != kwargs.keys():
        return named
    bound = dict(zip(known[: code.co_argcount], args)) | kwargs
    for number, (argument, given) in enumerate(bound.items(), 1):
        place = number if number <= len(args) else None
        wanted = misfit(function.__annotations__.get(argument, ""), given)
        if wanted is not None:
            raise wrong_type(function.__name__, given, argument, place, wanted) from None
        if isinstance(given, str) and str(error).startswith(NO_NUMBER):
            raise wrong_type(function.__name__, given, argument, place, "a number") from None
    if isinstance(error, AttributeError):
        raise refusal(function, error, bound) from None
    if isinstance(error, IndexError):
        raise titled(function.__name__, error) from None
    raise error


def misfit(annotation: Any, given: Any) -> str | None:
    """Return what an argument should be, if it is none of what its annotation says; None where that is not sure."""
    words = annotation.split(" | ") if isinstance(annotation, str) else []
    if not words or any(word not in TYPES or TYPES[word](given) for word in words):
        return None
    return " or ".join(WORDS.get(word, word) for word in words if word != "None")


def wrong_type(name: str, given: Any, argument: str, place: int | None, wanted: str) -> TypeError:
    """Return the error for an argument of a type that a function does not take; it has no place if it was given by name."""
    where = "" if place is None else f" (position {place})"
    return TypeError(f"{name}(): argument '{argument}'{where} must be {wanted}, not {type(given).__name__}")


def no_tensor(name: str, given: Any, argument: str = "input", place: int = 1) -> TypeError:
    """Return the error for an argument that should be a tensor."""
    return wrong_type(name, given, argument, place, "Tensor")


def refusal(function: Any, error: AttributeError, given: dict[str, Any]) -> Exception:
    """Return the TypeError for the argument, among those `given`, that has not what tensors have; `error` if it is another."""
    culprit, name = error.obj, function.__name__
    kind = type(culprit).__name__
    for place, (argument, value) in enumerate(given.items(), 1):
        if value is culprit:
            return no_tensor(name, value, argument, place)
        if isinstance(value, (list, tuple)) and any(each is culprit for each in value):
            return TypeError(f"{name}(): argument '{argument}' (position {place}) must be of Tensors, but holds {kind}")
    told = error.name in READ_FROM_TENSORS or isinstance(culprit, NOT_TENSORS)
    return TypeError(f"{name}(): expected a Tensor, got {kind}") if told else error


def older_form(function: Any, factors: tuple[str, ...], args: tuple, options: dict[str, Any]) -> Any:
    """Return what `function` gives for PyTorch's oldest order of arguments: numbers before the tensors that they scale.

    `addcmul(x, 2, a, b)` is `addcmul(x, a, b, value=2)`, and `addmm(2, x, 3, A, B)` is `addmm(x, A, B, beta=2, alpha=3)`.
    """
    tensors = [each for each in args if isinstance(each, AbstractTensor)]
    numbers = [each for each in args if isinstance(each, (int, float, complex))]
    count, name = getattr(function, "__wrapped__", function).__code__.co_argcount, function.__name__
    fits = len(tensors) == count and 0 < len(numbers) <= len(factors) and len(args) == count + len(numbers)
    if not fits or args[-1] is not tensors[-1]:
        raise TypeError(f"{name}() takes {count} positional arguments but {len(args)} were given")
    given = ", ".join(f"{factor}={number}" for factor, number in zip(factors, numbers))
    warnings.warn(f"{name}: numbers before tensors are deprecated: give {given} by name", stacklevel=4)
    return function(*tensors, **options, **dict(zip(factors, numbers)))
