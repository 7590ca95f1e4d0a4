"""Layers that put something around their input: a number, zeros, its reflection, its edge, its other end."""

from __future__ import annotations

from typing import Any, ClassVar

from lineal.nn import functional
from lineal.nn.module import Module
from lineal.nn.pooling import repeated
from lineal.tensors import Tensor


class Padding(Module):
    """What surrounds the last dimensions of the input; a subclass says of what it is, and of how many dimensions."""

    _dimensions_: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Any):
        super().__init__()
        self.padding = repeated(padding, 2 * self._dimensions_)

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad(Padding):
    """A number around the input."""

    mode = "constant"

    def __init__(self, padding: Any, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad(ConstantPad):
    """Zeros around the input."""

    def __init__(self, padding: Any):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ReflectionPad(Padding):
    """The input reflected at its edges."""

    mode = "reflect"


class ReplicationPad(Padding):
    """The edge of the input, repeated."""

    mode = "replicate"


class CircularPad(Padding):
    """The other end of the input."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        n = self._dimensions_
        if input.ndim not in (n + 1, n + 2):
            raise ValueError(f"{type(self).__name__}: expected {n + 1}D or {n + 2}D input (got {input.ndim}D input)")
        return super().forward(input)


class ConstantPad1d(ConstantPad):
    """A number around (N, C, L) or (C, L)."""

    _dimensions_ = 1


class ConstantPad2d(ConstantPad):
    """A number around (N, C, H, W) or (C, H, W)."""

    _dimensions_ = 2


class ConstantPad3d(ConstantPad):
    """A number around (N, C, D, H, W) or (C, D, H, W)."""

    _dimensions_ = 3


class ZeroPad1d(ZeroPad):
    """Zeros around (N, C, L) or (C, L)."""

    _dimensions_ = 1


class ZeroPad2d(ZeroPad):
    """Zeros around (N, C, H, W) or (C, H, W)."""

    _dimensions_ = 2


class ZeroPad3d(ZeroPad):
    """Zeros around (N, C, D, H, W) or (C, D, H, W)."""

    _dimensions_ = 3


class ReflectionPad1d(ReflectionPad):
    """The reflected input around (N, C, L) or (C, L)."""

    _dimensions_ = 1


class ReflectionPad2d(ReflectionPad):
    """The reflected input around (N, C, H, W) or (C, H, W)."""

    _dimensions_ = 2


class ReflectionPad3d(ReflectionPad):
    """The reflected input around (N, C, D, H, W) or (C, D, H, W)."""

    _dimensions_ = 3


class ReplicationPad1d(ReplicationPad):
    """The repeated edge around (N, C, L) or (C, L)."""

    _dimensions_ = 1


class ReplicationPad2d(ReplicationPad):
    """The repeated edge around (N, C, H, W) or (C, H, W)."""

    _dimensions_ = 2


class ReplicationPad3d(ReplicationPad):
    """The repeated edge around (N, C, D, H, W) or (C, D, H, W)."""

    _dimensions_ = 3


class CircularPad1d(CircularPad):
    """The other end of the input around (N, C, L) or (C, L)."""

    _dimensions_ = 1


class CircularPad2d(CircularPad):
    """The other end of the input around (N, C, H, W) or (C, H, W)."""

    _dimensions_ = 2


class CircularPad3d(CircularPad):
    """The other end of the input around (N, C, D, H, W) or (C, D, H, W)."""

    _dimensions_ = 3
