"""Transforms that make matrices: Cholesky factors and positive definite ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import linalg, ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.parameters import softplus
from lineal.distributions.transforming import Stateless, Transform, require_dims
from lineal.distributions.triangles import tril_matrix_to_vec, vec_to_tril_matrix
from lineal.nn.functional import pad
from lineal.tensors import Tensor

__all__ = ["CorrCholeskyTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform"]


class CorrCholeskyTransform(Transform):
    """Vectors of n (n-1)/2 numbers make Cholesky factors of correlation matrices, n × n.

    The numbers are row by row partial correlations r = tanh(x), and yᵢⱼ = rᵢⱼ Π √(1 - rᵢₖ²), k < j, where rᵢᵢ = 1.
    Lewandowski, Kurowicka and Joe 2009; Stan Reference Manual, "Cholesky factors of correlation matrices".
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = finfo(x.dtype).eps
        r = vec_to_tril_matrix(ops.tanh(x).clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - r**2).sqrt().cumprod(-1)
        ones = ops.eye(r.shape[-1], dtype=r.dtype, device=r.device)
        return (r + ones) * pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        left = pad(self._left_(y)[..., :-1], [1, 0], value=1)
        return ops.atanh(tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt())

    def _left_(self, y: Tensor) -> Tensor:
        return 1 - (y * y).cumsum(-1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        rows = 0.5 * tril_matrix_to_vec(self._left_(y), diag=-2).log().sum(-1)
        return rows - 2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        require_dims(shape, 1)
        n = (1 + math.isqrt(1 + 8 * shape[-1])) // 2
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError(f"Input is not a flattened lower-diagonal number: {shape[-1]} is no n (n-1)/2")
        return Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        require_dims(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError(f"Input is not square: {list(shape)}")
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))


class LowerCholeskyTransform(Stateless):
    """Matrices make lower triangular ones with a positive diagonal: its logarithms are those of the argument."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + ops.diag_embed(x.diagonal(dim1=-2, dim2=-1).exp())

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + ops.diag_embed(y.diagonal(dim1=-2, dim2=-1).log())


class PositiveDefiniteTransform(Stateless):
    """Matrices make positive definite ones L Lᵀ, where L is what LowerCholeskyTransform makes."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        L = LowerCholeskyTransform()(x)
        return L @ L.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(linalg.cholesky(y))
