"""Transforms of single numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.parameters import NUMBERS, broadcast_all, lazy_property, softplus, sum_rightmost
from lineal.distributions.transforming import Stateless, Transform
from lineal.tensors import Tensor

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftplusTransform",
    "TanhTransform",
    "clipped_sigmoid",
]


class ExpTransform(Stateless):
    """y = exp(x)."""

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = +1

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class Broadcasting(Transform):
    """A transform by numbers that broadcast with its arguments."""

    def _parameters_(self) -> tuple[Any, ...]:
        raise NotImplementedError(f"{type(self).__name__}: _parameters is not implemented")

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return Size(ops.broadcast_shapes(shape, *[getattr(each, "shape", ()) for each in self._parameters_()]))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return self.forward_shape(shape)


class PowerTransform(Broadcasting):
    """y = x^exponent of positive numbers."""

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Tensor | float, cache_size: int = 0):
        super().__init__(cache_size=cache_size)
        (self.exponent,) = broadcast_all(exponent)

    def _arguments_(self) -> tuple[Any, ...]:
        return (self.exponent,)

    _parameters_ = _arguments_

    @lazy_property
    def sign(self) -> Any:
        """The exponent's."""
        return self.exponent.sign()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and bool((self.exponent == other.exponent).all())

    def _call(self, x: Tensor) -> Tensor:
        return x.pow(self.exponent)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()


def clipped_sigmoid(x: Tensor) -> Tensor:
    """Return 1/(1 + exp(-x)), at least the least normal number and at most 1 - an epsilon."""
    limits = finfo(x.dtype)
    return ops.sigmoid(x).clamp(min=limits.tiny, max=1.0 - limits.eps)


class SigmoidTransform(Stateless):
    """y = 1/(1 + exp(-x)), never 0 nor 1."""

    domain = constraints.real
    codomain = constraints.unit_interval
    bijective = True
    sign = +1

    def _call(self, x: Tensor) -> Tensor:
        return clipped_sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        limits = finfo(y.dtype)
        y = y.clamp(min=limits.tiny, max=1.0 - limits.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -softplus(-x) - softplus(x)


class SoftplusTransform(Stateless):
    """y = log(1 + exp(x))."""

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = +1

    def _call(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -softplus(-x)


class TanhTransform(Stateless):
    """y = tanh(x). Where tanh rounds to ±1, the inverse is ±∞; composed of a sigmoid and an affine transform it is finite."""

    domain = constraints.real
    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    sign = +1

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.atanh(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log(1 - tanh² x) = 2 (log 2 - x - log(1 + exp(-2x))), which does not cancel."""
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AbsTransform(Stateless):
    """y = |x|, of which y is one inverse."""

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


def equal(a: Any, b: Any) -> bool:
    """Return whether two numbers or tensors of them are equal."""
    same = a == b
    return same if isinstance(same, bool) else bool(same.all())


class AffineTransform(Broadcasting):
    """y = loc + scale x, of arguments of `event_dim` dimensions."""

    bijective = True

    def __init__(self, loc: Tensor | float, scale: Tensor | float, event_dim: int = 0, cache_size: int = 0):
        super().__init__(cache_size=cache_size)
        self.loc = loc
        self.scale = scale
        self._event_dim = event_dim

    def _arguments_(self) -> tuple[Any, ...]:
        return self.loc, self.scale, self._event_dim

    def _parameters_(self) -> tuple[Any, ...]:
        return self.loc, self.scale

    @property
    def event_dim(self) -> int:
        """The dimensions of an argument."""
        return self._event_dim

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        """Real numbers."""
        return constraints.independent(constraints.real, self.event_dim) if self.event_dim else constraints.real

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:
        """Real numbers."""
        return self.domain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AffineTransform) and equal(self.loc, other.loc) and equal(self.scale, other.scale)

    @property
    def sign(self) -> Any:
        """The scale's."""
        if isinstance(self.scale, NUMBERS):
            return (self.scale > 0) - (self.scale < 0)
        return self.scale.sign()

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if isinstance(self.scale, NUMBERS):
            result = ops.full_like(x, math.log(abs(self.scale)))
        else:
            result = self.scale.abs().log().expand(ops.broadcast_shapes(x.shape, self.scale.shape))
        return sum_rightmost(result, self.event_dim)


class CumulativeDistributionTransform(Transform):
    """y = the probability of at most x: uniform if x is of the distribution."""

    bijective = True
    codomain = constraints.unit_interval
    sign = +1

    def __init__(self, distribution: Any, cache_size: int = 0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    def _arguments_(self) -> tuple[Any, ...]:
        return (self.distribution,)

    @property
    def domain(self) -> Any:
        """The distribution's support."""
        return self.distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
