"""How a system of equations is posed, and its answer given back in the shape of the question."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lineal.ops.linalg.conditioning import norm1
from lineal.ops.linalg.matrices import broadcast_batches, require_one_dtype, require_square, require_vector

__all__: list[str] = []


class System(NamedTuple):
    """A system with the matrix on the left, and how it was posed: B of vectors, X on the left, a batch of B for one A."""

    A: Any
    B: Any
    vector: bool
    left: bool
    batch: tuple[int, ...] | None

    def spread(self, X: Any) -> Any:
        """Return the columns of a batch of right-hand sides as that batch again."""
        if self.batch is None:
            return X
        n, axes = X.shape[0], len(self.batch)
        return X.reshape((n, *self.batch, -1)).transpose((*range(1, axes + 1), 0, axes + 1))

    def answer(self, X: Any) -> Any:
        """Return the solution as the caller posed the system."""
        if self.batch is not None:
            X = X.reshape(X.value.shape[0], *self.batch, X.value.shape[1] // math.prod(self.batch)).movedim(0, -2)
        return X.squeeze(-1) if self.vector else X if self.left else X.mT

    def posed(self, rcond: Any, X: np.ndarray, norms: Any) -> tuple:
        """Return what `judge` asks for, with the batch that the caller knows."""
        if self.batch is None:
            return self.A.value, rcond, X, self.B.value, norms
        A = np.broadcast_to(self.A.value, (*self.batch, *self.A.value.shape))
        norms = norm1(self.A.value) if norms is None else norms
        rcond, norms = np.broadcast_to(rcond, self.batch), np.broadcast_to(norms, self.batch)
        return A, rcond, self.spread(X), self.spread(self.B.value), norms

    def errors(self, error: np.ndarray) -> np.ndarray:
        """Return the errors of the columns in the shape of the right-hand sides."""
        if self.batch is not None:
            error = error.reshape((*self.batch, -1))
        return error[..., 0] if self.vector else error


def prepared(name: str, A: Any, B: Any, left: bool) -> System:
    """Return the system with the matrix on the left, and one batch shape or all right-hand sides of one matrix side by side."""
    require_square(name, A)
    require_one_dtype(name, A, B)
    require_vector(name, B, "B")
    vector = B.value.ndim == 1 or (A.value.ndim - 1 == B.value.ndim and B.value.shape == A.value.shape[:-1])
    if vector and not left:
        raise RuntimeError(f"{name}: This function does not support left=False with vectors on the right side")
    right = B.unsqueeze(-1) if vector else B
    if right.value.shape[-2 if left else -1] != A.value.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({'x'.join(map(str, A.value.shape[-2:]))} and {'x'.join(map(str, right.value.shape[-2:]))})"
        )
    A, right = (A, right) if left else (A.mT, right.mT)
    if A.value.ndim == 2 < right.value.ndim and right.value.size:
        # one factorisation serves all
        columns = right.movedim(-2, 0).reshape(A.value.shape[-1], -1)
        return System(A, columns, vector, left, right.value.shape[:-2])
    return System(*broadcast_batches(name, A, right), vector, left, None)
