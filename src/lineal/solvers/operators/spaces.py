"""The vectors of a system: how many numbers they have, and their inner products."""

from __future__ import annotations

from collections.abc import Sequence

from lineal import ops
from lineal.base import dtypes
from lineal.ops.random.generator import Generator
from lineal.ops.reductions.norms import vector_norm
from lineal.tensors import Tensor

__all__ = ["Space"]


class Space:
    """Vectors of `dim` numbers, all of them here. Others know vectors of which this process has a part."""

    def __init__(self, dim: int):
        self.dim = dim

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """Return xᴴ y."""
        return ops.vdot(x, y)

    def dots(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Return xᴴ y of several pairs."""
        return [self.dot(x, y) for x, y in pairs]

    def norm(self, x: Tensor) -> float:
        """Return the 2-norm of a vector, of a matrix that of its largest column."""
        return float(vector_norm(x) if x.ndim == 1 else vector_norm(x, dim=0).max())

    def projections(self, rows: Tensor, w: Tensor) -> Tensor:
        """Return the inner products of the rows of a matrix with a vector."""
        return rows.conj() @ w

    def combination(self, h: Tensor, rows: Tensor) -> Tensor:
        """Return Σ hₖ rowsₖ."""
        return h @ rows

    def probe(self, dtype: dtypes.dtype, seed: int = 0) -> Tensor:
        """Return a normal random vector, the same each time: what a solver begins with is no draw of the program's."""
        generator = Generator()
        generator.manual_seed(seed)
        return ops.randn(self.dim, dtype=dtype, generator=generator)
