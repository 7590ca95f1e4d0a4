"""The normal distribution of several variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal import linalg, ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.distribution import Distribution
from lineal.distributions.gaussian_algebra import log_diagonal, mahalanobis, matrix_vector, precision_to_scale_tril
from lineal.distributions.parameters import lazy_property
from lineal.tensors import Tensor

__all__ = ["OfMatrix", "MultivariateNormal"]


class OfMatrix(Distribution):
    """A distribution of one positive definite matrix, given as it is, by its inverse, or by its Cholesky factor."""

    _unbroadcasted_scale_tril: Tensor

    def _matrix_shape_(self) -> Size:
        return self._batch_shape + self._event_shape[-1:] * 2

    def _take_factor_(self, covariance_matrix: Any, precision_matrix: Any, scale_tril: Any) -> None:
        if scale_tril is not None:
            self._unbroadcasted_scale_tril = scale_tril
        elif covariance_matrix is not None:
            self._unbroadcasted_scale_tril = linalg.cholesky(covariance_matrix)
        else:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(precision_matrix)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower triangular factor L of the matrix L Lᵀ."""
        return self._unbroadcasted_scale_tril.expand(self._matrix_shape_())

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The matrix."""
        L = self._unbroadcasted_scale_tril
        return (L @ L.mT).expand(self._matrix_shape_())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Its inverse."""
        return ops.cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._matrix_shape_())


def only_matrix(error: type[Exception], **matrices: Any) -> tuple[str, Tensor]:
    """Return the name of the one matrix that is given, and it; an error unless it is one, of at least two dimensions."""
    given = [(name, each) for name, each in matrices.items() if each is not None]
    if len(given) != 1:
        raise error("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
    ((name, matrix),) = given
    if matrix.dim() < 2:
        raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
    return name, matrix


class MultivariateNormal(OfMatrix):
    """p(x) = exp(-½ (x - loc)ᵀ Σ⁻¹ (x - loc)) / √|2πΣ| for the covariance matrix Σ, its inverse, or its factor L, Σ = L Lᵀ.

    Rasmussen and Williams 2006, eq. A.6. The factor is what is computed with: `scale_tril` costs no factorisation.

    >>> import lineal
    >>> lineal.distributions.MultivariateNormal(lineal.zeros(2), lineal.eye(2)).log_prob(lineal.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _batched_ = ("loc", "covariance_matrix", "precision_matrix", "scale_tril")
    _kept_ = ("_unbroadcasted_scale_tril",)

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = only_matrix(
            ValueError, covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        batch_shape = Size(ops.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1]))
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._take_factor_(covariance_matrix, precision_matrix, scale_tril)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._unbroadcasted_scale_tril.square().sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        x = ops.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + matrix_vector(self._unbroadcasted_scale_tril, x)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        L = self._unbroadcasted_scale_tril
        distance = mahalanobis(L, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - log_diagonal(L)

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (constant + log_diagonal(self._unbroadcasted_scale_tril)).expand(self._batch_shape)
