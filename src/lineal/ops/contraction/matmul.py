"""Products of matrices and vectors in all the forms users write."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor
from lineal.core.calling import public
from lineal.ops.autocasting import USED, lowered
from lineal.ops.broadcasting import expand
from lineal.ops.contraction.products import (
    affine,
    affine_with_bias,
    by_rows,
    dot_product,
    mismatch,
    product,
    require_ndim,
    require_same_dtype,
    stacked_product,
)
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.front import store
from lineal.ops.structural.reshape import reshape

__all__ = ["matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "outer", "ger", "linear"]


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the matrix product; vectors count as a row on the left and a column on the right, leading sizes broadcast."""
    if USED and out is None:
        input, other = lowered(input, other)
    try:
        a, b = input.value, other.value
    except AttributeError:
        require_same_dtype("matmul", input, other)
        raise
    if a.dtype is not b.dtype:
        require_same_dtype("matmul", input, other)
    if a.ndim == 2 == b.ndim:
        y = product(input, other)
    elif not a.ndim or not b.ndim:
        raise RuntimeError(
            f"matmul: both arguments to matmul need to be at least 1D, got shapes {tuple(a.shape)} and {tuple(b.shape)}"
        )
    elif a.shape[-1] != b.shape[-2 if b.ndim > 1 else -1]:
        raise mismatch("matmul", a.shape, b.shape)
    elif b.ndim == 1:
        y = dot_product(input, other) if a.ndim == 1 else _times_vector(input, other)
    elif b.ndim == 2:
        y = affine(False, "UnsafeViewBackward0" if a.ndim > 2 else "SqueezeBackward4")(input, other)
    else:
        y = _stacked(input, other)
    return y if out is None else store(y, out, "matmul")


def _times_vector(a: Tensor, v: Tensor) -> Any:
    if a.value.ndim == 2:
        return affine(True, "MvBackward0")(v, a)
    y = affine(False, "UnsafeViewBackward0")(a, reshape(v, v.value.size, 1))
    return reshape(y, y.value.shape[:-1])


def _stacked(a: Tensor, b: Tensor) -> Any:
    row = a.value.ndim == 1
    if row:
        a = reshape(a, 1, a.value.size)
    first, second = a.value.shape, b.value.shape
    lead = broadcast_shapes("matmul", first[:-2], second[:-2])
    y = product(expand(a, (*lead, *first[-2:])), expand(b, (*lead, *second[-2:])))
    return reshape(y, (*lead, second[-1])) if row else y


def __matmul__(self: Tensor, other: Tensor) -> Tensor:  # noqa: N807
    return matmul(self, other) if isinstance(other, AbstractTensor) else NotImplemented


def __rmatmul__(self: Tensor, other: Tensor) -> Tensor:  # noqa: N807
    return matmul(other, self) if isinstance(other, AbstractTensor) else NotImplemented


@public
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the product of two matrices."""
    if USED and out is None:
        input, mat2 = lowered(input, mat2)
    require_same_dtype("mm", input, mat2)
    require_ndim("mm", 2, input, mat2)
    y = product(input, mat2)
    return y if out is None else store(y, out, "mm")


@public
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the products of two stacks (b, n, m) and (b, m, p) of matrices, without broadcasting."""
    if USED and out is None:
        input, mat2 = lowered(input, mat2)
    require_same_dtype("bmm", input, mat2)
    require_ndim("bmm", 3, input, mat2)
    a, b = input.value.shape, mat2.value.shape
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"bmm: Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]"
        )
    y = stacked_product(input, mat2)
    return y if out is None else store(y, out, "bmm")


@public
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the product of a matrix and a vector."""
    require_same_dtype("mv", input, vec)
    if input.value.ndim != 2 or vec.value.ndim != 1:
        raise RuntimeError(
            f"mv: vector + matrix @ vector expected, expected a matrix and a vector, got shapes {tuple(input.value.shape)} "
            f"and {tuple(vec.value.shape)}"
        )
    if input.value.shape[1] != vec.value.shape[0]:
        raise RuntimeError(
            f"mv: size mismatch, got input ({input.value.shape[0]}x{input.value.shape[1]}), vec ({vec.value.shape[0]})"
        )
    y = affine(True, "MvBackward0")(vec, input)
    return y if out is None else store(y, out, "mv")


@public
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return Σ input × tensor of two vectors of the same size."""
    require_same_dtype("dot", input, tensor)
    require_ndim("dot", 1, input, tensor)
    y = dot_product(input, tensor)
    return y if out is None else store(y, out, "dot")


@public
def vdot(input: Any, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return Σ input* × other of two vectors of the same size."""
    require_same_dtype("vdot", input, other)
    require_ndim("vdot", 1, input, other)
    y = dot_product(input.conj(), other)
    return y if out is None else store(y, out, "vdot")


@public
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the products summed over the last dimension of both, for every pair of rows; a scalar just multiplies."""
    if not input.value.ndim or not other.value.ndim:
        y = mul(input, other)
        return y if out is None else store(y, out, "inner")
    if USED and out is None and (input.value.ndim, other.value.ndim) != (1, 1):
        input, other = lowered(input, other)
    require_same_dtype("inner", input, other)
    a, b = input.value.shape, other.value.shape
    if a[-1] != b[-1]:
        raise RuntimeError(f"inner: the last dimension must match on both input tensors but got shapes {list(a)} and {list(b)}")
    if len(b) == 1:
        y = dot_product(input, other) if len(a) == 1 else matmul(input, other)
    else:
        rows = by_rows(other)
        y = affine(True, "ViewBackward0")(input, rows)
        if len(b) > 2:
            y = reshape(y, (*a[:-1], *b[:-1]))
    return y if out is None else store(y, out, "inner")


@public
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the matrix of all products of an element of `input` and one of `vec2`."""
    require_ndim("outer", 1, input, vec2)
    y = mul(reshape(input, input.value.size, 1), vec2)
    return y if out is None else store(y, out, "outer")


@public
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return input @ weight.T + bias: `weight` of shape (out, in) applied to every row of `input`, of shape (…, in)."""
    if USED:
        input, weight, bias = lowered(input, weight, bias)
    try:
        x, w = input.value, weight.value
        same = x.dtype is w.dtype and (bias is None or bias.value.dtype is x.dtype)
    except AttributeError:
        require_same_dtype("linear", input, weight, *(() if bias is None else (bias,)))
        raise
    if not same:
        require_same_dtype("linear", input, weight, *(() if bias is None else (bias,)))
    shape = w.shape
    if len(shape) != 2 or not x.ndim or x.shape[-1] != shape[1]:
        return _unusual_linear(input, weight, bias)
    if bias is None:
        return affine(True, "MmBackward0" if x.ndim == 2 else "UnsafeViewBackward0" if x.ndim > 2 else "SqueezeBackward4")(
            input, weight
        )
    if bias.value.shape != (shape[0],):
        return linear(input, weight) + bias
    return affine_with_bias(True, "AddmmBackward0" if x.ndim == 2 else "ViewBackward0")(input, weight, bias)


def _unusual_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    """Apply a weight that is one row, or refuse."""
    given, shape = x.value.shape, weight.value.shape
    if len(shape) == 1 and bias is None and given and given[-1] == shape[0]:
        return matmul(x, weight)
    if len(shape) != 2 or not given:
        raise RuntimeError(
            f"linear: expected input (…, in) and weight (out, in) of at least one dimension, got shapes {given} and {shape}"
        )
    raise mismatch("linear", given, shape[::-1])


ger = outer
