"""KL(p ‖ q) of normal distributions of several variables.

½ (log|Σq| - log|Σp| + tr(Σq⁻¹ Σp) + |μq - μp|² by Σq⁻¹ - n).   Rasmussen and Williams 2006, eq. A.23.
"""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.distributions.divergence import register_kl
from lineal.distributions.gaussian_algebra import log_diagonal, mahalanobis, squares, whitened
from lineal.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from lineal.distributions.multivariate_normal import MultivariateNormal
from lineal.tensors import Tensor

__all__: list[str] = []


def log_det(p: Any) -> Tensor:
    """Return log|Σ|."""
    low = isinstance(p, LowRankMultivariateNormal)
    return p._log_det_() if low else 2 * log_diagonal(p._unbroadcasted_scale_tril)


def parts(p: Any) -> tuple[Tensor, Any]:
    """Return F and D of Σ = F Fᵀ + D, D the diagonal or None."""
    low = isinstance(p, LowRankMultivariateNormal)
    return (p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag) if low else (p._unbroadcasted_scale_tril, None)


def check_shapes(p: Any, q: Any) -> None:
    """Refuse distributions of different numbers of variables."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two (Low Rank) Multivariate Normals with different event shapes cannot be computed: "
            f"{p.event_shape} and {q.event_shape}"
        )


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def against_full(p: Any, q: MultivariateNormal) -> Tensor:
    check_shapes(p, q)
    L, (F, D) = q._unbroadcasted_scale_tril, parts(p)
    trace: Any = squares(whitened(L, F))
    if D is not None:
        trace = trace + squares(whitened(L, ops.diag_embed(D.sqrt())))
    distance = mahalanobis(L, q.loc - p.loc)
    return 0.5 * (log_det(q) - log_det(p) + trace + distance - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def against_low_rank(p: Any, q: LowRankMultivariateNormal) -> Tensor:
    """The trace is that of (D⁻¹ - Aᵀ A) Σp, with A of the capacitance's factor."""
    check_shapes(p, q)
    A, diagonal, (F, D) = whitened(q._capacitance_tril, q._scaled_factor_()), q._unbroadcasted_cov_diag, parts(p)
    trace: Any = squares(F * diagonal.rsqrt().unsqueeze(-1)) - squares(A @ F)
    if D is not None:
        trace = trace + (D / diagonal).sum(-1) - squares(A * D.sqrt().unsqueeze(-2))
    return 0.5 * (log_det(q) - log_det(p) + trace + q._distance_(q.loc - p.loc) - p.event_shape[0])
