"""Rows of a table by their index."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes, later
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, modes, no_grad, renamed
from lineal.core.calling import public
from lineal.ops.indexing.advanced import index_op
from lineal.ops.indexing.bounds import stray

coordinates: Any = later.module("lineal.sparse.coordinates")


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
    `scale_grad_by_freq` divides a row's gradient by how often it was looked up. With `sparse` the gradient of `weight` is a
    sparse tensor with an entry for each row looked up, which SGD, Adagrad and SparseAdam take.
    """
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
    if sparse:
        return sparse_rows_of(weight, input, padding_idx, scale_grad_by_freq)
    y = rows_of(weight, input)
    if padding_idx is not None:
        y = ops.where((input == padding_idx % rows).unsqueeze(-1), y.detach(), y)
    if scale_grad_by_freq:
        times = input.reshape(-1).bincount(minlength=rows)[input].unsqueeze(-1)
        y = y.detach() + (y - y.detach()) / times.to(y.dtype)
    return renamed(y, "EmbeddingBackward0")


class SparseEmbedding(Op):
    """Y = rows of a matrix X at indices; X̄ is sparse: it has the rows of Ȳ at their indices, but for those at `padding`."""

    padding: int
    scaled: bool
    grad_name = "EmbeddingBackward0"
    keeps = "1"
    no_batch = no_lowering = "its gradient is a sparse tensor, which is eager"

    def eager(self, xp, weight, indices):
        return weight[indices]

    def vjp(self, needs, g, y, weight, indices):
        if self.scaled:
            raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
        places, rows = indices.reshape(-1), g.reshape(-1, weight.shape[1])
        if self.padding >= 0:
            here = (places != self.padding).nonzero()[:, 0]
            places, rows = places.index_select(0, here), rows.index_select(0, here)
        return coordinates.made(places.reshape(1, -1), rows, weight.shape), None


def sparse_rows_of(weight: Any, indices: Any, padding_idx: int | None, scaled: bool) -> Any:
    """Return the rows, whose gradient will be a sparse tensor; no program follows that."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign("the gradient of an embedding is a sparse tensor")
    check_rows(weight, indices)
    padding = -1 if padding_idx is None else padding_idx % weight.shape[0]
    return apply(SparseEmbedding(padding, bool(scaled)), weight, indices)


def check_rows(weight: Any, indices: Any) -> None:
    """Refuse indices out of range; unlike in a subscript, also those from the end."""
    count = weight.value.shape[0]
    wrong = stray(indices, count)
    if wrong is not None:
        raise IndexError(f"embedding: index out of range: expected 0 to {count - 1}, got {wrong}")


def rows_of(weight: Any, indices: Any) -> Any:
    """Return the rows; no number is read in Python."""
    check_rows(weight, indices)
    return apply(index_op((0,), "Embedding"), weight, indices)


@no_grad()
def shorten(weight: Any, rows: Any, max_norm: float, norm_type: float) -> None:
    """Scale the given rows of `weight` in place so that their norm is at most `max_norm`."""
    lengths = weight[rows].norm(norm_type, 1, keepdim=True)
    weight[rows] *= ops.where(lengths > max_norm, max_norm / (lengths + 1e-7), 1.0)
