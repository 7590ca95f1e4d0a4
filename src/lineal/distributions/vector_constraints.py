"""Constraints of vectors: shares, counts, choices."""

from __future__ import annotations

from typing import Any

from lineal.distributions.constraining import Constraint
from lineal.distributions.joint_constraints import independent
from lineal.distributions.number_constraints import boolean, real
from lineal.tensors import Tensor

__all__ = ["multinomial", "one_hot", "real_vector", "simplex"]


class _OneHot(Constraint):
    """Zeros and one 1."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class _Simplex(Constraint):
    """Numbers of at least 0 whose sum is 1, to within 10⁻⁶."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Numbers of at least 0 whose sum is at most upper_bound."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any):
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


one_hot = _OneHot()
simplex = _Simplex()
multinomial = _Multinomial
real_vector = independent(real, 1)
