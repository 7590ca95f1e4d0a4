"""What a contraction is, as data: kinds of number, how the left factor lies, and what is done to a tile before it is stored."""

from __future__ import annotations

from typing import NamedTuple

from lineal.codegen import kinds
from lineal.codegen.formulas import Formula
from lineal.codegen.kinds import Kind, kind_of

__all__ = ["Contract", "Epilogue"]


class Epilogue(NamedTuple):
    """out = formula(m, sum, *args), of each element of a tile while it is in registers.

    `args` are kinds, and whether an argument has a number for each column, or one for all of a row.
    """

    formula: Formula
    args: tuple[tuple[str, bool], ...] = ()


class Contract(NamedTuple):
    """out[i, j] = Σ_k a[i, k] b[k, j] for factors and results of some kinds; sums are taken in `sum_kind`.

    `by_columns`: what is side by side in memory is a column of `a`, not a row. `pairs`: the processor's own products of
    bfloat16 may be used, which take numbers below 2⁻¹²⁶ for zero.
    """

    a: str
    b: str
    out: str
    by_columns: bool = False
    pairs: bool = False
    epilogue: Epilogue | None = None

    @property
    def sum_kind(self) -> Kind:
        """The kind that sums are taken in."""
        return kinds.promoted(kind_of(self.a), kind_of(self.b)).computed

    @property
    def parted(self) -> bool:
        """Whether what out holds is no part of a sum, so that longer sums need memory of their own."""
        return self.epilogue is not None or kind_of(self.out) is not self.sum_kind
