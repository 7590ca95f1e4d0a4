"""The Wishart distribution of positive definite matrices."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from lineal import linalg, ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.chi2 import Chi2
from lineal.distributions.exp_family import ExponentialFamily
from lineal.distributions.gaussian_algebra import log_diagonal
from lineal.distributions.multivariate_normal import OfMatrix, only_matrix
from lineal.distributions.parameters import NUMBERS, all_true
from lineal.tensors import Tensor, tensor

__all__ = ["Wishart"]


class Wishart(OfMatrix, ExponentialFamily):
    """The sum of ν = df outer products of normal vectors of p numbers and covariance V; ν > p-1 need not be whole.

    log p(X) = ½ (ν-p-1) log|X| - ½ tr(V⁻¹ X) - ½ ν p log 2 - ½ ν log|V| - log Γₚ(ν/2).   Bishop 2006, eq. B.78. Samples are
    made by Bartlett's decomposition, L A Aᵀ Lᵀ. Where ν < p they may be singular to working precision.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _batched_ = ("df", "covariance_matrix", "precision_matrix", "scale_tril")
    _kept_ = ("_unbroadcasted_scale_tril",)

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        name, matrix = only_matrix(
            AssertionError, covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        if isinstance(df, NUMBERS):
            df = tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = Size(ops.broadcast_shapes(matrix.shape[:-2], df.shape))
        self.df = df.expand(batch_shape)
        self._require_freedom_(matrix.shape[-1])
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._take_factor_(covariance_matrix, precision_matrix, scale_tril)

    def _require_freedom_(self, p: int) -> None:
        if not all_true(self.df > p - 1):
            raise ValueError(f"Value of df={self.df} expected to be greater than ndim - 1 = {p - 1}.")
        if not all_true(self.df >= p):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.", stacklevel=3
            )

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """Where the parameters may be."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    @property
    def mean(self) -> Tensor:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self.event_shape[-1] - 1
        return ops.where(factor > 0, factor, math.nan)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        V = self.covariance_matrix
        diagonal = V.diagonal(dim1=-2, dim2=-1)
        return self.df[..., None, None] * (V.square() + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _reduced_(self, x: Tensor) -> Tensor:
        """Return x - i for i = 0 … p-1, along a last dimension."""
        return x.unsqueeze(-1) - ops.arange(self._event_shape[-1], dtype=x.dtype, device=x.device)

    def _bartlett_(self, sample_shape: Sequence[int]) -> Tensor:
        """Return L A Aᵀ Lᵀ: χ numbers of ν, ν-1 … degrees of freedom on A's diagonal, normal ones below it."""
        shape = self._extended_shape(sample_shape)
        chi = Chi2(self._reduced_(self.df), validate_args=False).rsample(sample_shape).sqrt()
        diagonal = ops.diag_embed(chi.clamp(min=finfo(chi.dtype).eps))
        A = diagonal + ops.randn(shape, dtype=chi.dtype, device=chi.device).tril(-1)
        L = self._unbroadcasted_scale_tril @ A
        return L @ L.mT

    def rsample(self, sample_shape: Sequence[int] = Size(), max_try_correction: int | None = None) -> Tensor:
        """Return samples; those that are singular are drawn again, up to max_try_correction times, 10 unless told otherwise."""
        sample = self._bartlett_(sample_shape)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            good = self.support.check(sample)
            if all_true(good):
                return sample
            warnings.warn("Singular sample detected.", stacklevel=2)
            sample = ops.where(good[..., None, None], sample, self._bartlett_(sample_shape))
        return sample

    def _log_gamma_(self) -> Tensor:
        return ops.mvlgamma(self.df / 2, self._event_shape[-1])

    def _log_scale_(self) -> Tensor:
        """Return ½ (p log 2 + log|V|)."""
        return self._event_shape[-1] * math.log(2) / 2 + log_diagonal(self._unbroadcasted_scale_tril)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p = self._event_shape[-1]
        batch = ops.broadcast_shapes(value.shape[:-2], self._unbroadcasted_scale_tril.shape[:-2])
        L = self._unbroadcasted_scale_tril.expand((*batch, p, p))
        trace = ops.cholesky_solve(value.expand((*batch, p, p)), L).diagonal(dim1=-2, dim2=-1).sum(-1)
        logdet = linalg.slogdet(value).logabsdet
        return (self.df - p - 1) / 2 * logdet - trace / 2 - self.df * self._log_scale_() - self._log_gamma_()

    def entropy(self) -> Tensor:
        p, nu = self._event_shape[-1], self.df
        digammas = ops.digamma(self._reduced_(nu) / 2).sum(-1)
        return (p + 1) * self._log_scale_() + self._log_gamma_() - (nu - p - 1) / 2 * digammas + nu * p / 2

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        x, y = natural_params
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (p * math.log(2) - linalg.slogdet(-2 * x).logabsdet) + ops.mvlgamma(half, p)
