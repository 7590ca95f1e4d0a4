"""Stationary methods: A = S − T, where S is easy to solve with, and S x′ = T x + b again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lineal.core import modes
from lineal.solvers.colours import Reordered, colour_order, reordered
from lineal.solvers.eigen.spectra import eigsh
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.operators.base import LinearOperator, Matrix, aslinearoperator
from lineal.solvers.operators.structured import Diagonal, Identity
from lineal.solvers.operators.triangles import InverseTriangle, known_matrix, regular_diagonal, with_scaled_diagonal
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["Chebyshev", "Splitting", "Stationary"]

DIRECTIONS = ("forward", "backward", "symmetric")


class Splitting:
    """A = S − T by S⁻¹, an operator: the iteration x′ = x + S⁻¹ (b − A x) has the matrix G = S⁻¹ T = I − S⁻¹ A.

    It converges from everywhere if and only if the spectral radius of G is less than one. `inverse` is also a preconditioner.
    """

    def __init__(self, name: str, A: LinearOperator, inverse: LinearOperator):
        self.name, self.A, self.inverse = name, A, inverse

    @classmethod
    def richardson(cls, A: LinearOperator | Tensor, omega: float = 1.0) -> Splitting:
        """Return S = I / ω."""
        operator = aslinearoperator(A)
        return cls(f"Richardson(ω = {omega:g})", operator, omega * Identity(operator.shape[0], operator.dtype))

    @classmethod
    def jacobi(cls, A: LinearOperator | Tensor, omega: float = 1.0) -> Splitting:
        """Return S = D / ω, D the diagonal of A; damped where ω < 1."""
        operator = aslinearoperator(A)
        return cls(f"Jacobi(ω = {omega:g})", operator, Diagonal(omega / regular_diagonal("jacobi", operator)))

    @classmethod
    def gauss_seidel(cls, A: LinearOperator | Tensor, direction: str = "forward", coloured: bool = False) -> Splitting:
        """Return S = D + L ("forward"), D + U ("backward") or (D + L) D⁻¹ (D + U) ("symmetric"); `coloured` as in `sor`."""
        made = cls.ssor(A, 1.0, coloured) if direction == "symmetric" else cls.sor(A, 1.0, direction, coloured)
        made.name = f"Gauss-Seidel({direction}{', coloured' * coloured})"
        return made

    @classmethod
    def sor(cls, A: LinearOperator | Tensor, omega: float, direction: str = "forward", coloured: bool = False) -> Splitting:
        """Return S = D / ω + L, or with U ("backward").

        If `coloured`, L and U are the triangles of A with its unknowns colour by colour, no two neighbours of one colour:
        threads share those of a colour (Adams and Ortega 1982, "A multi-color SOR method for parallel computation").
        """
        if direction not in DIRECTIONS[:2]:
            raise ValueError(f"sor: expected the direction 'forward' or 'backward', got {direction!r}")
        operator = aslinearoperator(A)
        if coloured:
            return cls.in_colours("sor", operator, lambda A: cls.sor(A, omega, direction))
        return cls(f"SOR(ω = {omega:g})", operator, triangle("sor", operator, omega, direction == "backward"))

    @classmethod
    def ssor(cls, A: LinearOperator | Tensor, omega: float = 1.0, coloured: bool = False) -> Splitting:
        """Return S = ω / (2 − ω) · (D / ω + L) D⁻¹ (D / ω + U); `coloured` as in `sor`."""
        operator = aslinearoperator(A)
        if coloured:
            return cls.in_colours("ssor", operator, lambda A: cls.ssor(A, omega))
        lower, upper = (triangle("ssor", operator, omega, up) for up in (False, True))
        middle = Diagonal((2 - omega) / omega * operator.diagonal())
        return cls(f"SSOR(ω = {omega:g})", operator, upper @ middle @ lower)

    @classmethod
    def in_colours(cls, name: str, A: LinearOperator, split: Callable[[LinearOperator], Splitting]) -> Splitting:
        """Return a splitting of A with its unknowns colour by colour."""
        regular_diagonal(name, A)
        matrix = A.to_sparse_csr()
        order = colour_order(matrix)
        made = split(Matrix(reordered(matrix, order)))
        return cls(f"{made.name}, coloured", A, Reordered(made.inverse, order))

    @property
    def iteration(self) -> LinearOperator:
        """The matrix G of the iteration, as an operator."""
        return Identity(self.A.shape[0], self.A.dtype) - self.inverse @ self.A

    def spectral_radius(self, steps: int = 100) -> float:
        """Return about the spectral radius of G: the growth of a random vector in the later half of so many steps."""
        with modes.no_grad():
            G, space = self.iteration, self.A.space
            x = space.probe(self.A.dtype)
            growth, half = 1.0, steps // 2
            for step in range(steps):
                length = space.norm(x)
                if not length:
                    return 0.0
                x = G.product(x / length)
                growth *= space.norm(x) ** (1 / (steps - half)) if step >= half else 1.0
        return growth

    def __repr__(self) -> str:
        radius = self.spectral_radius()
        end = "" if radius <= 1 else ": it does not converge"
        return f"{self.name}: A = S − T of {self.A!r}, spectral radius of S⁻¹T about {radius:.4g}{end}"


def triangle(name: str, A: LinearOperator, omega: float, upper: bool) -> LinearOperator:
    """Return (D / ω + L)⁻¹, or with U."""
    if not 0 < omega < 2:
        raise ValueError(f"{name}: expected 0 < omega < 2, got {omega}")
    regular_diagonal(name, A)
    return InverseTriangle(with_scaled_diagonal(known_matrix(name, A), 1 / omega), upper)


@dataclass(frozen=True)
class Stationary(Method):
    """The iteration x′ = x + S⁻¹ (b − A x) of a splitting, which `split` makes of A."""

    split: Callable[[LinearOperator], Splitting]
    name: str = "stationary"
    needs = "square"

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Stationary:
        splitting = self.split(A)
        return replace(self, split=lambda _: splitting)

    def steps(self, system: System) -> Iterator[Step]:
        splitting = self.split(system.A)
        if system.M is not None:
            raise ValueError(f"{splitting.name}: S is the preconditioner: M is for other methods")
        x, r = system.x, system.residual()
        while True:
            yield Step(system.space.norm(r), x)
            x = x + splitting.inverse.product(r)
            r = system._replace(x=x).residual()


@dataclass(frozen=True)
class Chebyshev(Method):
    """The Chebyshev iteration for Hermitian positive definite M A with its eigenvalues between two bounds; no dot products.

    Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 12.1. Without bounds, and without M, Lanczos finds them.
    """

    bounds: tuple[float, float] | None = None
    name = "Chebyshev"
    needs = "positive definite"

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Chebyshev:
        return replace(self, bounds=self.bounds or estimated_bounds(A, M))

    def steps(self, system: System) -> Iterator[Step]:
        low, high = self.bounds or estimated_bounds(system.A, system.M)
        if not 0 < low <= high:
            raise BreakdownError("indefinite", f"expected 0 < bounds, got {low:.3g} and {high:.3g}: is A positive definite?")
        centre, radius = (high + low) / 2, (high - low) / 2
        x, r = system.x, system.residual()
        if radius <= 1e-12 * centre:
            radius = 1e-12 * centre
        sigma = centre / radius
        rho = 1 / sigma
        d = system.preconditioned(r) / centre
        while True:
            yield Step(system.space.norm(r), x)
            x = x + d
            r = r - system.A.product(d)
            before, rho = rho, 1 / (2 * sigma - rho)
            d = rho * before * d + (2 * rho / radius) * system.preconditioned(r)


def estimated_bounds(A: LinearOperator, M: LinearOperator | None) -> tuple[float, float]:
    """Return bounds of A's eigenvalues, somewhat apart from what Lanczos finds."""
    if M is not None:
        raise ValueError("chebyshev: with a preconditioner M, give bounds of the eigenvalues of M A")
    low, high = (float(eigsh(A, 1, which, tol=1e-3, return_eigenvectors=False)) for which in ("SA", "LA"))
    return low * 0.99, high * 1.01
