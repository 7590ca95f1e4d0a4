"""Layers that make signals, images and volumes smaller by windows, and larger again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from lineal.base.signatures import Dims
from lineal.nn import functional
from lineal.nn.module import Module
from lineal.tensors import Tensor


def repeated(given: Any, count: int) -> tuple:
    """Return a number as a tuple of `count` numbers, a sequence as a tuple."""
    return tuple(given) if isinstance(given, Sequence) else (given,) * count


class MaxPool(Module):
    """The largest element of each window; a subclass says over how many dimensions."""

    _function_: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Dims,
        stride: Dims | None = None,
        padding: Dims = 0,
        dilation: Dims = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self)._function_(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(MaxPool):
    """The largest element of each window of input (N, C, L) or (C, L)."""

    _function_ = staticmethod(functional.max_pool1d)


class MaxPool2d(MaxPool):
    """The largest element of each window of input (N, C, H, W) or (C, H, W)."""

    _function_ = staticmethod(functional.max_pool2d)


class MaxPool3d(MaxPool):
    """The largest element of each window of input (N, C, D, H, W) or (C, D, H, W)."""

    _function_ = staticmethod(functional.max_pool3d)


class MaxUnpool(Module):
    """Zeros, with each element where max pooling had found it; a subclass says over how many dimensions."""

    _dimensions_: ClassVar[int]
    _function_: ClassVar[Callable[..., Any]]

    def __init__(self, kernel_size: Dims, stride: Dims | None = None, padding: Dims = 0):
        super().__init__()
        self.kernel_size = repeated(kernel_size, self._dimensions_)
        self.stride = repeated(stride if stride is not None else kernel_size, self._dimensions_)
        self.padding = repeated(padding, self._dimensions_)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return type(self)._function_(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(MaxUnpool):
    """The inverse of `MaxPool1d`."""

    _dimensions_ = 1
    _function_ = staticmethod(functional.max_unpool1d)


class MaxUnpool2d(MaxUnpool):
    """The inverse of `MaxPool2d`."""

    _dimensions_ = 2
    _function_ = staticmethod(functional.max_unpool2d)


class MaxUnpool3d(MaxUnpool):
    """The inverse of `MaxPool3d`."""

    _dimensions_ = 3
    _function_ = staticmethod(functional.max_unpool3d)


class AvgPool1d(Module):
    """The mean of each window of input (N, C, L) or (C, L)."""

    def __init__(
        self,
        kernel_size: Dims,
        stride: Dims | None = None,
        padding: Dims = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__()
        self.kernel_size = repeated(kernel_size, 1)
        self.stride = repeated(stride if stride is not None else kernel_size, 1)
        self.padding = repeated(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool(Module):
    """The mean of each window; a subclass says over which two or three dimensions."""

    _function_: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Dims,
        stride: Dims | None = None,
        padding: Dims = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function_(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(AvgPool):
    """The mean of each window of input (N, C, H, W) or (C, H, W)."""

    _function_ = staticmethod(functional.avg_pool2d)


class AvgPool3d(AvgPool):
    """The mean of each window of input (N, C, D, H, W) or (C, D, H, W)."""

    _function_ = staticmethod(functional.avg_pool3d)


class LPPool(Module):
    """(Σ xᵖ)^(1/p) of each window; a subclass says over how many dimensions."""

    _function_: ClassVar[Callable[..., Any]]

    def __init__(self, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function_(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, ceil_mode={self.ceil_mode}"


class LPPool1d(LPPool):
    """(Σ xᵖ)^(1/p) of each window of input (N, C, L) or (C, L)."""

    _function_ = staticmethod(functional.lp_pool1d)


class LPPool2d(LPPool):
    """(Σ xᵖ)^(1/p) of each window of input (N, C, H, W) or (C, H, W)."""

    _function_ = staticmethod(functional.lp_pool2d)


class LPPool3d(LPPool):
    """(Σ xᵖ)^(1/p) of each window of input (N, C, D, H, W) or (C, D, H, W)."""

    _function_ = staticmethod(functional.lp_pool3d)
