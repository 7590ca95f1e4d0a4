"""Rows of a table by their index."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.errors import UnsupportedError
from lineal.base.signatures import Tensor
from lineal.core import apply, no_grad, renamed
from lineal.core.calling import public
from lineal.ops.indexing.advanced import index_op
from lineal.ops.indexing.bounds import stray


@public
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of `weight` (n, d) that the integer tensor `input` names: shape input.shape + (d,).

    The row `padding_idx` gets no gradient. Rows looked up that are longer than `max_norm` are shortened in place.
    `scale_grad_by_freq` divides a row's gradient by how often it was looked up.
    """
    if sparse:
        raise UnsupportedError("embedding: sparse gradients are not supported; leave out sparse=True")
    if input.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(f"embedding: expected indices of dtype int64 or int32, got {input.dtype}")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: expected weight to be a matrix, got shape {list(weight.shape)}")
    input = input.to(dtypes.int64)
    rows = weight.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError(f"embedding: padding_idx {padding_idx} must be within the {rows} rows of weight")
    if max_norm is not None:
        shorten(weight, input.unique(), max_norm, norm_type)
    y = rows_of(weight, input)
    if padding_idx is not None:
        y = ops.where((input == padding_idx % rows).unsqueeze(-1), y.detach(), y)
    if scale_grad_by_freq:
        times = input.reshape(-1).bincount(minlength=rows)[input].unsqueeze(-1)
        y = y.detach() + (y - y.detach()) / times.to(y.dtype)
    return renamed(y, "EmbeddingBackward0")


def rows_of(weight: Any, indices: Any) -> Any:
    """Return the rows; unlike a subscript, an index from the end is refused, and no number is read in Python."""
    count = weight.value.shape[0]
    wrong = stray(indices, count)
    if wrong is not None:
        raise IndexError(f"embedding: index out of range: expected 0 to {count - 1}, got {wrong}")
    return apply(index_op((0,), "Embedding"), weight, indices)


@no_grad()
def shorten(weight: Any, rows: Any, max_norm: float, norm_type: float) -> None:
    """Scale the given rows of `weight` in place so that their norm is at most `max_norm`."""
    lengths = weight[rows].norm(norm_type, 1, keepdim=True)
    weight[rows] *= ops.where(lengths > max_norm, max_norm / (lengths + 1e-7), 1.0)
