"""The tensor's indexing methods: each the op it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from lineal import ops
from lineal.base.later import method
from lineal.base.signatures import Index, Operand, Tensor
from lineal.core import AbstractTensor
from lineal.ops import indexing
from lineal.ops.front import in_place

__all__ = ["IndexingMethods"]


class IndexingMethods(AbstractTensor):
    """Brackets, gathering and scattering, masks, filling."""

    __getitem__: ClassVar[Callable[[Tensor, Index], Tensor]] = method(lambda: indexing.subscript.getitem)
    __setitem__: ClassVar[Callable[[Tensor, Index, Operand], None]] = method(lambda: indexing.subscript.setitem)

    gather = method(lambda: ops.gather)
    scatter, scatter_ = method(lambda: ops.scatter), method(lambda: indexing.gathering.scatter_)
    scatter_add, scatter_add_ = method(lambda: ops.scatter_add), method(lambda: indexing.gathering.scatter_add_)
    scatter_reduce, scatter_reduce_ = method(lambda: ops.scatter_reduce), method(lambda: in_place(ops.scatter_reduce))
    take_along_dim = method(lambda: ops.take_along_dim)

    index_select = method(lambda: ops.index_select)
    index_add, index_add_ = method(lambda: ops.index_add), method(lambda: indexing.along.index_add_)
    index_copy, index_copy_ = method(lambda: ops.index_copy), method(lambda: indexing.along.index_copy_)
    index_fill, index_fill_ = method(lambda: ops.index_fill), method(lambda: indexing.along.index_fill_)
    index_put, index_put_ = method(lambda: ops.index_put), method(lambda: indexing.subscript.index_put_)
    index_reduce, index_reduce_ = method(lambda: ops.index_reduce), method(lambda: in_place(ops.index_reduce))
    take = method(lambda: ops.take)
    put, put_ = method(lambda: ops.put), method(lambda: indexing.along.put_)

    masked_fill, masked_fill_ = method(lambda: ops.masked_fill), method(lambda: indexing.masks.masked_fill_)
    masked_scatter, masked_scatter_ = method(lambda: ops.masked_scatter), method(lambda: indexing.masked.masked_scatter_)
    masked_select = method(lambda: ops.masked_select)
    nonzero = method(lambda: ops.nonzero)
    argwhere = method(lambda: ops.argwhere)

    fill_ = method(lambda: indexing.filling.fill_)
    zero_ = method(lambda: indexing.filling.zero_)
    copy_ = method(lambda: indexing.filling.copy_)

    def __iter__(self: Any) -> Iterator[Tensor]:
        if self.value.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (AbstractTensor, bool, int, float, complex)):
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
        return bool((self == element).any())  # type: ignore[attr-defined]
