"""Functions that turn class indices into vectors."""

from __future__ import annotations

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.ops import zeros
from lineal.ops.indexing.bounds import stray


@public
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return an int64 tensor with a last dimension of size `num_classes` that is 1 at the index in `tensor`, else 0.

    Without `num_classes` there are as many classes as the greatest index needs.
    """
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError(f"one_hot: expected an index tensor of dtype int64, got {tensor.dtype}")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("one_hot: expected num_classes to be given for an empty tensor")
        return zeros(*tensor.shape, num_classes, dtype=dtypes.int64)
    if num_classes > 0 and stray(tensor, num_classes) is None:
        return vectors(tensor, num_classes)
    if num_classes > 0:
        low, high = int(tensor.value.min()), int(tensor.value.max())
    else:
        low, high = int(tensor.min()), int(tensor.max())
    if low < 0:
        raise RuntimeError(f"one_hot: expected class values of at least 0, got {low}")
    if num_classes == -1:
        num_classes = high + 1
    elif num_classes < 1:
        raise RuntimeError(f"one_hot: expected num_classes to be positive, got {num_classes}")
    elif high >= num_classes:
        raise RuntimeError(f"one_hot: expected class values smaller than num_classes = {num_classes}, got {high}")
    return vectors(tensor, num_classes)


def vectors(tensor: Tensor, num_classes: int) -> Tensor:
    """Return a vector for each index, which lies within it."""
    return zeros(*tensor.shape, num_classes, dtype=dtypes.int64).scatter_(-1, tensor.unsqueeze(-1), 1)
