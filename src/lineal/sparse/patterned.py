"""What sparse tensors of all layouts are: entries at the places of a pattern; all other numbers are zeros.

The entries are a strided tensor, and a sparse tensor has its history in them: its gradient has the same pattern. What stands in
for its array is an outline, which knows shape and dtype, and which no kernel takes.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np

from lineal.base import config, dtypes, later
from lineal.base.notebook import preformatted
from lineal.base.spec import Size, axis
from lineal.sparse.answering import COMPRESSED, COORDINATES, answer
from lineal.tensors import Tensor
from lineal.tensors.overriding import Overriding
from lineal.tensors.printing import followed

__all__ = ["Outline", "Patterned", "outlined", "shown", "title"]

overrides: Any = later.module("lineal.overrides")

PLAIN = ("float32", "int64", "bool", "complex64")
"""The dtypes that digits give away, while the default dtype is float32."""


def title(layout: Any) -> str:
    """Return how PyTorch's errors call a layout, as "SparseCsr"."""
    return "Sparse" if layout.name == "sparse_coo" else layout.name.title().replace("_", "")


class Outline:
    """Stands for the array of a sparse tensor: what needs its numbers, and has no rule, fails."""

    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, layout: Any):
        self.shape, self.dtype, self.layout = shape, dtype, layout
        self.ndim, self.size = len(shape), math.prod(shape)

    def __array_namespace__(self, **options: Any) -> Any:
        raise RuntimeError(f"expected strided tensors, got one of the layout {self.layout}; use to_dense() first")

    def __array__(self, *given: Any, **options: Any) -> np.ndarray:
        raise TypeError(f"can't convert {title(self.layout)} layout tensor to numpy. Use Tensor.to_dense() first.")


class Patterned(Overriding):
    """A sparse tensor; those of one layout or another derive it."""

    rules: ClassVar[str]
    """Which table of rules holds for it: see `answering`."""
    layout: Any
    entries: Tensor

    @abstractmethod
    def with_entries(self, entries: Tensor) -> Self:
        """Return a tensor that has other entries at the same places."""

    @abstractmethod
    def merged(self) -> Self:
        """Return a tensor no two of whose entries share a place, in order."""

    @abstractmethod
    def dense_dim(self) -> int:
        """Return how many dimensions each entry has."""

    @abstractmethod
    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """Return a strided tensor of the same numbers."""

    def _repr_html_(self) -> str:
        return preformatted(repr(self))

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Return what the rule for a function makes of its arguments; rules of compressed tensors take those by coordinates."""
        tables = [each.rules for each in types if issubclass(each, Patterned)]
        return answer(COMPRESSED if COMPRESSED in tables else COORDINATES, func, args, kwargs or {})

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self.value.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the values."""
        return self.entries.dtype

    @property
    def device(self) -> Any:
        """The device of the values."""
        return self.entries.device

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.value.ndim

    @property
    def requires_grad(self) -> bool:
        """Whether the values need a gradient."""
        return self.entries.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.entries = self.entries.detach().requires_grad_(value)

    @property
    def grad(self) -> Self | None:
        """The gradient, at the places of the entries."""
        return None if self.entries.grad is None else self.with_entries(self.entries.grad)

    @grad.setter
    def grad(self, value: Self | None) -> None:
        self.entries.grad = None if value is None else value.entries

    @property
    def grad_fn(self) -> Any:
        """The node that made the values."""
        return self.entries.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether the values are a leaf."""
        return self.entries.is_leaf

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of dimension `dim`."""
        return self.shape if dim is None else self.shape[axis("size", dim, self.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements, zeros included."""
        return self.value.size

    nelement = numel

    def is_floating_point(self) -> bool:
        """Return whether the dtype is floating."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Return whether the dtype is complex."""
        return self.dtype.is_complex

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether the values need a gradient."""
        self.requires_grad = requires_grad
        return self

    def is_contiguous(self, *given: Any, **options: Any) -> bool:
        """Return False: entries lie by their places."""
        return False

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """Raise a TypeError: NumPy has no such arrays."""
        return self.value.__array__()

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[n] for n in range(len(self)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        memo[id(self)] = copied = self.with_entries(self.entries.__deepcopy__(memo))
        return copied

    def described(self, parts: dict[str, Tensor], count: int, apart: bool) -> str:
        """Return how a tensor of these parts prints; the size stands on a line of its own if it is to stand `apart`."""
        lines = [f"{name}={shown(each, len(name) + 8)}" for name, each in parts.items()]
        size = f"size={tuple(self.shape)}"
        text = "tensor(" + (",\n" + " " * 7).join([*lines, size] if apart else lines)
        suffixes = [f"nnz={count}"] if apart else [size, f"nnz={count}"]
        if self.dtype.name not in PLAIN or config.defaults.dtype.name != PLAIN[0]:
            suffixes.append(f"dtype={self.dtype}")
        suffixes.append(f"layout={self.layout}")
        if self.grad_fn is not None:
            suffixes.append(f"grad_fn=<{type(self.grad_fn).__name__}>")
        elif self.requires_grad:
            suffixes.append("requires_grad=True")
        return followed(text, suffixes, 7)


def shown(x: Tensor, indent: int) -> str:
    """Return how the numbers of a strided tensor print within another's print."""
    if not x.numel():
        return f"tensor([], size={tuple(x.shape)})"
    text = re.sub(r", dtype=[\w.]+\)$", ")", repr(x.detach()))
    return re.sub(r"\n(?=.)", "\n" + " " * indent, text)


def outlined(kind: type[Any], entries: Tensor, sizes: tuple[int, ...], layout: Any) -> Any:
    """Return a new sparse tensor of a class, whose pattern is yet to be set."""
    overrides.begin()
    y = object.__new__(kind)
    y.value, y.node, y.index, y.memory, y.origin = Outline(tuple(sizes), entries.value.dtype, layout), None, None, None, None
    y.entries, y.layout = entries, layout
    return y
