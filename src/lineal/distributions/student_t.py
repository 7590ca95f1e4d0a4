"""Student's t-distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.chi2 import Chi2
from lineal.distributions.distribution import Distribution
from lineal.distributions.parameters import broadcast_all
from lineal.tensors import Tensor

__all__ = ["StudentT"]


class StudentT(Distribution):
    """p(x) = Γ((ν+1)/2) / (Γ(ν/2) √(πν) scale) (1 + y²/ν)^(-(ν+1)/2), y = (x - loc)/scale, ν = df."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _batched_ = ("df", "loc", "scale", "_chi2")

    def __init__(
        self, df: Tensor | float, loc: Tensor | float = 0.0, scale: Tensor | float = 1.0, validate_args: bool | None = None
    ):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.df > 2
        df = ops.where(finite, self.df, 3.0)
        beyond = ops.where(self.df > 1, math.inf, ops.full_like(df, math.nan))
        return ops.where(finite, self.scale.pow(2) * df / (df - 2), beyond)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        x = ops.randn(self._extended_shape(sample_shape), dtype=self.df.dtype, device=self.df.device)
        return self.loc + self.scale * x * ops.rsqrt(self._chi2.rsample(sample_shape) / self.df)

    def _log_beta_(self) -> Tensor:
        """Return log B(ν/2, ½)."""
        return ops.lgamma(0.5 * self.df) + math.lgamma(0.5) - ops.lgamma(0.5 * (self.df + 1))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        normalizer = self.scale.log() + 0.5 * self.df.log() + self._log_beta_()
        return -0.5 * (self.df + 1.0) * ops.log1p(y**2 / self.df) - normalizer

    def entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1)
        moved = half * (ops.digamma(half) - ops.digamma(0.5 * self.df))
        return self.scale.log() + moved + 0.5 * self.df.log() + self._log_beta_()
