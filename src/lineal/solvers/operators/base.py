"""What solvers ask of a matrix: its shape, its product with a vector, its adjoint, and which tensors it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import config, dtypes, later
from lineal.base.dtypes import float32, float64
from lineal.solvers.operators.spaces import Space
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.conversion import lines_of, to_sparse_csr
from lineal.sparse.patterned import Patterned
from lineal.tensors import Tensor, as_tensor, from_numpy
from lineal.transforms.reverse import vjp

__all__ = [
    "Adjoint",
    "Compiled",
    "FunctionOperator",
    "LinearOperator",
    "Matrix",
    "Product",
    "Scaled",
    "Sum",
    "aslinearoperator",
    "is_whole",
    "require_vectors",
    "require_whole",
    "shared_space",
    "total",
]

compiler: Any = later.module("lineal.compiler")
forms: Any = later.module("lineal.codegen.sparse.rows")


class LinearOperator(ABC):
    """A matrix of which only products are known.

    It is made of `tensors`, which gradients reach, and of `parts`, other operators; called with those, its class makes it anew.
    """

    shape: tuple[int, int]
    dtype: dtypes.dtype
    tensors: tuple[Tensor, ...] = ()
    parts: tuple[LinearOperator, ...] = ()

    @property
    def space(self) -> Space:
        """The vectors that it is multiplied with. NotImplementedError if those of a part are spread: some classes take them."""
        for each in self.parts:
            require_whole(type(self).__name__, each)
        return Space(self.shape[1])

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """Return the product with a vector (n), or with the columns of a matrix (n × k)."""

    def product_into(self, x: np.ndarray, out: np.ndarray) -> None:
        """Write the product with a vector to an array; classes that need no memory for that say how."""
        out[...] = self.product(from_numpy(x)).value

    def adjoint(self) -> LinearOperator:
        """Return the conjugate transpose."""
        return Adjoint(self)

    def adjoint_product(self, x: Tensor) -> Tensor:
        """Return the product of the conjugate transpose: by the derivative of `product`, unless a class knows a shorter way."""
        turned = self.adjoint()
        if not isinstance(turned, Adjoint):
            return turned.product(x)
        zeros = ops.zeros((self.shape[1], *x.shape[1:]), dtype=self.dtype)
        return vjp(self.product, zeros)[1](x)[0]

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        """Return the same operator of other tensors and parts."""
        return type(self)(*tensors, *parts)

    def parameters(self) -> tuple[Tensor, ...]:
        """Return all tensors it is made of, its own first."""
        return sum([each.parameters() for each in self.parts], self.tensors)

    def with_parameters(self, *parameters: Tensor) -> LinearOperator:
        """Return the same operator of other tensors, in the order of `parameters`."""
        rest = iter(parameters)
        own = tuple(islice(rest, len(self.tensors)))
        return self.remade(own, tuple([each.with_parameters(*islice(rest, len(each.parameters()))) for each in self.parts]))

    def to_dense(self) -> Tensor:
        """Return the matrix."""
        return require_whole("to_dense", self).product(ops.eye(self.shape[1], dtype=self.dtype))

    def to_sparse_csr(self) -> CompressedTensor:
        """Return the matrix, compressed by rows. NotImplementedError for one whose entries are not known."""
        raise NotImplementedError(f"{type(self).__name__}.to_sparse_csr: the entries of this operator are not known")

    def jit(self) -> LinearOperator:
        """Return the same operator with products that `lineal.compile` has made native; derivatives pass through them.

        It is worth while where a product is a Python function of many small steps. The first two products are made in Python.
        """
        return Compiled(self)

    def native_rows(self) -> Any:
        """Return the real matrix as native code reads it row by row (`codegen.sparse.rows.Rows`), or None."""
        return None

    def diagonal(self) -> Tensor:
        """Return the diagonal. NotImplementedError for an operator whose entries are not known."""
        raise NotImplementedError(f"{type(self).__name__}.diagonal: the entries of this operator are not known")

    @property
    def H(self) -> LinearOperator:
        """The conjugate transpose."""
        return self.adjoint()

    @property
    def T(self) -> LinearOperator:
        """The transpose, of a real operator. NotImplementedError for a complex one."""
        if self.dtype.is_complex:
            raise NotImplementedError(f"{type(self).__name__}.T: use H for a complex operator")
        return self.adjoint()

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, LinearOperator):
            return Product(self, other)
        if not isinstance(other, Tensor) or other.ndim not in (1, 2) or other.shape[0] != self.shape[1]:
            given = list(other.shape) if isinstance(other, Tensor) else type(other).__name__
            raise RuntimeError(f"LinearOperator: expected a vector or a matrix of {self.shape[1]} rows, got {given}")
        return self.product(other)

    __call__ = __matmul__

    def __add__(self, other: LinearOperator) -> LinearOperator:
        return Sum(self, other)

    def __sub__(self, other: LinearOperator) -> LinearOperator:
        return Sum(self, -other)

    def __mul__(self, factor: Any) -> LinearOperator:
        return Scaled(as_tensor(factor, dtype=self.dtype), self)

    __rmul__ = __mul__

    def __neg__(self) -> LinearOperator:
        return self * -1

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shape[0]} × {self.shape[1]}, {self.dtype})"


class Matrix(LinearOperator):
    """A strided or sparse matrix; of a sparse one the entries are the parameter, and its pattern stays."""

    def __init__(self, matrix: Tensor):
        if matrix.ndim != 2:
            raise RuntimeError(f"Matrix: expected a matrix, got shape {list(matrix.shape)}")
        self.matrix, self.shape, self.dtype = matrix, (matrix.shape[0], matrix.shape[1]), matrix.dtype
        self.tensors = (matrix.entries if isinstance(matrix, Patterned) else matrix,)

    def product(self, x: Tensor) -> Tensor:
        return self.matrix @ x

    def adjoint(self) -> LinearOperator:
        turned = self.matrix.t()
        if isinstance(turned, Patterned):
            return Matrix(turned.with_entries(turned.entries.conj()))
        return Matrix(turned.conj())

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> Matrix:
        (entries,) = tensors
        return Matrix(self.matrix.with_entries(entries) if isinstance(self.matrix, Patterned) else entries)

    def to_dense(self) -> Tensor:
        return self.matrix.to_dense() if isinstance(self.matrix, Patterned) else self.matrix

    def to_sparse_csr(self) -> CompressedTensor:
        return to_sparse_csr(self.matrix)

    def native_rows(self) -> Any:
        matrix = self.matrix
        if not isinstance(matrix, CompressedTensor) or not matrix.is_sparse_csr or matrix.dtype not in (float32, float64):
            return None
        values, pointers, indices = (np.ascontiguousarray(each.value) for each in (matrix.entries, *matrix.pattern[:2]))
        return forms.CompressedForm.of(values, *narrowed(pointers, indices), self.shape[1])

    def diagonal(self) -> Tensor:
        if not isinstance(self.matrix, Patterned):
            return self.matrix.diagonal()
        rows = self.to_sparse_csr()
        lines = lines_of(rows.pattern)
        on = lines == rows.pattern.indices
        return ops.zeros(min(self.shape), dtype=self.dtype).index_add(0, lines[on], rows.entries[on])


def narrowed(*indices: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return indices as int32, which are read in half the time, if all of them fit."""
    found = tuple([each.astype(np.int32, copy=False) for each in indices])
    return found if all(np.array_equal(*each) for each in zip(found, indices)) else indices


