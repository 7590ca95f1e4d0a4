"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.chances import Chances
from lineal.distributions.exp_family import ExponentialFamily
from lineal.distributions.parameters import all_true, broadcast_all, clamp_probs, lazy_property, logits_to_probs, softplus
from lineal.tensors import Tensor

__all__ = ["ContinuousBernoulli"]

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""B₂, B₄ … B₁₆, of which the series about logits of 0 are made."""
NEAR = 0.5
"""Where the series are as accurate as the closed forms elsewhere."""


def series(x: Tensor, weight: Any, power: int) -> Tensor:
    """Return Σ weight(2n) B₂ₙ/(2n)! x^(2n - power)."""
    terms = [weight(n) * b / math.factorial(n) for n, b in zip(range(2, 18, 2), BERNOULLI)]
    total: Any = 0.0
    for term in reversed(terms):
        total = total * x**2 + term
    return total * x ** (2 - power)


class ContinuousBernoulli(Chances, ExponentialFamily):
    """p(x) = C pˣ (1-p)^(1-x) on [0, 1], C = l / tanh(l/2), where l are the logits of p.   Loaiza-Ganem and Cunningham 2019.

    C, the mean ½ + ½ coth(l/2) - 1/l and the variance are quotients of 0 at l = 0. About it, and between the probabilities
    `lims`, they are computed by series.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    _batched_ = ("probs", "logits", "_param")
    _kept_ = ("_lims",)

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ):
        self._choose_(probs, logits)
        if probs is not None:
            if validate_args and not all_true(self.arg_constraints["probs"].check(self.probs)):
                raise ValueError("The parameter probs has invalid values")
            self._param = self.__dict__["probs"] = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities, none of them 0 or 1."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _pieces_(self, near: Any, far: Any) -> Tensor:
        """Return near(l) about l = 0 and far(l) elsewhere; each sees harmless numbers where it is not taken."""
        low, high = self._lims
        inside = ((self.probs > low) & (self.probs <= high)) | (self.logits.abs() < NEAR)
        return ops.where(inside, near(ops.where(inside, self.logits, 0.0)), far(ops.where(inside, 1.0, self.logits)))

    def _cont_bern_log_norm(self) -> Tensor:
        """Return log C."""
        return self._pieces_(
            lambda x: math.log(2) + series(x, lambda n: (2**n - 2) / n, 0),
            lambda x: x.abs().log() - ops.tanh(x.abs() / 2).log(),
        )

    @property
    def mean(self) -> Tensor:
        return 0.5 + self._pieces_(lambda x: series(x, lambda n: 1, 1), lambda x: 0.5 / ops.tanh(x / 2) - 1 / x)

    @property
    def variance(self) -> Tensor:
        return self._pieces_(
            lambda x: series(x, lambda n: n - 1, 2),
            # of 1/(4 sinh²), without overflow
            lambda x: x**-2 - ops.exp(-x.abs()) / ops.expm1(-x.abs()) ** 2,
        )

    def _bounded_(self) -> tuple[Tensor, Tensor]:
        """Return logits whose exponentials are finite, and where they are so small that few terms do."""
        limit = -math.log(finfo(self._param.dtype).eps)
        return self.logits.clamp(min=-limit, max=limit), self.logits.abs() < finfo(self._param.dtype).eps ** 0.2

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(ops.rand(shape, dtype=self._param.dtype, device=self._param.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return value * logits - softplus(logits) + self._cont_bern_log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        """Return (e^(lx) - 1)/(eˡ - 1); about l = 0 its first terms, Bernoulli's polynomials."""
        if self._validate_args:
            self._validate_sample(value)
        logits, near = self._bounded_()
        safe, product = ops.where(near, 1.0, logits), value * (value - 1)
        terms = value + product * logits / 2 + product * (2 * value - 1) * logits**2 / 12 + product**2 * logits**3 / 24
        inside = ops.where(near, terms, ops.expm1(safe * value) / ops.expm1(safe))
        return ops.where(value <= 0, 0.0, ops.where(value >= 1, 1.0, inside))

    def icdf(self, value: Tensor) -> Tensor:
        """Return log(1 + u (eˡ - 1))/l; about l = 0 its first terms, the cumulants of u."""
        logits, near = self._bounded_()
        safe, spread = ops.where(near, 1.0, logits), value * (1 - value)
        third = spread * (1 - 2 * value) * logits**2 / 6
        terms = value + spread * logits / 2 + third + spread * (1 - 6 * spread) * logits**3 / 24
        return ops.where(near, terms, ops.log1p(value * ops.expm1(safe)) / safe)

    def entropy(self) -> Tensor:
        return softplus(self.logits) - self.mean * self.logits - self._cont_bern_log_norm()

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        """Return log((eˣ - 1)/x)."""
        (x,) = natural_params
        near = x.abs() < NEAR
        safe = ops.where(near, 1.0, x)
        terms = series(ops.where(near, x, 0.0), lambda n: 1 / n, 0)
        return ops.where(near, x / 2 + terms, (ops.expm1(safe) / safe).log())
