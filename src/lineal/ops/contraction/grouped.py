"""Products of groups of rows, or of columns, with a matrix for each group: the layers of a mixture of experts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from lineal.base import dtypes
from lineal.base.platforms import HOST, moved
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.ops.contraction.matmul import bmm
from lineal.ops.contraction.products import require_same_dtype
from lineal.ops.conversion import dtype_of
from lineal.ops.premise import rely

__all__ = ["grouped_mm"]

FLOATING = (dtypes.float32, dtypes.bfloat16, dtypes.float16, dtypes.float64)


class GroupedProduct(Op):
    """Of each group n, whose places s end before ends[n]: A[s] B[n] or A[n] B[:, s], side by side, or A[:, s] B[s], stacked.

    Ā = Ȳ Bᵀ and B̄ = Aᵀ Ȳ are each of the other two forms. Places behind the last group are zero.
    """

    keeps = ("1 2", "0 2", "")
    wide = True
    grad_name = "GroupedMmBackward0"
    no_batch = "looped: groups of each example end elsewhere"
    no_lowering = "host step: where a group ends depends on numbers"

    def eager(self, xp, a, b, ends):
        edges = [0, *moved(ends, HOST).tolist()]
        places = [slice(*each) for each in pairwise(edges)]
        if a.ndim == b.ndim:
            y = xp.zeros((len(places), a.shape[0], b.shape[1]), a.dtype)
            for n, each in enumerate(places):
                y[n] = a[:, each] @ b[each]
            return y
        y = xp.zeros((a.shape[-2], b.shape[-1]), a.dtype)
        for n, each in enumerate(places):
            if a.ndim == 2:
                y[each] = a[each] @ b[n]
            else:
                y[:, each] = a[n] @ b[:, each]
        return y

    def vjp(self, needs, g, y, a, b, ends):
        return (apply(self, g, b.mT, ends) if needs[0] else None, apply(self, a.mT, g, ends) if needs[1] else None, None)


_grouped = GroupedProduct()


@public
def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: dtypes.dtype | None = None,
) -> Tensor:
    """Return the products of groups, of which group n ends before offs[n] (int32), where the next one begins.

    (T, K) and (N, K, M) give (T, M), with groups of rows; (N, M, K) and (K, T) give (M, T), with groups of columns; (M, T) and
    (T, K) give (N, M, K), with groups of terms of the sums. Two stacks have a product for each pair, without `offs`. What lies
    behind the last group is zero.
    """
    require_operands(mat_a, mat_b, offs)
    if bias is not None:
        raise RuntimeError("grouped_mm: Bias not supported yet")
    if out_dtype is not None and out_dtype is not dtype_of(mat_a):
        raise RuntimeError(f"grouped_mm: output dtype must match that of mat_a, {dtype_of(mat_a)}, but got {out_dtype}")
    if offs is None:
        return bmm(mat_a, mat_b)
    require_ends(mat_a, mat_b, offs)
    return apply(_grouped, mat_a, mat_b, offs)


def require_operands(a: Tensor, b: Tensor, offs: Tensor | None) -> None:
    """Raise unless two factors are floating numbers of one dtype, in shapes that fit."""
    for name, each in (("mat_a", a), ("mat_b", b)):
        if each.value.ndim not in (2, 3):
            raise RuntimeError(f"grouped_mm: {name} has to be 2 or 3d, got shape {list(each.value.shape)}")
        if dtype_of(each) not in FLOATING:
            raise RuntimeError(f"grouped_mm: expected {name} of floating point numbers, got {dtype_of(each)}")
    require_same_dtype("grouped_mm", a, b)
    shapes = f"{list(a.value.shape)} and {list(b.value.shape)}"
    stacks = a.value.ndim == b.value.ndim == 3
    if stacks is not (offs is None):
        raise RuntimeError(f"grouped_mm: offs has to be given for a 2d matrix, and not for two stacks, got shapes {shapes}")
    if a.value.shape[-1] != b.value.shape[-2]:
        raise RuntimeError(f"grouped_mm: contraction dimension of mat_a and mat_b must match, got shapes {shapes}")
    if stacks and len(a.value) != len(b.value):
        raise RuntimeError(f"grouped_mm: batched dimension has to match, got shapes {shapes}")


def require_ends(a: Tensor, b: Tensor, offs: AbstractTensor) -> None:
    """Raise unless groups end one after the other, within what is there, as many as there are matrices; that is relied upon."""
    if offs.value.ndim != 1:
        raise RuntimeError(f"grouped_mm: offs has to be 1D, got shape {list(offs.value.shape)}")
    if dtype_of(offs) is not dtypes.int32:
        raise RuntimeError(f"grouped_mm: offs have to be int32, got {dtype_of(offs)}")
    for each in (a, b):
        if each.value.ndim == 3 and len(each.value) != len(offs.value):
            raise RuntimeError(
                f"grouped_mm: matrix batch sizes have to match, got {len(offs.value)} offs for {len(each.value)} matrices"
            )
    most = b.value.shape[-1] if a.value.ndim == 3 else a.value.shape[-1 if b.value.ndim == 2 else 0]
    ends: Any = offs
    holds = lambda: (ends >= 0) & (ends <= most) & (ends >= ends.cummax(0).values)
    if not holds().value.all():
        raise RuntimeError(f"grouped_mm: offs have to increase from 0 to {most} at most, got {offs.value.tolist()}")
    rely(holds)
