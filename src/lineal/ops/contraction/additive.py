"""A product added to a tensor: β input + α (product), in BLAS's forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.base.dtypes import Category
from lineal.base.signatures import Number, Tensor
from lineal.core import renamed
from lineal.core.calling import older_form, public
from lineal.ops.autocasting import USED, lowered
from lineal.ops.broadcasting import expand
from lineal.ops.contraction.matmul import bmm, linear, mm, mv, outer
from lineal.ops.contraction.products import is_narrow, product, require_ndim, require_same_dtype
from lineal.ops.conversion import as_number, cast, dtype_of, result_type
from lineal.ops.front import require_tensor, store
from lineal.ops.promotion import in_wide
from lineal.ops.structural.axes import permute
from lineal.ops.structural.reshape import reshape

__all__ = ["addmm", "addmv", "addbmm", "baddbmm", "addr"]

FACTORS = ("beta", "alpha")


def combine(name: str, input: Tensor, multiply: Callable, factors: tuple, beta: Any, alpha: Any, out: Tensor | None) -> Any:
    """Return beta × input + alpha × a product in the product's shape; with beta 0 the input's numbers, NaN too, do not count.

    Of half precision, the product and the sum are computed in a wider dtype, and rounded once.
    """
    beta, alpha = as_number(name, "beta", beta), as_number(name, "alpha", alpha)
    target = dtype_of(input)
    if not (alpha == 1 and beta == 0):
        input, *factors = in_wide(input, *factors) or (input, *factors)  # type: ignore[assignment]
    y = multiply(*factors)
    shape, given = y.value.shape, input.value.shape
    padded = (1,) * (len(shape) - len(given)) + given
    if len(given) > len(shape) or any(size not in (1, wanted) for size, wanted in zip(padded, shape)):
        raise RuntimeError(f"{name}: expected an input that expands to the product's shape {tuple(shape)}, got {tuple(given)}")
    y = scaled(y, alpha)
    if beta != 0:
        y = scaled(expand(input, shape), beta) + y
    y = cast(y, target)
    return renamed(y, f"{name.capitalize()}Backward0") if out is None else store(y, out, name, input)


def scaled(x: Any, factor: Any) -> Any:
    """Return `x` times a number, which is cut to an integer where x holds integers."""
    category = dtype_of(x).category
    if category is Category.BOOL:
        factor = bool(factor)
    elif category is Category.INTEGER and not isinstance(factor, int):
        factor = int(factor)
    return x if factor == 1 else x * factor


@public
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *older: Any,
    beta: Number | Tensor = 1,
    alpha: Number | Tensor = 1,
    out: Tensor | None = None,
) -> Tensor:
    """Return beta × input + alpha × mat1 @ mat2, of two matrices."""
    if older:
        return older_form(addmm, FACTORS, (input, mat1, mat2, *older), {"out": out})
    if USED and out is None:
        input, mat1, mat2 = lowered(input, mat1, mat2)
    require_same_dtype("addmm", input, mat1, mat2)
    if (
        is_narrow(mat1)
        and alpha == beta == 1
        and input.value.ndim == 1
        and mat1.value.ndim == mat2.value.ndim == 2
        and out is None
    ):
        return linear(mat1, mat2.T, input)
    return combine("addmm", input, mm, (mat1, mat2), beta, alpha, out)


@public
def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *older: Any,
    beta: Number | Tensor = 1,
    alpha: Number | Tensor = 1,
    out: Tensor | None = None,
) -> Tensor:
    """Return beta × input + alpha × mat @ vec, of a matrix and a vector."""
    if older:
        return older_form(addmv, FACTORS, (input, mat, vec, *older), {"out": out})
    require_same_dtype("addmv", input, mat, vec)
    return combine("addmv", input, mv, (mat, vec), beta, alpha, out)


@public
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *older: Any,
    beta: Number | Tensor = 1,
    alpha: Number | Tensor = 1,
    out: Tensor | None = None,
) -> Tensor:
    """Return beta × input + alpha × the products of two stacks of matrices."""
    if older:
        return older_form(baddbmm, FACTORS, (input, batch1, batch2, *older), {"out": out})
    if USED and out is None:
        input, batch1, batch2 = lowered(input, batch1, batch2)
    require_same_dtype("baddbmm", input, batch1, batch2)
    return combine("baddbmm", input, bmm, (batch1, batch2), beta, alpha, out)


def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *older: Any,
    beta: Number | Tensor = 1,
    alpha: Number | Tensor = 1,
    out: Tensor | None = None,
) -> Tensor:
    """Return beta × input + alpha × the sum of the products of two stacks of matrices, as one product of long matrices."""
    if older:
        return older_form(addbmm, FACTORS, (input, batch1, batch2, *older), {"out": out})
    if USED and out is None:
        input, batch1, batch2 = lowered(input, batch1, batch2)
    require_same_dtype("addbmm", input, batch1, batch2)
    require_ndim("addbmm", 3, batch1, batch2)
    (count, rows, inner), second = batch1.value.shape, batch2.value.shape
    if second[:2] != (count, inner):
        raise RuntimeError(f"addbmm: expected batch2 of shape ({count}, {inner}, p), got {tuple(second)}")
    side = reshape(permute(batch1, (1, 0, 2)), rows, count * inner)
    return combine("addbmm", input, product, (side, reshape(batch2, count * inner, second[2])), beta, alpha, out)


def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *older: Any,
    beta: Number | Tensor = 1,
    alpha: Number | Tensor = 1,
    out: Tensor | None = None,
) -> Tensor:
    """Return beta × input + alpha × the outer product of two vectors."""
    if older:
        return older_form(addr, FACTORS, (input, vec1, vec2, *older), {"out": out})
    for each in (input, vec1, vec2):
        require_tensor("addr", each)
    target = result_type(input, vec1, vec2)
    return combine("addr", cast(input, target), outer, (cast(vec1, target), cast(vec2, target)), beta, alpha, out)
