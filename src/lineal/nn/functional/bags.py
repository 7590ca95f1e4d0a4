"""Sums, means and maxima of rows of a table, bag by bag."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.lookup import embedding

MODES = ("sum", "mean", "max")


@public
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, mean or maximum (`mode`) of the rows of `weight` (n, d) that the indices of each bag name: (bags, d).

    A matrix `input` has a bag in each row; of a vector, bags begin at `offsets`. An empty bag gives 0. Indices equal to
    `padding_idx` do not count. `per_sample_weights`, of the shape of the input, scale the rows of a sum.
    """
    if mode not in MODES:
        raise ValueError(f"embedding_bag: mode has to be one of {', '.join(MODES)}, got {mode!r}")
    if mode == "max" and sparse:
        raise ValueError("embedding_bag: max mode does not support sparse weights")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("embedding_bag: mode 'max' does not support scaling the gradient by the frequency")
    check_samples(input, per_sample_weights, mode)
    bags, count = bags_of(input, offsets, include_last_offset)
    input = input.reshape(-1)
    rows = embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if padding_idx is not None:
        bags = ops.where(input == padding_idx % weight.shape[0], count, bags)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    start = rows.detach().new_zeros((count + 1, weight.shape[1]))
    if mode == "max":
        y = largest(rows, bags, start)
    else:
        y = start.index_add(0, bags, rows)
    if mode == "mean":
        sizes = bags.bincount(minlength=count + 1).clamp_min(1)
        y = y / sizes.to(y.dtype).unsqueeze(1)
    return renamed(y[:count], "EmbeddingBagBackward0")


def largest(rows: Any, bags: Any, start: Any) -> Any:
    """Return the largest elements of the rows of each bag, of equal ones the first, which takes the derivative alone."""
    count = rows.shape[0]
    if not count:
        return start
    given = rows.detach()
    top = start.index_reduce(0, bags, given, "amax", include_self=False)[bags]
    places = ops.where((given == top) | given.isnan(), ops.arange(count).unsqueeze(1), count)
    first = ops.full_like(start, count, dtype=dtypes.int64).index_reduce(0, bags, places, "amin")
    return ops.where(first < count, rows.gather(0, first.clamp_max(count - 1)), 0)


def check_samples(input: Any, weights: Any, mode: str) -> None:
    """Refuse indices of another rank than one or two, and weights that do not fit them."""
    if input.ndim not in (1, 2):
        raise ValueError(f"embedding_bag: input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if weights is None:
        return
    if mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights are only supported for mode='sum', got mode={mode!r}")
    if weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights of shape {list(weights.shape)} must have the shape of the input, "
            f"{list(input.shape)}"
        )


def bags_of(input: Any, offsets: Any, include_last: bool) -> tuple[Any, int]:
    """Return which bag each index is in, and how many there are; what is in none goes to one more, which is left out."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: if input is 2D, then offsets has to be None, as each row is a bag")
        count, size = input.shape
        return ops.arange(count).repeat_interleave(size), count
    if offsets is None:
        raise ValueError("embedding_bag: offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("embedding_bag: offsets has to be a 1D Tensor")
    starts = offsets.to(dtypes.int64)
    check_starts(starts, input.shape[0], include_last)
    count = starts.shape[0] - bool(include_last)
    if not count:
        return ops.zeros(input.shape[0], dtype=dtypes.int64), 0
    # the last offset, if included, is where the last bag ends
    return ops.searchsorted(starts, ops.arange(input.shape[0]), right=True) - 1, count


def check_starts(starts: Any, size: int, include_last: bool) -> None:
    """Refuse offsets that are not the places, in order, where the bags of `size` indices begin."""
    if not starts.numel():
        if include_last:
            raise RuntimeError("embedding_bag: include_last_offset: number of offsets should be at least 1")
        return
    if int(starts[0]) != 0:
        raise RuntimeError(
            f"embedding_bag: offsets[0] has to be 0, the first bag has to start from position 0, got {int(starts[0])}"
        )
    # one truth for all, so that a compiled program takes other offsets too
    if bool((starts.diff() < 0).any() | (starts[-1] > size)):
        raise RuntimeError(
            f"embedding_bag: expected offsets that do not fall, of at most {size}, the length of input, got {starts.tolist()}"
        )
