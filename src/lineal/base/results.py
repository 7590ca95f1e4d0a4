"""What ops of several outputs return: tuples whose parts have names, printed as PyTorch's `torch.return_types`."""

# ruff: noqa: N801 - the classes carry PyTorch's names

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lineal.base.signatures import Tensor


class Result(tuple[Tensor, ...]):
    """A tuple whose parts, which a class annotates, are attributes too; made of one sequence of all parts."""

    __slots__ = ()
    names: ClassVar[tuple[str, ...]] = ()
    home: ClassVar[str] = __name__
    """The module that defines the class, whatever it says."""

    if TYPE_CHECKING:

        def __new__(cls, parts: Iterable[Any]) -> Self: ...

    def __init_subclass__(cls) -> None:
        cls.names = tuple(cls.__annotations__)
        cls.home = cls.__module__
        cls.__module__ = "torch.return_types"
        for place, name in enumerate(cls.names):
            setattr(cls, name, property(itemgetter(place)))

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={part!r}" for name, part in zip(self.names, self))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"

    def __reduce__(self) -> tuple:
        return (remade, (type(self).__name__, tuple(self), self.home))


class max(Result):
    """The largest elements along a dimension and where they were."""

    values: Tensor
    indices: Tensor


class min(Result):
    """The smallest elements along a dimension and where they were."""

    values: Tensor
    indices: Tensor


class aminmax(Result):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor


class median(Result):
    """The medians along a dimension and where they were."""

    values: Tensor
    indices: Tensor


class nanmedian(Result):
    """The medians of what is not NaN along a dimension and where they were."""

    values: Tensor
    indices: Tensor


class mode(Result):
    """The most frequent elements along a dimension and where they stood last."""

    values: Tensor
    indices: Tensor


class kthvalue(Result):
    """The k-th smallest elements along a dimension and where they were."""

    values: Tensor
    indices: Tensor


class sort(Result):
    """The sorted elements and where each was."""

    values: Tensor
    indices: Tensor


class topk(Result):
    """The k largest or smallest elements and where each was."""

    values: Tensor
    indices: Tensor


class cummax(Result):
    """The largest elements so far and where they were."""

    values: Tensor
    indices: Tensor


class cummin(Result):
    """The smallest elements so far and where they were."""

    values: Tensor
    indices: Tensor


class histogram(Result):
    """Counts per bin and the bins' edges."""

    hist: Tensor
    bin_edges: Tensor


class histogramdd(Result):
    """Counts per cell and the edges of the bins of each dimension."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


def remade(name: str, parts: tuple, home: str = __name__) -> Result:
    """Return the result of the class called `name`, of a module, with `parts`; unpickling calls it."""
    return getattr(import_module(home), name)(parts)
