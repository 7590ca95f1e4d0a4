"""Layers that move a kernel over images of one, two or three axes, and their adjoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from lineal.base.signatures import Device, Dims, DType
from lineal.nn import functional, init
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.ops import empty
from lineal.tensors import Tensor

MODES = ("zeros", "reflect", "replicate", "circular")


class ConvNd(Module):
    """What convolutions share: `weight` (out, in / groups, *kernel) or, transposed, (in, out / groups, *kernel), and `bias`.

    Both start uniform in ±1/√(inputs of one output). A subclass says how many axes its images have.
    """

    _axes_: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        sizes: tuple[Dims, Dims, Dims | str, Dims, Dims],
        groups: int,
        bias: bool,
        padding_mode: str,
        place: dict[str, Any],
    ):
        super().__init__()
        kernel, stride, padding, dilation, output_padding = sizes
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.dilation = map(self._for_each_, (kernel, stride, dilation))
        self.padding = padding if isinstance(padding, str) else self._for_each_(padding)
        self.output_padding = self._for_each_(output_padding)
        self.groups = groups
        self.padding_mode = padding_mode
        self._require_sense_()
        self._reversed_padding_repeated_twice = self._widths_()
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(empty(outer, inner // groups, *self.kernel_size, **place))
        self.register_parameter("bias", Parameter(empty(out_channels, **place)) if bias else None)
        self.reset_parameters()

    def _for_each_(self, given: Any) -> tuple[int, ...]:
        """Return one number for each axis."""
        return tuple(given) if isinstance(given, Sequence) else (given,) * self._axes_

    def _require_sense_(self) -> None:
        """Raise ValueError unless the channels go into the groups and the words are known."""
        name, groups = self._get_name(), self.groups
        if groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer, got {groups}")
        for what in ("in_channels", "out_channels"):
            if getattr(self, what) % groups:
                raise ValueError(f"{name}: {what} must be divisible by groups, got {getattr(self, what)} and {groups}")
        if isinstance(self.padding, str):
            if self.padding not in ("valid", "same"):
                raise ValueError(f"{name}: Invalid padding string {self.padding!r}, should be one of 'valid', 'same'")
            if self.padding == "same" and any(each != 1 for each in self.stride):
                raise ValueError(f"{name}: padding='same' is not supported for strided convolutions, got stride {self.stride}")
        if self.padding_mode not in MODES:
            raise ValueError(f"{name}: padding_mode must be one of {MODES}, but got padding_mode={self.padding_mode!r}")

    def _widths_(self) -> list[int]:
        """Return what is put before and after each axis, the last one first."""
        if self.padding == "same":
            total = [far * (side - 1) for far, side in zip(self.dilation, self.kernel_size)]
            pairs = [(each // 2, each - each // 2) for each in total]
        else:
            pairs = [(0, 0)] * self._axes_ if self.padding == "valid" else [(int(each), int(each)) for each in self.padding]
        return [width for pair in reversed(pairs) for width in pair]

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        inputs = init.fans(self.weight)[0]
        if self.bias is not None and inputs:
            bound = 1 / math.sqrt(inputs)
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        found = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        usual = {"padding": (0,), "dilation": (1,), "output_padding": (0,)}
        for name, number in usual.items():
            given = getattr(self, name)
            found += f", {name}={given}" if given != number * self._axes_ else ""
        found += f", groups={self.groups}" if self.groups != 1 else ""
        found += ", bias=False" if self.bias is None else ""
        return found + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class Convolving(ConvNd):
    """A convolution; `padding_mode` says what lies around the image: zeros, its mirror image, its edge, or it itself again."""

    _function_: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        place = {"device": device, "dtype": dtype}
        super().__init__(
            in_channels, out_channels, (kernel_size, stride, padding, dilation, 0), groups, bias, padding_mode, place
        )

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = functional.pad(input, self._reversed_padding_repeated_twice, self.padding_mode)
            padding = 0
        return type(self)._function_(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(Convolving):
    """Σ weight[o, c, r] x[n, c, i · stride + r · dilation - padding] + bias[o]: x (N, C, L) or (C, L)."""

    _axes_ = 1
    _function_ = staticmethod(functional.conv1d)


class Conv2d(Convolving):
    """The convolution of images (N, C, H, W) or (C, H, W)."""

    _axes_ = 2
    _function_ = staticmethod(functional.conv2d)


class Conv3d(Convolving):
    """The convolution of images (N, C, D, H, W) or (C, D, H, W)."""

    _axes_ = 3
    _function_ = staticmethod(functional.conv3d)


class Transposed(ConvNd):
    """A transposed convolution; `output_padding` makes the result longer where several lengths come from one `stride`."""

    transposed = True
    _function_: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        if padding_mode != "zeros":
            raise ValueError(f'{type(self).__name__}: Only "zeros" padding mode is supported, got {padding_mode!r}')
        place, sizes = {"device": device, "dtype": dtype}, (kernel_size, stride, padding, dilation, output_padding)
        super().__init__(in_channels, out_channels, sizes, groups, bias, padding_mode, place)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        more = self.output_padding if output_size is None else self._longer_(input, list(output_size))
        return type(self)._function_(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _longer_(self, input: Tensor, wanted: list[int]) -> list[int]:
        """Return the output padding that gives the wanted size; ValueError if none does."""
        name, batch = self._get_name(), input.ndim - self._axes_
        if len(wanted) == input.ndim:
            wanted = wanted[batch:]
        if len(wanted) != self._axes_:
            raise ValueError(
                f"{name}: for {input.ndim}D input, output_size must have {self._axes_} or {input.ndim} elements "
                f"(got {len(wanted)})"
            )
        # one of each axis's two widths, the first axis first
        pads = self._reversed_padding_repeated_twice[::-2]
        fields = zip(input.shape[batch:], self.stride, pads, self.dilation, self.kernel_size)
        least = [(n - 1) * step - 2 * pad + far * (side - 1) + 1 for n, step, pad, far, side in fields]
        most = [size + step - 1 for size, step in zip(least, self.stride)]
        if any(not low <= size <= high for low, size, high in zip(least, wanted, most)):
            raise ValueError(
                f"{name}: requested an output size of {wanted}, but valid sizes range from {least} to {most} "
                f"(for an input of {list(input.shape[batch:])})"
            )
        return [size - low for size, low in zip(wanted, least)]


class ConvTranspose1d(Transposed):
    """The adjoint of `Conv1d`: images (N, C, L) or (C, L)."""

    _axes_ = 1
    _function_ = staticmethod(functional.conv_transpose1d)


class ConvTranspose2d(Transposed):
    """The adjoint of `Conv2d`: images (N, C, H, W) or (C, H, W)."""

    _axes_ = 2
    _function_ = staticmethod(functional.conv_transpose2d)


class ConvTranspose3d(Transposed):
    """The adjoint of `Conv3d`: images (N, C, D, H, W) or (C, D, H, W)."""

    _axes_ = 3
    _function_ = staticmethod(functional.conv_transpose3d)
