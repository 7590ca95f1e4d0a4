"""Generalised minimal residuals: for all square matrices, by a basis that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lineal import ops
from lineal.base.limits import finfo
from lineal.ops.linalg.triangular import solve_triangular
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor, as_tensor

__all__ = ["GeneralisedMinimalResidual"]

STAGNANT = 0.999
"""How much of the residual may be left of a cycle at most."""


@dataclass(frozen=True)
class GeneralisedMinimalResidual(Method):
    """GMRES(m) of Saad and Schultz, SIAM J. Sci. Stat. Comput. 7 (1986), preconditioned from the right.

    Until it begins again after `restart` steps, each iterate has the smallest residual of all x₀ + M span{r, AMr, …}. With
    `flexible` the vectors M v are kept too, so that M may be another each time (Saad 1993), such as a few steps of a method.
    """

    restart: int = 30
    flexible: bool = False
    name = "GMRES"
    needs = "square"
    scale_invariant = True

    def __post_init__(self) -> None:
        if self.restart < 1:
            raise ValueError(f"gmres: expected restart of at least 1, got {self.restart}")

    def steps(self, system: System) -> Iterator[Step]:
        step = Step(system.space.norm(system.residual()), system.x)
        yield step
        while True:
            before = step.residual
            for step in Cycle(system, min(self.restart, system.space.dim), self.flexible).steps():
                yield step
            if not step.residual < STAGNANT * before:
                raise BreakdownError(
                    "stagnated", f"{self.restart} steps changed nothing: use a larger restart, or a preconditioner M"
                )
            system = system._replace(x=step.solved())


class Cycle:
    """The steps between two restarts: A M V = V H, H = Q R by rotations, of which R and Qᴴ ‖r‖ e₁ are kept."""

    def __init__(self, system: System, size: int, flexible: bool):
        self.system, self.size = system, size
        r = system.residual()
        self.beta = system.space.norm(r)
        self.V = ops.zeros((size + 1, len(r)), dtype=r.dtype)
        self.V[0] = r / self.beta
        self.Z = ops.zeros((size, len(r)), dtype=r.dtype) if flexible else None
        self.R = ops.zeros((size, size), dtype=r.dtype)
        self.g: list[complex] = [self.beta]
        self.rotations: list[tuple[float, complex]] = []

    def steps(self) -> Iterator[Step]:
        """Yield the state after each step."""
        for k in range(self.size):
            z = self.system.preconditioned(self.V[k])
            if self.Z is not None:
                self.Z[k] = z
            column, height, scale = self.orthogonalised(self.system.A.product(z), k)
            self.rotate(column, height, k, scale)
            yield Step(abs(self.g[-1]), partial(self.solution, k + 1))
            if not height > finfo(z.dtype).eps * scale:
                # the space is invariant: the next cycle begins with what is left
                return

    def orthogonalised(self, w: Tensor, k: int) -> tuple[list[complex], float, float]:
        """Take a vector into the basis, made orthogonal twice; return its column of H, what was left of it, what it was."""
        rows, space = self.V[: k + 1], self.system.space
        scale = space.norm(w)
        h = space.projections(rows, w)
        w = w - space.combination(h, rows)
        again = space.projections(rows, w)
        w = w - space.combination(again, rows)
        height = space.norm(w)
        self.V[k + 1] = w / (height or 1.0)
        return (h + again).tolist(), height, scale

    def rotate(self, column: list[complex], height: float, k: int, scale: float) -> None:
        """Apply the rotations of before to a column, and one more that takes what is below the diagonal away."""
        for n, (c, s) in enumerate(self.rotations):
            a, b = column[n], column[n + 1]
            column[n], column[n + 1] = c * a + s * b, -s.conjugate() * a + c * b
        a = column[k]
        length = (abs(a) ** 2 + height**2) ** 0.5
        if not length > finfo(self.V.dtype).eps * scale:
            raise BreakdownError("singular", "A is singular: see lsqr, and minres_qlp if it is Hermitian")
        c, s = (abs(a) / length, (a / abs(a)) * height / length) if a else (0.0, 1.0)
        column[k] = c * a + s * height
        self.R[: k + 1, k] = as_tensor(column, dtype=self.R.dtype)
        self.rotations.append((c, s))
        self.g[-1:] = [c * self.g[-1], -s.conjugate() * self.g[-1]]

    def solution(self, count: int) -> Tensor:
        """Return the iterate after some steps of this cycle."""
        g = as_tensor(self.g[:count], dtype=self.R.dtype)
        y = solve_triangular(self.R[:count, :count], g.unsqueeze(1), upper=True).squeeze(1)
        combination = self.system.space.combination
        if self.Z is not None:
            return self.system.x + combination(y, self.Z[:count])
        return self.system.x + self.system.preconditioned(combination(y, self.V[:count]))
