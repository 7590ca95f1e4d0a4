"""What ops of several outputs return: tuples whose parts have names, printed as PyTorch's `torch.return_types`."""

# ruff: noqa: N801 - the classes carry PyTorch's names

from __future__ import annotations

from operator import itemgetter
from typing import Any, ClassVar


class Result(tuple):
    """A tuple whose parts are attributes too; made of one sequence of all parts."""

    __slots__ = ()
    names: ClassVar[tuple[str, ...]] = ()
    values: Any
    indices: Any

    def __init_subclass__(cls, names: str = "values indices") -> None:
        cls.names = tuple(names.split())
        cls.__module__ = "torch.return_types"
        for place, name in enumerate(cls.names):
            setattr(cls, name, property(itemgetter(place)))

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={part!r}" for name, part in zip(self.names, self))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"

    def __reduce__(self) -> tuple:
        return (remade, (type(self).__name__, tuple(self)))


class max(Result):
    """The largest elements along a dimension and where they were."""


class min(Result):
    """The smallest elements along a dimension and where they were."""


class aminmax(Result, names="min max"):
    """The smallest and the largest elements."""


class median(Result):
    """The medians along a dimension and where they were."""


class nanmedian(Result):
    """The medians of what is not NaN along a dimension and where they were."""


class mode(Result):
    """The most frequent elements along a dimension and where they stood last."""


class kthvalue(Result):
    """The k-th smallest elements along a dimension and where they were."""


class sort(Result):
    """The sorted elements and where each was."""


class topk(Result):
    """The k largest or smallest elements and where each was."""


class cummax(Result):
    """The largest elements so far and where they were."""


class cummin(Result):
    """The smallest elements so far and where they were."""


class histogram(Result, names="hist bin_edges"):
    """Counts per bin and the bins' edges."""


class histogramdd(Result, names="hist bin_edges"):
    """Counts per cell and the edges of the bins of each dimension."""


def remade(name: str, parts: tuple) -> Result:
    """Return the result of the class called `name` with `parts`; unpickling calls it."""
    return next(each for each in Result.__subclasses__() if each.__name__ == name)(parts)
