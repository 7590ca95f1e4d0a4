"""The LKJ distribution of correlation matrices, of their Cholesky factors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import linalg, ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.beta import Beta
from lineal.distributions.distribution import Distribution
from lineal.distributions.parameters import broadcast_all
from lineal.tensors import Tensor

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Factors L (dim, dim) of correlation matrices M = L Lᵀ of a density in proportion to |M|^(concentration - 1).

    At concentration 1 all M are alike. Samples are made by the onion method: rows are directions times roots of beta numbers.
    Lewandowski, Kurowicka and Joe 2009, section 3.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _batched_ = ("concentration",)
    _kept_ = ("dim",)

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    @property
    def _beta_(self) -> Beta:
        """The squared lengths of the rows below the diagonal, of which the first has none."""
        eta = self.concentration.unsqueeze(-1)
        offset = ops.arange(self.dim, dtype=eta.dtype, device=eta.device).sub(1).clamp(min=0)
        return Beta(0.5 * offset + 0.5, eta + 0.5 * (self.dim - 2) - 0.5 * offset, validate_args=False)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            squared = self._beta_.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            x = ops.randn(shape, dtype=squared.dtype, device=squared.device).tril(-1)
            length = linalg.vector_norm(x, dim=-1, keepdim=True)
            rows = ops.where(length > 0, squared.sqrt() * x / length, 0.0)
            rest = (1 - rows.square().sum(-1)).clamp(min=finfo(rows.dtype).tiny)
            return rows + ops.diag_embed(rest.sqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        """Return Σ (2 (η-1) + dim - i) log Lᵢᵢ, i = 2 … dim, less the normalizer (the article's eq. 16)."""
        if self._validate_args:
            self._validate_sample(value)
        eta, below = self.concentration, self.dim - 1
        order = ops.arange(self.dim - 2, -1, -1, dtype=eta.dtype, device=eta.device)
        powers = 2 * (eta - 1).unsqueeze(-1) + order
        logs = (powers * value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()).sum(-1)
        alpha = eta + 0.5 * below
        return logs - ops.mvlgamma(alpha - 0.5, below) + below * (alpha.lgamma() - 0.5 * math.log(math.pi))
