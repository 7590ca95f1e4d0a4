"""The functions of `torch.sparse`: each does what the rule of its name does for the layouts that it is given."""

from __future__ import annotations

from typing import Any

from lineal.sparse.answering import COMPRESSED, COORDINATES, RULES
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.coordinates import SparseTensor
from lineal.sparse.reductions import over
from lineal.tensors import Tensor

__all__ = ["addmm", "log_softmax", "mm", "sampled_addmm", "softmax", "sparse_mask", "sum"]


def ruled(name: str, *given: Any, **options: Any) -> Any:
    """Return what a rule makes of its arguments: one for compressed tensors if there is any among them."""
    table = COMPRESSED if any(isinstance(each, CompressedTensor) for each in given) else COORDINATES
    if name not in RULES[table]:
        raise NotImplementedError(f"sparse.{name}: there is no rule for compressed tensors; use to_sparse_coo() first")
    return RULES[table][name](*given, **options)


def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """Return the product of matrices (n × k) and (k × m) of which one is sparse; of two sparse ones it is sparse.

    `reduce` takes the "mean", "amax" or "amin" of the products that an element is made of, instead of their sum, for a first
    matrix of the layout `torch.sparse_csr`. RuntimeError if shapes do not fit or dtypes differ.
    """
    return ruled("mm", mat1, mat2, reduce)


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta` times `mat` plus `alpha` times the product of matrices of which one is sparse."""
    return ruled("addmm", mat, mat1, mat2, beta=beta, alpha=alpha)


def sampled_addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """Return `beta` times a compressed matrix plus `alpha` times the product `mat1 @ mat2` at its entries."""
    return RULES[COMPRESSED]["sampled_addmm"](input, mat1, mat2, beta=beta, alpha=alpha)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """Return the sum of a sparse tensor over `dim`, one or several, all by default; strided if no sparse dimension is left.

    Unlike what the method makes, integers and bool stay what they are while sparse dimensions are left, as in PyTorch.
    """
    if isinstance(input, SparseTensor) and dtype is None and dim is not None and dim not in ((), []):
        return over(input, dim)
    return ruled("sum", input, dim, dtype=dtype)


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the softmax over the entries along `dim`; what has no entry counts as minus infinity, and stays zero."""
    return ruled("softmax", input, dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the logarithm of `softmax`, at the entries."""
    return ruled("log_softmax", input, dim, dtype=dtype)


def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """Return what the tensor has at the places of the sparse tensor `mask`, in its layout."""
    return ruled("sparse_mask", self, mask)
