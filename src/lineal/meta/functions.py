"""NumPy's functions as they act on arrays without numbers: what shape and dtype each gives.

Functions that look into memory are NumPy's own. For element-by-element functions, reductions, products and what makes or joins
arrays there are rules. Any other function is computed on zeros, for the shape of what it gives, unless numbers decide on that.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from lineal.base.layouts import iterated, operands_of
from lineal.meta.arrays import MetaArray, filled, outline, refuse
from lineal.meta.rules import BY_NUMBERS, LOOKING, REDUCTIONS, RULES, bare, reduced

__all__ = ["functions"]


class Functions:
    """The functions of NumPy's, or of one of its modules."""

    def __init__(self, module: ModuleType):
        self.module = module

    def __getattr__(self, name: str) -> Any:
        if name == "ndarray":
            return MetaArray
        found = getattr(self.module, name)
        if isinstance(found, ModuleType):
            return Functions(found)
        if isinstance(found, type) or not callable(found):
            return found
        return acting(found)


functions = Functions(np)


class Universal:
    """A ufunc, with its methods."""

    def __init__(self, function: np.ufunc):
        self.function = function
        self.nin, self.nout, self.__name__ = function.nin, function.nout, function.__name__

    def __call__(self, *given: Any, out: Any = None, **named: Any) -> Any:
        made = broadcasting(self.function, *given, **named)
        return made if out is None else out

    def reduce(self, x: MetaArray, axis: Any = 0, *given: Any, **named: Any) -> Any:
        """Return the shape that a reduction leaves."""
        return reduced(self.function.reduce, x, axis, *given, **named)

    def accumulate(self, x: MetaArray, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        """Return an array of the same shape."""
        return outline(x.shape, self.function.accumulate(bare(x), dtype=dtype).dtype) if out is None else out

    def at(self, x: MetaArray, *given: Any) -> None:
        """Do nothing: there is no memory."""


def broadcasting(function: Any, *given: Any, **named: Any) -> Any:
    """Return what a function of elements makes of arrays and numbers: their common shape, and the dtype that NumPy finds."""
    if not any(isinstance(each, MetaArray) for each in given):
        return outlined(function(*given, **named))
    arrays: list[Any] = [each for each in given if isinstance(each, (MetaArray, np.ndarray))]
    shape = np.broadcast_shapes(*[each.shape for each in arrays])
    strides = iterated(shape, operands_of(arrays))
    found = function(*map(bare, given), **named)
    made = [outline(shape, each.dtype, strides=strides) for each in (found if isinstance(found, tuple) else (found,))]
    return tuple(made) if isinstance(found, tuple) else made[0]


def acting(function: Any) -> Any:
    """Return a function of NumPy's as it acts on arrays without numbers."""
    if function in RULES:
        return RULES[function]
    if isinstance(function, np.ufunc) and function.signature is None:
        return Universal(function)
    if function in REDUCTIONS:
        return functools.partial(reduced, function)
    if function in LOOKING:
        return functools.partial(looking, function)
    return functools.partial(refused if function in BY_NUMBERS else computed, function)


def looking(function: Any, x: Any, *given: Any, **named: Any) -> Any:
    """Return what NumPy's own function makes of memory without reading it: views, or what is known without numbers."""
    if not isinstance(x, MetaArray):
        return outlined(function(x, *given, **named))
    found = function(x.held, *[each.held if isinstance(each, MetaArray) else each for each in given], **named)
    if isinstance(found, (list, tuple)):
        return type(found)([x.looked(each) if isinstance(each, np.ndarray) else each for each in found])
    return x.looked(found) if isinstance(found, np.ndarray) else found


def refused(function: Any, *given: Any, **named: Any) -> Any:
    """Refuse a function whose result has a shape that numbers decide on."""
    refuse(function.__name__)


def computed(function: Any, *given: Any, **named: Any) -> Any:
    """Return the shapes of what a function makes of zeros."""
    named = {name: filled(each) for name, each in named.items() if name != "out"}
    given = tuple([each.function if isinstance(each, Universal) else filled(each) for each in given])
    with np.errstate(all="ignore"):
        return outlined(function(*given, **named))


def outlined(found: Any) -> Any:
    """Return the shapes and dtypes of what NumPy has given; what is no array stays as it is."""
    if isinstance(found, (np.ndarray, np.generic)):
        return outline(found.shape, found.dtype)
    if isinstance(found, (list, tuple)):
        made: Sequence[Any] = [outlined(each) for each in found]
        return type(found)(*made) if hasattr(found, "_fields") else type(found)(made)
    return found
