"""Layers that lay blocks of images out as columns, and add columns up to images."""

from __future__ import annotations

from lineal.base.signatures import Dims
from lineal.nn import functional
from lineal.nn.module import Module
from lineal.tensors import Tensor


class Unfold(Module):
    """The blocks that a kernel sees of images (N, C, H, W), each as a column: (N, C · kernel, places)."""

    def __init__(self, kernel_size: Dims, dilation: Dims = 1, padding: Dims = 0, stride: Dims = 1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Images (N, C, *output_size) to which columns (N, C · kernel, places) are added where a kernel would have seen them."""

    def __init__(self, output_size: Dims, kernel_size: Dims, dilation: Dims = 1, padding: Dims = 0, stride: Dims = 1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
