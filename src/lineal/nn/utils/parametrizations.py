"""Weights of given lengths, of spectral norm 1, with orthonormal columns, by `register_parametrization`."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple, TypeVar

from lineal import linalg, ops
from lineal.base.limits import finfo
from lineal.base.signatures import Tensor as TensorLike
from lineal.core import no_grad
from lineal.nn.convolution import ConvNd
from lineal.nn.functional import normalize
from lineal.nn.module import Module
from lineal.nn.utils.lengths import norm_except_dim, rescaled
from lineal.nn.utils.parametrize import register_parametrization
from lineal.tensors import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _OrthMaps(enum.Enum):
    """The maps to matrices with orthonormal columns."""

    matrix_exp = enum.auto()
    cayley = enum.auto()
    householder = enum.auto()


def is_orthogonal(Q: Any) -> bool:
    """Return whether the columns are orthonormal, to rounding."""
    n, k = Q.shape[-2:]
    return bool(ops.allclose(Q.mH @ Q, ops.eye(k, dtype=Q.dtype, device=Q.device), atol=10.0 * n * finfo(Q.dtype).eps))


def orthogonalized(A: Any) -> Any:
    """Return the Q of A = QR, A tall, with real diag R ≥ 0."""
    X, tau = ops.geqrf(A)
    return linalg.householder_product(X, tau) * X.diagonal(0, -2, -1).sgn().unsqueeze(-2)


class _Orthogonal(Module):
    """From any matrix X (…, n, k) to one with orthonormal columns, or rows where n < k.

    With A = L - Lᴴ of the lower triangle L of X, it is exp A or (I + A/2)(I - A/2)⁻¹, or the product of the Householder
    reflections that the columns of L say. `base` (Lezcano-Casado 2019, arXiv:1909.09501) is multiplied from the left.
    """

    base: Any

    def __init__(self, weight: TensorLike, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True):
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        wide = X.shape[-2] < X.shape[-1]
        X = X.mT if wide else X
        Q = self._reflected(X) if self.orthogonal_map is _OrthMaps.householder else self._turned(X)
        if "base" in self._buffers:
            Q = self.base @ Q
        return Q.mT if wide else Q

    def _turned(self, X: Any) -> Any:
        """Return k columns of the map of a skew-Hermitian matrix."""
        n, k = X.shape[-2:]
        X = X.tril()
        if n != k:
            X = ops.cat([X, X.new_zeros(*X.shape[:-2], n, n - k)], -1)
        A = X - X.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            Q = ops.matrix_exp(A)
        else:
            one = ops.eye(n, dtype=A.dtype, device=A.device)
            Q = linalg.solve(one - 0.5 * A, one + 0.5 * A)
        return Q[..., :k] if n != k else Q

    def _reflected(self, X: Any) -> Any:
        """Return the product of reflections; the diagonal of X, of 1 and -1, is no variable."""
        A = X.tril(-1)
        tau = 2.0 / (1.0 + (A * A).sum(-2))
        return linalg.householder_product(A, tau) * X.diagonal(0, -2, -1).int().unsqueeze(-2)

    @no_grad()
    def right_inverse(self, Q: Any) -> Any:
        """Return an X that gives Q, or what is orthogonal next to it; with a `base`, that becomes Q, and X gives I."""
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}.")
        wide = Q.shape[-2] < Q.shape[-1]
        tall = Q.mT if wide else Q
        if "base" in self._buffers:
            self.base = completed(tall)
            # -1 in the diagonal: reflections by nothing
            diagonal = ops.full((*Q.shape[:-2], min(Q.shape[-2:])), -1.0, dtype=Q.dtype, device=Q.device)
            return ops.diagonal_scatter(ops.zeros_like(Q), diagonal, 0, -2, -1)
        if self.orthogonal_map is not _OrthMaps.householder:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential "
                "or the Cayley parametrizations when use_trivialization=False."
            )
        A, tau = ops.geqrf(tall)
        signs = A.diagonal(0, -2, -1).sign()
        # LAPACK leaves a reflection out where tau is 0; from a column of zeros `forward` would make one
        A = ops.diagonal_scatter(A, ops.where(tau == 0.0, -signs, signs), 0, -2, -1)
        return A.mT if wide else A


def completed(Q: Any) -> Any:
    """Return a square orthogonal matrix whose first columns are those of Q, which are made orthogonal if they are not."""
    n, k = Q.shape[-2:]
    if n != k:
        return orthogonalized(ops.cat([Q, ops.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)], -1))
    return Q.clone() if is_orthogonal(Q) else orthogonalized(Q)


def orthogonal(module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True) -> M:
    """Let a matrix (…, n, k) of a module have orthonormal columns, or rows where n < k; returns the module.

    `orthogonal_map` is "matrix_exp", "cayley" or "householder"; None means matrix_exp for square or complex matrices, else
    householder. With `use_trivialization` the map is taken around the matrix that was assigned last.
    """
    weight = tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _OrthMaps.__members__:
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    made = _Orthogonal(weight, _OrthMaps[orthogonal_map], use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


class _WeightNorm(Module):
    """From lengths g and directions v to g v / ‖v‖."""

    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return rescaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """Return lengths and directions of a weight."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Let a weight be g v / ‖v‖ with a length for each slice along `dim`, None for one in all; returns the module.

    Salimans and Kingma (2016), arXiv:1602.07868. State dicts with the keys `weight_g` and `weight_v` can be loaded.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(OlderKeys(name))
    return module


class OlderKeys(NamedTuple):
    """A hook that renames the keys of the older weight normalisation."""

    name: str

    def __call__(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        """Rename them in place."""
        old = f"{prefix}{self.name}_g", f"{prefix}{self.name}_v"
        if old[0] in state_dict and old[1] in state_dict:
            for place, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{place}"] = state_dict.pop(key)


class _SpectralNorm(Module):
    """From a weight W to W / σ with σ = uᴴ W v; u and v approach singular vectors at each reading in training mode."""

    _u: Any
    _v: Any

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            W = self._matrix(weight)
            for key, size in zip(("_u", "_v"), W.shape):
                self.register_buffer(key, normalize(W.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            self._iterate(W, 15)

    def _matrix(self, weight: Any) -> Any:
        return weight.movedim(self.dim, 0).flatten(1)

    @no_grad()
    def _iterate(self, W: Any, count: int) -> None:
        """Take steps of the power method, in the memory of u and v."""
        for _ in range(count):
            normalize(ops.mv(W, self._v), dim=0, eps=self.eps, out=self._u)
            normalize(ops.mv(W.mH, self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        W = self._matrix(weight)
        if self.training:
            self._iterate(W, self.n_power_iterations)
        # copies: the backward pass may be after the next steps
        u, v = self._u.clone(), self._v.clone()
        return weight / ops.vdot(u, ops.mv(W, v))

    def right_inverse(self, value: Any) -> Any:
        """Return the weight itself."""
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight, as a matrix whose rows lie along `dim`, by its largest singular value; returns the module.

    Miyato et al. (2018), arXiv:1802.05957. `dim` is 1 for transposed convolutions unless it is given, 0 for others.
    """
    made = _SpectralNorm(tensor_of(module, name), n_power_iterations, outputs_of(module) if dim is None else dim, eps)
    return register_parametrization(module, name, made)


def tensor_of(module: Module, name: str) -> Any:
    """Return a tensor of a module; ValueError if it has none of this name."""
    found = getattr(module, name, None)
    if not isinstance(found, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return found


def outputs_of(module: Module) -> int:
    """Return the dimension of a layer's weight that counts its outputs."""
    return 1 if isinstance(module, ConvNd) and module.transposed else 0
