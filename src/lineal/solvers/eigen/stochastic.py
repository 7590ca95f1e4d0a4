"""Traces and log-determinants of large operators, by random vectors: estimates, with the error that is left."""

from __future__ import annotations

from typing import Any, NamedTuple

from lineal import ops
from lineal.core import modes
from lineal.core.custom import Function, once_differentiable
from lineal.ops.linalg.eigh import eigh
from lineal.solvers.eigen.lanczos import Basis
from lineal.solvers.operators.base import LinearOperator, aslinearoperator, require_whole
from lineal.solvers.solving import pulled, solve
from lineal.tensors import Tensor

__all__ = ["Estimate", "logdet", "trace"]


class Estimate(NamedTuple):
    """The mean over random vectors, and its standard error, √(variance / number of vectors)."""

    value: Tensor
    error: Tensor


def estimated(terms: Tensor) -> Estimate:
    """Return what some independent terms say of their expectation."""
    return Estimate(terms.mean(), terms.detach().std() / len(terms) ** 0.5)


def signs(A: LinearOperator, samples: int, generator: Any) -> Tensor:
    """Return vectors, as columns, of independent entries 1 and −1 (Rademacher)."""
    bits = ops.randint(0, 2, (A.shape[1], samples), generator=generator)
    return (2 * bits - 1).to(A.dtype)


def required(name: str, A: Any, samples: int) -> LinearOperator:
    """Return the operator, which is to be square, of which at least two samples are taken."""
    operator = require_whole(name, aslinearoperator(A))
    if operator.shape[0] != operator.shape[1]:
        raise RuntimeError(f"{name}: expected a square matrix, got {operator!r}")
    if samples < 2:
        raise ValueError(f"{name}: expected at least 2 samples, got {samples}: one has no standard error")
    return operator


def trace(A: Any, samples: int = 30, *, generator: Any = None) -> Estimate:
    """Return an estimate of the trace of A (n × n): the mean of zᴴ A z over vectors of signs (Hutchinson 1989).

    It takes `samples` products, and is differentiable with respect to what A is made of.
    """
    operator = required("trace", A, samples)
    z = signs(operator, samples, generator)
    return estimated((z * operator.product(z)).sum(0))


class LogDet(Function):
    """Terms zᴴ log(A) z;  of what A is made of, p: p̄ = Σ ȳ (A⁻¹ z)ᴴ (∂A/∂p) z, an estimate of tr(A⁻¹ ∂A/∂p)."""

    @staticmethod
    def forward(ctx: Any, A: LinearOperator, z: Tensor, steps: int, rtol: float, *p: Tensor) -> Tensor:
        ctx.A, ctx.rtol = A, rtol
        ctx.save_for_backward(z, *p)
        return ops.stack([quadrature(A, each, steps) for each in z.unbind(1)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        z, *p = ctx.saved_tensors
        A = ctx.A.with_parameters(*p)
        solution = solve(A, z, rtol=ctx.rtol)
        grads = pulled(A, z, p, solution * cotangents[0], ctx.needs_input_grad[4:])
        return None, None, None, None, *grads


def quadrature(A: LinearOperator, z: Tensor, steps: int) -> Tensor:
    """Return zᴴ log(A) z by the Gauss quadrature that Lanczos from z gives."""
    basis = Basis(A, z, min(steps, len(z)))
    while basis.count < basis.size and basis.grow():
        pass
    values, vectors = eigh(basis.T[: basis.count, : basis.count])
    if not bool((values > 0).all()):
        raise RuntimeError(f"logdet: A is not positive definite: an eigenvalue is at most {float(values.min()):.3g}")
    return (vectors[0].abs() ** 2 * values.log()).sum() * z.abs().square().sum()


def logdet(A: Any, samples: int = 30, steps: int = 40, *, rtol: float = 1e-6, generator: Any = None) -> Estimate:
    """Return an estimate of log det A, for Hermitian positive definite A (n × n), by stochastic Lanczos quadrature.

    Ubaru, Chen and Saad, SIAM J. Matrix Anal. Appl. 38 (2017). It takes `samples` · `steps` products; what too few steps
    leave out is not in the error. Its first derivative, to what A is made of, takes one solve a sample, to `rtol`, with the
    same vectors. RuntimeError where a vector shows that A is not positive definite.
    """
    operator = required("logdet", A, samples)
    with modes.no_grad():
        z = signs(operator, samples, generator)
    return estimated(LogDet.apply(operator, z, steps, rtol, *operator.parameters()))
