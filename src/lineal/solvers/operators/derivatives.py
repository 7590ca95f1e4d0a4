"""Derivatives of functions as matrices: a product is one pass forward or backward, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable

from lineal import ops
from lineal.solvers.operators.base import LinearOperator
from lineal.tensors import Tensor
from lineal.transforms.forward import jvp
from lineal.transforms.reverse import grad, vjp

__all__ = ["Hessian", "Jacobian"]


class Jacobian(LinearOperator):
    """The derivative of a function of a vector, whose value is a vector, at a point."""

    def __init__(self, function: Callable[[Tensor], Tensor], point: Tensor):
        value = function(point.detach())
        if point.ndim != 1 or value.ndim != 1:
            raise RuntimeError(f"Jacobian: expected a function of vectors, got {list(point.shape)} -> {list(value.shape)}")
        self.function, self.tensors = function, (point,)
        self.shape, self.dtype = (len(value), len(point)), point.dtype

    def product(self, x: Tensor) -> Tensor:
        return by_columns(lambda each: jvp(self.function, (self.tensors[0],), (each,))[1], x)

    def adjoint_product(self, x: Tensor) -> Tensor:
        return by_columns(lambda each: vjp(self.function, self.tensors[0])[1](each)[0], x)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Jacobian(self.function, *tensors)


class Hessian(Jacobian):
    """The second derivative of a function of a vector, whose value is one number, at a point; it is symmetric."""

    def __init__(self, function: Callable[[Tensor], Tensor], point: Tensor):
        super().__init__(grad(function), point)
        self.of = function

    def adjoint(self) -> LinearOperator:
        return self

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Hessian(self.of, *tensors)


def by_columns(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return a function of a vector, or of each column of a matrix, side by side."""
    if x.ndim == 1:
        return function(x)
    return ops.stack([function(each) for each in x.unbind(1)], 1)
