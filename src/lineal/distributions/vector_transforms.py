"""Transforms of vectors and of shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.number_transforms import clipped_sigmoid
from lineal.distributions.transforming import Stateless, Transform, require_dims
from lineal.nn.functional import logsigmoid, pad
from lineal.tensors import Tensor

__all__ = ["ReshapeTransform", "SoftmaxTransform", "StickBreakingTransform"]


class ReshapeTransform(Transform):
    """The last dimensions of the shape `in_shape` take the shape `out_shape`."""

    bijective = True

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0):
        self.in_shape = Size(in_shape)
        self.out_shape = Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            shapes = f"{list(in_shape)} and {list(out_shape)}"
            raise ValueError(f"ReshapeTransform: in_shape, out_shape have different numbers of elements: {shapes}")
        super().__init__(cache_size=cache_size)

    def _arguments_(self) -> tuple[Any, ...]:
        return self.in_shape, self.out_shape

    @constraints.dependent_property
    def domain(self) -> Any:
        """Real numbers in the one shape."""
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> Any:
        """Real numbers in the other."""
        return constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return replaced(shape, self.out_shape, self.in_shape)


def replaced(shape: Sequence[int], end: Size, other: Size) -> Size:
    """Return a shape with another end; ValueError if its end is not the one that is told."""
    require_dims(shape, len(end))
    cut = len(shape) - len(end)
    if tuple(shape[cut:]) != tuple(end):
        raise ValueError(f"Shape mismatch: expected {Size(shape[cut:])} but got {end}")
    return Size(shape[:cut]) + other


class SoftmaxTransform(Stateless):
    """y = exp(x) divided by its sum; the inverse is log(y), whose softmax is y."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return ops.softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Sequence[int]) -> Size:
        require_dims(shape, 1)
        return Size(shape)

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return self.forward_shape(shape)


class StickBreakingTransform(Stateless):
    """k-1 numbers make k shares: each says which part of what is left is broken off the stick.

    yᵢ = zᵢ Π (1 - zⱼ), j < i, and zᵢ = sigmoid(xᵢ - log(k-i)), i = 1 … k-1, so that zeros make equal shares.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _offset_(self, x: Tensor, count: int) -> Tensor:
        return ops.arange(count, 0, -1, dtype=x.dtype, device=x.device).log()

    def _call(self, x: Tensor) -> Tensor:
        z = clipped_sigmoid(x - self._offset_(x, x.shape[-1]))
        left = (1 - z).cumprod(-1)
        return pad(z, [0, 1], value=1) * pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        shares = y[..., :-1]
        left = (1 - shares.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return shares.log() - left.log() + self._offset_(y, shares.shape[-1])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - self._offset_(x, x.shape[-1])
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        require_dims(shape, 1)
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        require_dims(shape, 1)
        return Size((*shape[:-1], shape[-1] - 1))
