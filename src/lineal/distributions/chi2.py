"""The χ² distribution."""

from __future__ import annotations

from lineal.distributions import constraints
from lineal.distributions.gamma import Gamma
from lineal.tensors import Tensor

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The gamma distribution of concentration df/2 and rate ½: the sum of df squares of standard normal numbers."""

    arg_constraints = {"df": constraints.positive}
    _batched_ = ("concentration", "rate")

    def __init__(self, df: Tensor | float, validate_args: bool | None = None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
