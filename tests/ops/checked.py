"""A second array module: NumPy behind arrays that NumPy itself cannot read, so that a kernel which names NumPy fails loudly.

(array-api-strict knows the array API alone; kernels use NumPy's fuller surface: `out=`, `reduce`, strides, writes.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lineal.base.platforms import FOREIGN, PLATFORMS, UNUSUAL, Platform, native_address, native_function, register

__all__ = ["PLATFORM", "Array", "registered", "xp"]


class Array:
    """An array of the second module; every attribute is NumPy's, of what it holds, and every array it gives is one of these."""

    __slots__ = ("held",)
    __array_ufunc__ = None

    def __init__(self, value: Any):
        self.held = value

    def __array__(self, *given: Any, **named: Any) -> Any:
        raise TypeError("an array of another module is not to become one of NumPy's")

    def __array_function__(self, function: Any, *given: Any) -> Any:
        raise TypeError(f"np.{function.__name__} was given an array of another module")

    def __array_namespace__(self, api_version: Any = None) -> Any:
        return xp

    def diagonal(self, *given: Any) -> Array:
        """Return a view that may be written, as CuPy does and NumPy some day will."""
        y = self.held.diagonal(*given)
        y.flags.writeable = self.held.flags.writeable
        return Array(y)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # `__array_interface__` and its kin, by which NumPy would read the memory
            raise AttributeError(name)
        return outside(getattr(self.held, name))

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value) if name == "held" else setattr(self.held, name, inside(value))

    def __setitem__(self, items: Any, value: Any) -> None:
        self.held[inside(items)] = inside(value)

    def __iter__(self) -> Iterator[Array]:
        return iter([Array(np.asarray(each)) for each in self.held])

    def __repr__(self) -> str:
        return f"checked({self.held!r})"


def operated(name: str) -> Callable[..., Any]:
    """Return the method of one of Python's operators."""
    function = getattr(np.ndarray, name)

    def method(self: Array, *others: Any) -> Any:
        made = function(self.held, *map(inside, others))
        # in place it is the same array
        return self if made is self.held else outside(made)

    return method


BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift divmod"
OPERATORS = [f"__{way}{each}__" for each in BINARY.split() for way in ("", "r", "i") if (way, each) != ("i", "divmod")]
OPERATORS += [f"__{each}__" for each in "neg pos abs invert lt le eq ne gt ge getitem".split()]
for each in OPERATORS:
    setattr(Array, each, operated(each))
for each in "bool int float complex len index".split():
    setattr(Array, f"__{each}__", operated(f"__{each}__"))


class Function:
    """A function of NumPy's, or a ufunc with its methods, or a method of an array."""

    def __init__(self, function: Any):
        self.function = function

    def __call__(self, *given: Any, **named: Any) -> Any:
        if self.function in ENTRANCES and isinstance(given[0], np.ndarray):
            return Array(np.array(self.function(*given, **named)))
        found = self.function(*map(inside, given), **{name: inside(value) for name, value in named.items()})
        out = named.get("out")
        return out if isinstance(out, Array) else outside(found)

    def __getattr__(self, name: str) -> Any:
        return outside(getattr(self.function, name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.function is other.function

    def __hash__(self) -> int:
        return hash(self.function)


ENTRANCES = (np.array, np.asarray)
"""The functions that bring arrays of NumPy's over."""


class Grid:
    """`ogrid` and its kin, which are indexed by slices."""

    def __init__(self, grid: Any):
        self.grid = grid

    def __getitem__(self, items: Any) -> Any:
        return outside(self.grid[items])


class Module:
    """NumPy's functions, or those of one of its modules, for arrays of this module."""

    def __init__(self, module: Any):
        self.module = module

    def __getattr__(self, name: str) -> Any:
        if name == "ndarray":
            return Array
        found = getattr(self.module, name)
        if type(found) is type(np.ogrid):
            return Grid(found)
        return Module(found) if type(found) is type(np) else outside(found)


def inside(given: Any) -> Any:
    """Return what NumPy is given for an argument; TypeError for an array that is not of this module."""
    if isinstance(given, (Array, Function)):
        return given.held if isinstance(given, Array) else given.function
    if isinstance(given, np.ndarray):
        raise TypeError("an array of NumPy's was given to another module")
    if isinstance(given, (list, tuple)):
        return type(given)([inside(each) for each in given])
    return given


def outside(found: Any) -> Any:
    """Return what NumPy has: its arrays and scalars as arrays of this module, its functions as functions of them."""
    if isinstance(found, (np.ndarray, np.generic)):
        return Array(np.asarray(found))
    if isinstance(found, (list, tuple)):
        made = [outside(each) for each in found]
        return type(found)(*made) if hasattr(found, "_fields") else type(found)(made)
    return Function(found) if callable(found) and not isinstance(found, type) else found


xp: Any = Module(np)


def copied(target: Any, source: Any) -> None:
    """Put the numbers of an array into another one, of which at least one is of this module."""
    np.copyto(*[each.held if isinstance(each, Array) else each for each in (target, source)])


PLATFORM = Platform("xpu", Array, xp, xp.empty, copied, lambda x: native_address(x.held), native_function)


@contextmanager
def registered() -> Iterator[Platform]:
    """Let tensors live there while the body runs."""
    register(PLATFORM)
    try:
        yield PLATFORM
    finally:
        del PLATFORMS[PLATFORM.kind], FOREIGN[PLATFORM.array]
        UNUSUAL.discard(PLATFORM.array)
