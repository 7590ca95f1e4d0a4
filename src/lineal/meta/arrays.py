"""Arrays without numbers.

What such an array is, an array of NumPy's says that lies as it would, in memory that is not there: NumPy's own code makes the
views of it, and nobody ever reads or writes a number of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import as_strided

from lineal.base import later
from lineal.base.layouts import dense_steps, preserved, steps
from lineal.base.platforms import FOREIGN, PLATFORMS, UNUSUAL, NoNumbersError
from lineal.base.spec import infer_shape

__all__ = ["MetaArray", "filled", "outline", "refuse"]

meta: Any = later.module("lineal.meta.functions")
package: Any = later.module("lineal.meta")


def refuse(what: str) -> NoReturn:
    """Raise the error for what cannot be told without numbers."""
    raise NotImplementedError(f"{what}: what it gives depends on numbers, and tensors on the device meta have none")


class Living:
    """How many arrays there are: without any, fast paths need not look out for them."""

    count = 0


class MetaArray(NDArrayOperatorsMixin):
    """An array of which shape, dtype and strides are there; `base` is the one that it looks into, or None."""

    __slots__ = ("base", "held")

    def __init__(self, held: Any, base: MetaArray | None = None):
        if not Living.count:
            FOREIGN[MetaArray] = PLATFORMS.setdefault("meta", package.META)
            UNUSUAL.add(MetaArray)
        Living.count += 1
        self.held = held
        self.base = base

    def __del__(self) -> None:
        Living.count -= 1
        if not Living.count:
            FOREIGN.pop(MetaArray, None)
            UNUSUAL.discard(MetaArray)

    shape = property(lambda self: self.held.shape)
    dtype = property(lambda self: self.held.dtype)
    ndim = property(lambda self: self.held.ndim)
    size = property(lambda self: self.held.size)
    strides = property(lambda self: self.held.strides)
    itemsize = property(lambda self: self.held.itemsize)
    nbytes = property(lambda self: self.held.nbytes)
    flags = property(lambda self: self.held.flags)

    T = property(lambda self: self.looked(self.held.T))
    mT = property(lambda self: self.looked(self.held.swapaxes(-1, -2)))  # noqa: N815
    real = property(lambda self: self.looked(self.held.real), lambda self, value: None)
    imag = property(lambda self: imaginary(self), lambda self, value: None)
    flat = property(lambda self: self.reshape(-1))

    def looked(self, held: Any) -> MetaArray:
        """Return an array that looks into this one."""
        return MetaArray(held, self if self.base is None else self.base)

    def view(self, dtype: Any = None) -> MetaArray:
        """Return the same memory in a dtype."""
        return self.looked(self.held.view() if dtype is None else self.held.view(dtype))

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> MetaArray:
        """Return the array in another shape: a view where there can be one, else a new array."""
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = tuple(shape[0])
        try:
            return self.looked(np.reshape(self.held, shape, order=order, copy=False))
        except ValueError:
            return outline(infer_shape("reshape", shape, self.size), self.dtype)

    def ravel(self, order: str = "C") -> MetaArray:
        """Return the array in one dimension."""
        return self.reshape(-1)

    def transpose(self, *axes: Any) -> MetaArray:
        """Return the array with its axes in another order."""
        return self.looked(self.held.transpose(*axes))

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> MetaArray:
        """Return the array in a dtype: itself, if it has it and no copy is asked for."""
        if not copy and self.dtype == dtype and (order == "K" or self.flags.c_contiguous):
            return self
        return outline(self.shape, np.dtype(dtype), strides=self.kept(order))

    def copy(self, order: str = "C") -> MetaArray:
        """Return an array of the same shape."""
        return outline(self.shape, self.dtype, strides=self.kept(order))

    def kept(self, order: str) -> tuple[int, ...] | None:
        """Return the strides of a copy, in elements: those of this array if `order` is "K", None for C order."""
        return preserved(self.shape, steps(self.held)) if order == "K" else None

    flatten = __copy__ = copy

    def fill(self, number: Any) -> None:
        """Do nothing: there is no memory."""

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        """Do nothing: there is no order."""

    def item(self, *place: int) -> NoReturn:
        """Refuse: there is no number."""
        raise NoNumbersError("Tensor.item() cannot be called on meta tensors: they have a shape and no numbers")

    tolist = __bool__ = __int__ = __float__ = __complex__ = __index__ = item

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self) -> Any:
        return iter([self[place] for place in range(len(self))])

    def __getitem__(self, items: Any) -> MetaArray:
        items = items if isinstance(items, tuple) else (items,)
        if any(isinstance(each, (MetaArray, np.ndarray, list)) for each in items):
            return outline(picked(self.shape, items), self.dtype)
        # the dots keep NumPy from reading a single number
        return self.looked(self.held[items if Ellipsis in items else (*items, ...)])

    def __setitem__(self, items: Any, value: Any) -> None:
        if any(is_mask(each) for each in (items if isinstance(items, tuple) else (items,))):
            return
        shape = self[items].shape
        if np.broadcast_shapes(shape, getattr(value, "shape", ())) != shape:
            raise ValueError(f"could not broadcast input array from shape {value.shape} into shape {shape}")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            # `__array_interface__` and its kin, by which NumPy would read the memory
            raise AttributeError(name)
        return functools.partial(getattr(meta.functions, name), self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **named: Any) -> Any:
        if "out" in named:
            named["out"] = named["out"][0] if len(named["out"]) == 1 else named["out"]
        return getattr(meta.acting(ufunc), method)(*given, **named)

    def __array_function__(self, function: Any, types: Any, given: Any, named: Any) -> Any:
        return meta.acting(function)(*given, **named)

    def __array__(self, *given: Any, **named: Any) -> NoReturn:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    def __array_namespace__(self, api_version: Any = None) -> Any:
        return meta.functions

    def __reduce__(self) -> tuple:
        return outline, (self.shape, self.dtype)

    def __repr__(self) -> str:
        return f"MetaArray({list(self.shape)}, {self.dtype})"


def outline(shape: Any, storage: Any = float, order: str = "C", strides: tuple[int, ...] | None = None) -> MetaArray:
    """Return an array without numbers, in C order, or with these strides, in elements."""
    storage, shape = np.dtype(storage), tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if min(shape, default=0) < 0:
        raise ValueError("negative dimensions are not allowed")
    # NumPy lays any bytes so, and not the dtypes that it has not
    held = as_strided(
        np.empty(1, f"V{storage.itemsize}"), shape, [step * storage.itemsize for step in strides or dense_steps(shape)]
    )
    return MetaArray(held.view(storage))


def filled(x: Any) -> Any:
    """Return an array of zeros in the place of one without numbers; what is none stays as it is."""
    if isinstance(x, MetaArray):
        return np.zeros(x.shape, x.dtype)
    if isinstance(x, (list, tuple)):
        made = [filled(each) for each in x]
        return type(x)(*made) if hasattr(x, "_fields") else type(x)(made)
    return x


def imaginary(x: MetaArray) -> MetaArray:
    """Return the imaginary parts; of real numbers they are zeros of their own."""
    return x.looked(x.held.imag) if x.dtype.kind == "c" else outline(x.shape, x.dtype)


def is_mask(item: Any) -> bool:
    """Return whether what stands in brackets is a mask of which nobody knows what it leaves."""
    return isinstance(item, MetaArray) and item.dtype == np.bool_


def picked(shape: tuple[int, ...], items: tuple) -> tuple[int, ...]:
    """Return the shape of what an index takes that has arrays in it; a mask without numbers is refused."""
    if any(map(is_mask, items)):
        refuse("indexing by a mask")
    nothing: Any = np.broadcast_to(np.empty((), np.bool_), shape)
    return nothing[tuple([np.zeros(each.shape, each.dtype) if isinstance(each, MetaArray) else each for each in items])].shape
