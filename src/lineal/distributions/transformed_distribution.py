"""The distribution of what transforms make of a random number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.distribution import Distribution
from lineal.distributions.independent import Independent
from lineal.distributions.parameters import sum_rightmost
from lineal.distributions.transforming import ComposeTransform, Transform
from lineal.tensors import Tensor

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """y = t(x) for x of the base distribution: log p(y) = log p(x) - log |dy/dx|.

    >>> import lineal
    >>> D = lineal.distributions
    >>> D.TransformedDistribution(D.Normal(0.0, 1.0), [D.ExpTransform()]).log_prob(lineal.tensor(1.0))
    tensor(-0.9189)
    """

    arg_constraints: Any = {}
    _batched_ = ()

    def __init__(
        self, base_distribution: Distribution, transforms: Transform | list[Transform], validate_args: bool | None = None
    ):
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not (isinstance(self.transforms, list) and all(isinstance(each, Transform) for each in self.transforms)):
            raise ValueError(f"transforms must be a Transform or a list of Transforms, but was {transforms}")
        transform = ComposeTransform(self.transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        domain, codomain = transform.domain.event_dim, transform.codomain.event_dim
        if len(shape) < domain:
            raise ValueError(f"base_distribution needs to have shape with size at least {domain}, but got {shape}.")
        given = len(base_distribution.event_shape)
        forward = transform.forward_shape(shape)
        wanted = transform.inverse_shape(forward)
        if shape != wanted:
            base_distribution = base_distribution.expand(wanted[: len(wanted) - given])
        self.base_dist: Any = Independent(base_distribution, domain - given) if domain > given else base_distribution
        cut = len(forward) - max(codomain, given + codomain - domain)
        super().__init__(forward[:cut], forward[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        owner = next(each for each in type(self).__mro__ if "_batched_" in vars(each))
        new = self._get_checked_instance(owner, _instance)
        batch_shape = Size(batch_shape)
        shape = ComposeTransform(self.transforms).inverse_shape(batch_shape + self.event_shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        new.transforms = self.transforms
        for name in self._batched_:
            new.__dict__[name] = self.__dict__[name].expand(batch_shape)
        return self._expanded_(new, batch_shape)

    def _image_(self) -> Any:
        """Return what the last transform gives."""
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self.event_shape) - support.event_dim
        return constraints.independent(support, more) if more > 0 else support

    support: Any = constraints.dependent_property(_image_, is_discrete=False)
    has_rsample: Any = property(lambda self: self.base_dist.has_rsample)

    def _forward_(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            return self._forward_(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        return self._forward_(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self.event_shape)
        slope: Any = 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            term = transform.log_abs_det_jacobian(x, value)
            slope = slope + sum_rightmost(term, event_dim - transform.domain.event_dim)
            value = x
        return sum_rightmost(self.base_dist.log_prob(value), event_dim - len(self.base_dist.event_shape)) - slope

    def _monotonize_cdf(self, value: Tensor) -> Tensor:
        """Return 1 - value where the transforms decrease."""
        sign = ComposeTransform(self.transforms).sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotonize_cdf(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._forward_(self.base_dist.icdf(self._monotonize_cdf(value)))
