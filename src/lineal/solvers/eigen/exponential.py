"""The exponential of an operator times a vector."""

from __future__ import annotations

import math
from typing import Any

from lineal.base.limits import finfo
from lineal.core import modes
from lineal.solvers.methods import norm, probe
from lineal.solvers.operators.base import LinearOperator, aslinearoperator, require_whole
from lineal.tensors import Tensor

__all__ = ["expm_multiply"]

POWERS, MOST_TERMS = 8, 60


def expm_multiply(A: Any, B: Tensor, t: float = 1.0) -> Tensor:
    """Return exp(t A) B for an operator A (n × n) and a vector (n) or a matrix (n × k), to the accuracy of the dtype.

    Taylor sums over steps of norm one, after Al-Mohy and Higham, SIAM J. Sci. Comput. 33 (2011); the norm of A is estimated by
    some products. The result is differentiable to any order, with respect to B and what A is made of. RuntimeError if a sum
    does not end, which an operator that is not linear may cause; numbers that are not finite give NaN.
    """
    operator = require_whole("expm_multiply", aslinearoperator(A))
    if operator.shape[0] != operator.shape[1] or B.ndim not in (1, 2) or B.shape[0] != operator.shape[1]:
        raise RuntimeError(f"expm_multiply: expected a square matrix and as many rows, got {operator!r} and {list(B.shape)}")
    with modes.no_grad():
        size = abs(t) * estimated_norm(operator)
    steps = max(1, math.ceil(size)) if math.isfinite(size) else 1
    y = B
    for _ in range(steps):
        y = stepped(operator, y, t / steps)
    return y


def stepped(A: LinearOperator, b: Tensor, t: float) -> Tensor:
    """Return exp(t A) b by its series; terms end it that change nothing."""
    y = term = b
    small = finfo(b.dtype).eps / 4
    for n in range(1, MOST_TERMS):
        term = A.product(term) * (t / n)
        y = y + term
        if not norm(term) > small * norm(y):
            return y
    raise RuntimeError("expm_multiply: the series does not end: is A linear?")


def estimated_norm(A: LinearOperator) -> float:
    """Return about ‖A‖₂, by powers of AᴴA; from below, hence the margin."""
    v = probe(A.shape[1], A.dtype)
    estimate = 0.0
    for _ in range(POWERS):
        length = norm(v)
        if not length:
            break
        w = A.product(v / length)
        estimate = norm(w)
        v = A.adjoint_product(w)
    return 1.3 * estimate
