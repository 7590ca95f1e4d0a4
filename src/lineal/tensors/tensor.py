"""The final `Tensor`: what users hold. Its methods stand in the files beside this one, by family."""

from __future__ import annotations

from typing import Any

from lineal.base import dtypes
from lineal.base.spec import Size
from lineal.core import AbstractTensor, finalize
from lineal.ops import reshape, sum  # noqa: A004
from lineal.tensors.autograd_methods import AutogradMethods
from lineal.tensors.elementwise_methods import ElementwiseMethods

__all__ = ["Tensor"]


@finalize
class Tensor(ElementwiseMethods, AutogradMethods, AbstractTensor):
    """An array with a history."""

    sum = sum
    reshape = reshape

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions, as a `torch.Size`."""
        return Size(self.value.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the elements."""
        return dtypes.BY_NUMPY[self.value.dtype]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.value.ndim

    def numpy(self, *, force: bool = False) -> Any:
        """Return the NumPy array that shares this tensor's memory; a tensor that requires grad must be detached first."""
        return self.value
