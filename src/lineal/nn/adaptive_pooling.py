"""Layers that pool to a size: by windows that cover the input, or that lie at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from lineal.base.signatures import Dims
from lineal.nn import functional
from lineal.nn.module import Module
from lineal.nn.pooling import repeated
from lineal.tensors import Tensor


class AdaptiveAvgPool(Module):
    """The means of `output_size` windows; a subclass says over how many dimensions."""

    _function_: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function_(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """The means of `output_size` windows that cover (N, C, L) or (C, L)."""

    _function_ = staticmethod(functional.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """The means of windows that cover (N, C, H, W) or (C, H, W); None keeps a dimension's size."""

    _function_ = staticmethod(functional.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """The means of windows that cover (N, C, D, H, W) or (C, D, H, W); None keeps a dimension's size."""

    _function_ = staticmethod(functional.adaptive_avg_pool3d)


class AdaptiveMaxPool(Module):
    """The largest elements of `output_size` windows; a subclass says over how many dimensions."""

    _function_: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any, return_indices: bool = False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self)._function_(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest elements of `output_size` windows that cover (N, C, L) or (C, L)."""

    _function_ = staticmethod(functional.adaptive_max_pool1d)


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest elements of windows that cover (N, C, H, W) or (C, H, W); None keeps a dimension's size."""

    _function_ = staticmethod(functional.adaptive_max_pool2d)


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The largest elements of windows that cover (N, C, D, H, W) or (C, D, H, W); None keeps a dimension's size."""

    _function_ = staticmethod(functional.adaptive_max_pool3d)


class FractionalMaxPool(Module):
    """The largest elements of windows at random places; a subclass says over how many dimensions."""

    _dimensions_: ClassVar[int]
    _function_: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Dims,
        output_size: Dims | None = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ):
        super().__init__()
        name, n = type(self).__name__, self._dimensions_
        self.kernel_size = repeated(kernel_size, n)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else repeated(output_size, n)
        self.output_ratio = None if output_ratio is None else repeated(output_ratio, n)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError(f"{name}: only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        return type(self)._function_(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(FractionalMaxPool):
    """The largest elements of windows at random places of (N, C, H, W) or (C, H, W)."""

    _dimensions_ = 2
    _function_ = staticmethod(functional.fractional_max_pool2d)


class FractionalMaxPool3d(FractionalMaxPool):
    """The largest elements of windows at random places of (N, C, D, H, W) or (C, D, H, W)."""

    _dimensions_ = 3
    _function_ = staticmethod(functional.fractional_max_pool3d)
