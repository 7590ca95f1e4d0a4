"""What a contraction is, as data: kinds of number, how the left factor lies, what is made of sums while they are at hand."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from lineal.codegen import kinds
from lineal.codegen.formulas import Formula, Number, formula_of
from lineal.codegen.kinds import Kind, kind_of

__all__ = ["Contract", "Epilogue", "Image", "Made", "converted"]


class Made(NamedTuple):
    """One step of an epilogue: a formula of numbers and values, which count from the sum on: it, arguments, earlier steps."""

    formula: Formula
    operands: tuple[int | Number, ...]
    kind: str
    stored: bool


class Epilogue(NamedTuple):
    """What is made of each sum when it is complete. `kept`: the sum itself is stored too.

    `args` are kinds, and whether an argument has a number for each column, or one for all of a row.
    """

    steps: tuple[Made, ...]
    args: tuple[tuple[str, bool], ...] = ()
    kept: bool = False


class Image(NamedTuple):
    """How a factor, the right or, if `turned`, the left one, is read from an image of so many axes; see `images`.

    `runs`: the first axis counts images, and columns run on through them, each of as many places as a vector has lanes or more.
    """

    axes: int
    turned: bool = False
    runs: bool = False


class Contract(NamedTuple):
    """Σ_k a[i, k] b[k, j] for factors of some kinds, in `sum_kind`; or what an epilogue makes of that.

    `by_columns`: what is side by side in memory is a column of `a`, not a row. `pairs`: the processor's own products of
    bfloat16 may be used, which take numbers below 2⁻¹²⁶ for zero. With an `image`, b (or a) is what its kernel sees. `laid`: b
    lies in the order of tiles already, panel after panel of as many columns as a tile has, each with all of its k.
    """

    a: str
    b: str
    by_columns: bool = False
    pairs: bool = False
    epilogue: Epilogue | None = None
    image: Image | None = None
    laid: bool = False

    @property
    def turned(self) -> bool:
        """Whether the result is stored with rows and columns exchanged: that of a left factor that is read from an image."""
        return self.image is not None and self.image.turned

    @property
    def sum_kind(self) -> Kind:
        """The kind that sums are taken in."""
        return kinds.promoted(kind_of(self.a), kind_of(self.b)).computed

    @property
    def results(self) -> list[Kind]:
        """The kinds of what the epilogue stores."""
        return [kind_of(step.kind) for step in self.epilogue.steps if step.stored] if self.epilogue else []

    @property
    def args(self) -> list[tuple[Kind, bool]]:
        """The arguments of the epilogue."""
        return [(kind_of(name), across) for name, across in self.epilogue.args] if self.epilogue else []


@lru_cache(64)
def converted(within: Kind, kind: Kind, bias: bool = False, across: bool = True) -> Epilogue:
    """Return the epilogue that stores sums as another kind, plus a row (a column, if not `across`) of that kind if `bias`."""
    if not bias:
        return Epilogue((Made(formula_of(lambda m, y: y, (within,)), (0,), kind.name, True),))
    return Epilogue((Made(formula_of(lambda m, y, b: y + b, (within, kind)), (0, 1), kind.name, True),), ((kind.name, across),))
