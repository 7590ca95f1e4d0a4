"""The normal distribution whose covariance matrix is one of low rank and a diagonal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import linalg, ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.distribution import Distribution
from lineal.distributions.gaussian_algebra import log_diagonal, mahalanobis, matrix_vector, whitened
from lineal.distributions.parameters import lazy_property
from lineal.tensors import Tensor

__all__ = ["LowRankMultivariateNormal"]


def plus_identity(A: Tensor) -> Tensor:
    """Return A + I."""
    return A + ops.eye(A.shape[-1], dtype=A.dtype, device=A.device)


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of the covariance W Wᵀ + D: W = cov_factor (…, n, m), D = diag(cov_diag), m < n.

    With the capacitance C = I + Wᵀ D⁻¹ W its inverse is D⁻¹ - D⁻¹ W C⁻¹ Wᵀ D⁻¹ (Woodbury) and its determinant |C| |D|.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _batched_ = ("loc", "cov_factor", "cov_diag")
    _kept_ = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None):
        self._check_shapes_(loc, cov_factor, cov_diag)
        try:
            batch_shape = ops.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = loc.expand((*batch_shape, -1)), cov_diag.expand((*batch_shape, -1))
        self.cov_factor = cov_factor.expand((*batch_shape, -1, -1))
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = linalg.cholesky(plus_identity(self._scaled_factor_() @ cov_factor))
        super().__init__(batch_shape, loc.shape[-1:], validate_args=validate_args)

    def _check_shapes_(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")

    def _scaled_factor_(self) -> Tensor:
        """Return Wᵀ D⁻¹."""
        return self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)

    def _full_shape_(self) -> Size:
        return self._batch_shape + self._event_shape * 2

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        variance = self._unbroadcasted_cov_factor.square().sum(-1) + self._unbroadcasted_cov_diag
        return variance.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower triangular factor L of the covariance: √D times that of I + (D^-½ W)(D^-½ W)ᵀ."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        W = self._unbroadcasted_cov_factor / root
        return (root * linalg.cholesky(plus_identity(W @ W.mT))).expand(self._full_shape_())

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """W Wᵀ + D."""
        W = self._unbroadcasted_cov_factor
        return (W @ W.mT + ops.diag_embed(self._unbroadcasted_cov_diag)).expand(self._full_shape_())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        A = whitened(self._capacitance_tril, self._scaled_factor_())
        return (ops.diag_embed(self._unbroadcasted_cov_diag.reciprocal()) - A.mT @ A).expand(self._full_shape_())

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        options = {"dtype": self.loc.dtype, "device": self.loc.device}
        shared = ops.randn((*shape[:-1], self.cov_factor.shape[-1]), **options)
        own = self._unbroadcasted_cov_diag.sqrt() * ops.randn(shape, **options)
        return self.loc + matrix_vector(self._unbroadcasted_cov_factor, shared) + own

    def _log_det_(self) -> Tensor:
        """Return the logarithm of the covariance's determinant."""
        return 2 * log_diagonal(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)

    def _distance_(self, x: Tensor) -> Tensor:
        """Return xᵀ Σ⁻¹ x."""
        near = (x.square() / self._unbroadcasted_cov_diag).sum(-1)
        return near - mahalanobis(self._capacitance_tril, matrix_vector(self._scaled_factor_(), x))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + self._log_det_() + self._distance_(value - self.loc))

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (0.5 * (constant + self._log_det_())).expand(self._batch_shape)
