"""Convolutions that learn their input channels from their first input."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Device, Dims, DType
from lineal.nn.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from lineal.nn.lazy import LazyModuleMixin
from lineal.nn.parameter import UninitializedParameter, is_lazy
from lineal.tensors import Tensor


class LazyChannels(LazyModuleMixin):
    """A convolution whose `in_channels` are the channels of its first input."""

    def _wait_(self, out_channels: int, bias: bool, device: Device | None, dtype: DType | None) -> None:
        """Let the parameters wait for their shapes."""
        me: Any = self
        me.weight = UninitializedParameter(device=device, dtype=dtype)
        me.out_channels = out_channels
        if bias:
            me.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new starting values, once there are channels."""
        if not self.has_uninitialized_params() and self.in_channels != 0:  # type: ignore[attr-defined]
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *rest: Any, **more: Any) -> None:
        """Take as many input channels as the input has."""
        me: Any = self
        if not self.has_uninitialized_params():
            return
        me.in_channels = self._channels_of_(input)
        me._require_sense_()
        outer, inner = (me.in_channels, me.out_channels) if me.transposed else (me.out_channels, me.in_channels)
        for each, shape in ((me.weight, (outer, inner // me.groups, *me.kernel_size)), (me.bias, (me.out_channels,))):
            if is_lazy(each):
                each.materialize(shape)
        self.reset_parameters()

    def _channels_of_(self, input: Tensor) -> int:
        """Return the channels of an input (N, C, *) or (C, *); RuntimeError if it has another number of dimensions."""
        me: Any = self
        if input.ndim not in (me._axes_ + 1, me._axes_ + 2):
            raise RuntimeError(
                f"{type(self).__name__}: Expected {me._axes_ + 1}D (unbatched) or {me._axes_ + 2}D (batched) input, "
                f"but got input of size: {list(input.shape)}"
            )
        return input.shape[-me._axes_ - 1]


class LazyConvolving(LazyChannels):
    """A convolution that learns its input channels."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Dims,
        stride: Dims = 1,
        padding: Dims | str = 0,
        dilation: Dims = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._wait_(out_channels, bias, device, dtype)


class LazyTransposed(LazyChannels):
    """A transposed convolution that learns its input channels."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Dims,
        stride: Dims = 1,
        padding: Dims = 0,
        output_padding: Dims = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Dims = 1,
        padding_mode: str = "zeros",
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        sizes = kernel_size, stride, padding, output_padding
        super().__init__(0, 0, *sizes, groups, False, dilation, padding_mode, device, dtype)
        self._wait_(out_channels, bias, device, dtype)


class LazyConv1d(LazyConvolving, Conv1d):
    """A `Conv1d` that learns its input channels from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(LazyConvolving, Conv2d):
    """A `Conv2d` that learns its input channels from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(LazyConvolving, Conv3d):
    """A `Conv3d` that learns its input channels from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(LazyTransposed, ConvTranspose1d):
    """A `ConvTranspose1d` that learns its input channels from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(LazyTransposed, ConvTranspose2d):
    """A `ConvTranspose2d` that learns its input channels from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(LazyTransposed, ConvTranspose3d):
    """A `ConvTranspose3d` that learns its input channels from its first input."""

    cls_to_become = ConvTranspose3d
