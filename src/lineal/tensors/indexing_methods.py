"""The tensor's indexing methods: each the op it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from lineal import ops
from lineal.base.signatures import Index, Operand, Tensor
from lineal.core import AbstractTensor
from lineal.ops.front import in_place
from lineal.ops.indexing import along, filling, gathering, masked, masks, subscript

__all__ = ["IndexingMethods"]


class IndexingMethods(AbstractTensor):
    """Brackets, gathering and scattering, masks, filling."""

    __getitem__: ClassVar[Callable[[Tensor, Index], Tensor]] = subscript.getitem
    __setitem__: ClassVar[Callable[[Tensor, Index, Operand], None]] = subscript.setitem

    gather = ops.gather
    scatter, scatter_ = ops.scatter, gathering.scatter_
    scatter_add, scatter_add_ = ops.scatter_add, gathering.scatter_add_
    scatter_reduce, scatter_reduce_ = ops.scatter_reduce, in_place(ops.scatter_reduce)
    take_along_dim = ops.take_along_dim

    index_select = ops.index_select
    index_add, index_add_ = ops.index_add, along.index_add_
    index_copy, index_copy_ = ops.index_copy, along.index_copy_
    index_fill, index_fill_ = ops.index_fill, along.index_fill_
    index_put, index_put_ = ops.index_put, subscript.index_put_
    index_reduce, index_reduce_ = ops.index_reduce, in_place(ops.index_reduce)
    take = ops.take
    put, put_ = ops.put, along.put_

    masked_fill, masked_fill_ = ops.masked_fill, masks.masked_fill_
    masked_scatter, masked_scatter_ = ops.masked_scatter, masked.masked_scatter_
    masked_select = ops.masked_select
    nonzero, argwhere = ops.nonzero, ops.argwhere

    fill_, zero_, copy_ = filling.fill_, filling.zero_, filling.copy_

    def __iter__(self: Any) -> Iterator[Tensor]:
        if self.value.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (AbstractTensor, bool, int, float, complex)):
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
        return bool((self == element).any())  # type: ignore[attr-defined]
