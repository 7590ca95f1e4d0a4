"""The Pareto distribution."""

from __future__ import annotations

from lineal.distributions import constraints
from lineal.distributions.exponential import Exponential
from lineal.distributions.number_transforms import AffineTransform, ExpTransform
from lineal.distributions.parameters import broadcast_all
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.tensors import Tensor

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """p(x) = alpha scale^alpha / x^(alpha+1) for x ≥ scale."""

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    _batched_ = ("scale", "alpha")

    def __init__(self, scale: Tensor | float, alpha: Tensor | float, validate_args: bool | None = None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        transforms = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(Exponential(self.alpha, validate_args=validate_args), transforms, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Numbers from the scale on."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