class FunctionOperator(LinearOperator):
    """A linear function, and optionally its adjoint; without that, the derivative of the function is used.

    `parameters` are the tensors that gradients are to reach: both functions are called with the vector and then with them.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        matvec: Callable[..., Tensor],
        rmatvec: Callable[..., Tensor] | None = None,
        parameters: tuple[Tensor, ...] = (),
        dtype: dtypes.dtype | None = None,
    ):
        self.shape, self.matvec, self.rmatvec, self.tensors = (shape[0], shape[1]), matvec, rmatvec, tuple(parameters)
        self.dtype = dtype or (self.tensors[0].dtype if self.tensors else config.get_default_dtype())

    def product(self, x: Tensor) -> Tensor:
        return self.matvec(x, *self.tensors)

    def adjoint_product(self, x: Tensor) -> Tensor:
        return super().adjoint_product(x) if self.rmatvec is None else self.rmatvec(x, *self.tensors)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> FunctionOperator:
        return FunctionOperator(self.shape, self.matvec, self.rmatvec, tensors, self.dtype)


class Adjoint(LinearOperator):
    """The conjugate transpose of an operator that has no shorter one."""

    def __init__(self, of: LinearOperator):
        self.parts, self.shape, self.dtype = (of,), (of.shape[1], of.shape[0]), of.dtype

    def product(self, x: Tensor) -> Tensor:
        return self.parts[0].adjoint_product(x)

    def adjoint_product(self, x: Tensor) -> Tensor:
        return self.parts[0].product(x)

    def adjoint(self) -> LinearOperator:
        return self.parts[0]


class Compiled(LinearOperator):
    """An operator with compiled products; `code` are those with it and with its adjoint, of a vector and its parameters."""

    def __init__(self, of: LinearOperator, code: tuple[Callable[..., Tensor], Callable[..., Tensor]] | None = None):
        self.parts, self.shape, self.dtype = (of,), of.shape, of.dtype
        self.code = code or (
            compiler.compile(lambda x, *parameters: of.with_parameters(*parameters).product(x)),
            compiler.compile(lambda x, *parameters: of.with_parameters(*parameters).adjoint_product(x)),
        )

    def product(self, x: Tensor) -> Tensor:
        return self.code[0](x, *self.parameters())

    def adjoint_product(self, x: Tensor) -> Tensor:
        return self.code[1](x, *self.parameters())

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Compiled(parts[0], self.code)

    def jit(self) -> LinearOperator:
        return self

    def to_sparse_csr(self) -> CompressedTensor:
        return self.parts[0].to_sparse_csr()

    def native_rows(self) -> Any:
        return self.parts[0].native_rows()

    def diagonal(self) -> Tensor:
        return self.parts[0].diagonal()


class Sum(LinearOperator):
    """The sum of operators of one shape."""

    def __init__(self, *parts: LinearOperator):
        if len({each.shape for each in parts}) != 1 or len({each.dtype for each in parts}) != 1:
            raise RuntimeError(f"LinearOperator: expected terms of one shape and dtype, got {', '.join(map(repr, parts))}")
        self.parts, self.shape, self.dtype = parts, parts[0].shape, parts[0].dtype

    @property
    def space(self) -> Space:
        return shared_space(self)

    def product(self, x: Tensor) -> Tensor:
        return total([each.product(x) for each in self.parts])

    def adjoint(self) -> LinearOperator:
        return Sum(*[each.adjoint() for each in self.parts])

    def diagonal(self) -> Tensor:
        return total([each.diagonal() for each in self.parts])


class Product(LinearOperator):
    """The product of two operators."""

    def __init__(self, left: LinearOperator, right: LinearOperator):
        if left.shape[1] != right.shape[0] or left.dtype != right.dtype:
            raise RuntimeError(f"LinearOperator: {left!r} and {right!r} cannot be multiplied")
        self.parts, self.shape, self.dtype = (left, right), (left.shape[0], right.shape[1]), left.dtype

    @property
    def space(self) -> Space:
        return shared_space(self)

    def product(self, x: Tensor) -> Tensor:
        left, right = self.parts
        return left.product(right.product(x))

    def adjoint(self) -> LinearOperator:
        left, right = self.parts
        return Product(right.adjoint(), left.adjoint())


class Scaled(LinearOperator):
    """An operator times a number."""

    def __init__(self, factor: Tensor, of: LinearOperator):
        self.tensors, self.parts, self.shape, self.dtype = (factor,), (of,), of.shape, of.dtype

    @property
    def space(self) -> Space:
        return shared_space(self)

    def product(self, x: Tensor) -> Tensor:
        return self.tensors[0] * self.parts[0].product(x)

    def adjoint(self) -> LinearOperator:
        return Scaled(self.tensors[0].conj(), self.parts[0].adjoint())

    def diagonal(self) -> Tensor:
        return self.tensors[0] * self.parts[0].diagonal()


def shared_space(A: LinearOperator) -> Space:
    """Return the space of an operator that takes vectors as its parts do: spread ones if those of any part are."""
    spread = [each.space for each in A.parts if not is_whole(each)]
    return spread[0] if spread else Space(A.shape[1])


def is_whole(A: LinearOperator) -> bool:
    """Return whether the vectors of an operator are all here, and not spread over processes."""
    return type(A.space) is Space


def require_whole(name: str, A: LinearOperator) -> LinearOperator:
    """Return an operator whose vectors are all here; NotImplementedError for one of whose vectors this process has a part."""
    if not is_whole(A):
        raise NotImplementedError(f"{name}: {A!r} is spread over processes; solve has methods for such operators")
    return A


def require_vectors(A: LinearOperator, x: Tensor) -> Tensor:
    """Return vectors that native code takes as they lie. RuntimeError if they are not of A's dtype and length."""
    if x.dtype != A.dtype or not x.ndim or x.shape[0] != A.shape[1]:
        raise RuntimeError(f"{type(A).__name__}: expected vectors of {A.shape[1]} {A.dtype}, got {list(x.shape)} of {x.dtype}")
    return x


def total(terms: Sequence[Tensor]) -> Tensor:
    """Return the sum of tensors of one shape."""
    y = terms[0]
    for each in terms[1:]:
        y = y + each
    return y


def aslinearoperator(A: Any) -> LinearOperator:
    """Return the operator of a strided or sparse matrix; an operator as it is. TypeError for anything else."""
    if isinstance(A, LinearOperator):
        return A
    if not isinstance(A, Tensor):
        raise TypeError(f"aslinearoperator: expected a tensor or a LinearOperator, got {type(A).__name__}")
    return Matrix(A)
