"""Iterative solvers against SciPy and PyAMG: `python benchmarks/solvers.py --unknowns 1000000 --threads 2`.

Systems are the 7-point Laplacian of a cube, float64, and a convection-diffusion problem on a square. Prints the least seconds
of interleaved rounds and the ratios to the peer (above 1 is faster): steps of CG; CG with smoothed aggregation to 1e-8, setting
up and solving, beside PyAMG's where it is installed; GMRES with ILU(0) beside SciPy's `spilu` and `gmres`; and what part of the
time of a solve its gradient takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from rich.console import Console
from rich.table import Table
from scipy.sparse.linalg import LinearOperator, cg, gmres, spilu
from sparse import laplacian, least

import lineal
from lineal import solvers
from lineal import sparse as tensors
from lineal.bench.comparison import machine, versions
from lineal.solvers import preconditioners

try:
    import pyamg
except ImportError:
    pyamg = None

STEPS = 30
"""How many steps of CG are timed."""
RTOL = 1e-8


def convection(side: int, speed: float = 20.0) -> scipy.sparse.csr_array:
    """Return −Δu + speed · ∂u/∂x on a square of so many points a side, by central differences."""
    h, one = 1 / (side + 1), scipy.sparse.eye_array(side)
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    slope = scipy.sparse.diags_array([-0.5, 0.5], offsets=[-1, 1], shape=(side, side))
    A = (scipy.sparse.kron(one, line + speed * h * slope) + scipy.sparse.kron(line, one)).tocsr()
    return scipy.sparse.csr_array((A.data, A.indices.astype(np.int32), A.indptr.astype(np.int32)), shape=A.shape)


def steps(A: scipy.sparse.csr_array, b: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the rivals of some steps of CG."""
    ours, right = tensors.from_scipy(A), lineal.from_numpy(b)
    return {
        "lineal": lambda: solvers.cg(ours, right, rtol=1e-30, maxiter=STEPS, return_info=True),
        "scipy": lambda: cg(A, b, rtol=1e-30, maxiter=STEPS),
    }


def multigrid(A: scipy.sparse.csr_array, b: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the rivals of CG with smoothed aggregation, set up anew each time."""
    ours, right = tensors.from_scipy(A), lineal.from_numpy(b)
    found: dict[str, Callable[[], Any]] = {
        "lineal": lambda: solvers.cg(ours, right, rtol=RTOL, M=solvers.smoothed_aggregation(ours))
    }
    if pyamg is not None:
        matrix = scipy.sparse.csr_matrix(A)
        found["pyamg"] = lambda: pyamg.smoothed_aggregation_solver(matrix).solve(b, tol=RTOL, accel="cg")
    return found


def incomplete(A: scipy.sparse.csr_array, b: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the rivals of GMRES with incomplete factors, which SciPy has with fill only."""
    ours, right, columns = tensors.from_scipy(A), lineal.from_numpy(b), A.tocsc()

    def theirs() -> Any:
        factors = spilu(columns)
        x, failed = gmres(A, b, rtol=RTOL, restart=30, maxiter=1000, M=LinearOperator(A.shape, factors.solve))
        if failed:
            raise RuntimeError("scipy's gmres did not converge")
        return x

    return {"lineal": lambda: solvers.gmres(ours, right, rtol=RTOL, M=preconditioners.ilu(ours)), "scipy": theirs}


def gradient(A: scipy.sparse.csr_array, b: np.ndarray, rounds: int) -> float:
    """Return the time of the gradient of a solve with multigrid, as a part of the time of the solve and of setting up."""
    ours = tensors.from_scipy(A).requires_grad_()
    right, times = lineal.from_numpy(b), []
    for _ in range(rounds):
        begin = time.perf_counter()
        x = solvers.cg(ours, right, rtol=RTOL, M=solvers.smoothed_aggregation(ours))
        middle = time.perf_counter()
        x.sum().backward()
        times.append((time.perf_counter() - middle) / (middle - begin))
    return min(times)


def main() -> None:
    """Run the benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unknowns", type=int, default=1_000_000, help="10000000 takes some 12 GB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=lineal.get_num_threads())
    given = parser.parse_args()
    lineal.set_num_threads(given.threads)
    console = Console(width=120)
    amg = "no pyamg" if pyamg is None else f"pyamg {pyamg.__version__}"
    console.print(f"{machine()}; {versions()}, scipy {scipy.__version__}, {amg}; {given.threads} threads")
    cube, square = laplacian(round(given.unknowns ** (1 / 3))), convection(round((given.unknowns / 10) ** 0.5))
    rng = np.random.default_rng(0)
    table = Table("solve", "unknowns", "lineal, s", "scipy /", "pyamg /")
    for name, make, A in (
        (f"{STEPS} steps of CG", steps, cube),
        ("CG and multigrid", multigrid, cube),
        ("GMRES and ILU(0)", incomplete, square),
    ):
        times = least(make(A, rng.standard_normal(A.shape[0])), given.rounds)
        cells = [f"{times[each] / times['lineal']:.2f}" if each in times else "-" for each in ("scipy", "pyamg")]
        table.add_row(name, f"{A.shape[0]:,}", f"{times['lineal']:.3f}", *cells)
    console.print(table)
    console.print(f"gradient / solve with multigrid: {gradient(cube, rng.standard_normal(cube.shape[0]), given.rounds):.2f}")


if __name__ == "__main__":
    main()
