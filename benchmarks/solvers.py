"""Iterative solvers against SciPy and PyAMG: `python benchmarks/solvers.py --unknowns 1000000 --threads 2`.

Systems are the 7-point Laplacian of a cube, float64, as a matrix and as a stencil, and a convection-diffusion problem on a
square. Prints the least seconds of interleaved rounds and the ratios to the peer (above 1 is faster): steps of CG, and their
share of the memory's bandwidth, where every array counts each time that a step reads or writes it; CG with multigrid to 1e-8,
setting up and solving, beside PyAMG's smoothed aggregation where it is installed; GMRES with ILU(0) beside SciPy's `spilu` and
`gmres`; and what part of the time of a solve its gradient takes. With `--only stencil` no matrix is made; the last
column is the most memory that the process had until then.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
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

Rivals = dict[str, Callable[[], Any]]

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


def steps(A: Any, peer: scipy.sparse.csr_array | None, b: np.ndarray) -> Rivals:
    """Return the rivals of some steps of CG."""
    right = lineal.from_numpy(b)
    found: Rivals = {"lineal": lambda: solvers.cg(A, right, rtol=1e-30, maxiter=STEPS, return_info=True)}
    if peer is not None:
        found["scipy"] = lambda: cg(peer, b, rtol=1e-30, maxiter=STEPS)
    # a sum reads what one step does
    memory = lineal.from_numpy(np.ones(step_bytes(A) // 8))
    return found | {"memory": memory.sum}


def step_bytes(A: Any) -> int:
    """Return how many bytes a step of CG reads and writes: q = A p, r −= α q, x += α p, p = r + β p."""
    matrix = 0 if isinstance(A, solvers.Stencil) else A.values().numel() * 12 + A.shape[0] * 4
    return matrix + 10 * 8 * A.shape[0]


def multigrid(A: Any, peer: scipy.sparse.csr_array | None, b: np.ndarray) -> Rivals:
    """Return the rivals of CG with multigrid, set up anew each time."""
    right = lineal.from_numpy(b)
    made = solvers.geometric_multigrid if isinstance(A, solvers.Stencil) else solvers.smoothed_aggregation
    found: Rivals = {"lineal": lambda: solvers.cg(A, right, rtol=RTOL, M=made(A))}
    if pyamg is not None and peer is not None:
        matrix = scipy.sparse.csr_matrix(peer)
        found["pyamg"] = lambda: pyamg.smoothed_aggregation_solver(matrix).solve(b, tol=RTOL, accel="cg")
    return found


def incomplete(ours: Any, A: scipy.sparse.csr_array, b: np.ndarray) -> Rivals:
    """Return the rivals of GMRES with incomplete factors, which SciPy has with fill only."""
    right, columns = lineal.from_numpy(b), A.tocsc()

    def theirs() -> Any:
        factors = spilu(columns)
        x, failed = gmres(A, b, rtol=RTOL, restart=30, maxiter=1000, M=LinearOperator(A.shape, factors.solve))
        if failed:
            raise RuntimeError("scipy's gmres did not converge")
        return x

    return {"lineal": lambda: solvers.gmres(ours, right, rtol=RTOL, M=preconditioners.ilu(ours)), "scipy": theirs}


def gradient(A: scipy.sparse.csr_array, rounds: int) -> float:
    """Return the time of the gradient of a solve with multigrid, as a part of the time of the solve and of setting up."""
    ours, b = tensors.from_scipy(A).requires_grad_(), np.random.default_rng(0).standard_normal(A.shape[0])
    right, times = lineal.from_numpy(b), []
    for _ in range(rounds):
        begin = time.perf_counter()
        x = solvers.cg(ours, right, rtol=RTOL, M=solvers.smoothed_aggregation(ours))
        middle = time.perf_counter()
        x.sum().backward()
        times.append((time.perf_counter() - middle) / (middle - begin))
    return min(times)


def cases(unknowns: int, only: str | None) -> Iterator[tuple[str, Any, Callable[..., Rivals], scipy.sparse.csr_array | None]]:
    """Yield the name of each line of the table, its matrix for lineal and for the others, and what makes the rivals."""
    side = round(unknowns ** (1 / 3))
    cube = None if only == "stencil" else laplacian(side)
    ours = None if cube is None else tensors.from_scipy(cube)
    stencil = solvers.poisson((side,) * 3, dtype=lineal.float64)
    if cube is not None:
        yield f"{STEPS} steps of CG, matrix", ours, steps, cube
    if cube is not None and only is None:
        yield "CG and multigrid, matrix", ours, multigrid, cube
        square = convection(round((unknowns / 10) ** 0.5))
        yield "GMRES and ILU(0)", tensors.from_scipy(square), incomplete, square
    if only != "steps":
        yield "CG and multigrid, stencil", stencil, multigrid, cube
    yield f"{STEPS} steps of CG, stencil", stencil, steps, cube


def main() -> None:
    """Run the benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unknowns", type=int, default=1_000_000, help="10000000 takes some 12 GB, with --only stencil 1 GB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=lineal.get_num_threads())
    parser.add_argument("--only", choices=["stencil", "steps"], help="stencils without peers, or steps of CG")
    parser.add_argument("--processor", action="store_true", help="processor time: with one thread, for a machine that is busy")
    given = parser.parse_args()
    lineal.set_num_threads(given.threads)
    console = Console(width=120)
    amg = "no pyamg" if pyamg is None else f"pyamg {pyamg.__version__}"
    console.print(f"{machine()}; {versions()}, scipy {scipy.__version__}, {amg}; {given.threads} threads")
    table = Table("solve", "unknowns", "lineal, s", "scipy /", "pyamg /", "of the bandwidth", "GB/s", "peak so far, GiB")
    for name, A, make, peer in cases(given.unknowns, given.only):
        rivals = make(A, peer, np.random.default_rng(0).standard_normal(A.shape[0]))
        times = least(rivals, given.rounds, time.process_time if given.processor else time.perf_counter)
        cells = [f"{times[each] / times['lineal']:.2f}" if each in times else "-" for each in ("scipy", "pyamg")]
        memory = times.get("memory")
        cells += [f"{STEPS * memory / times['lineal']:.2f}", f"{step_bytes(A) / memory / 1e9:.1f}"] if memory else ["-", "-"]
        cells.append(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}")
        table.add_row(name, f"{A.shape[0]:,}", f"{times['lineal']:.3f}", *cells)
    console.print(table)
    if given.only is None:
        side = round(given.unknowns ** (1 / 3))
        console.print(f"gradient / solve with multigrid: {gradient(laplacian(side), given.rounds):.2f}")


if __name__ == "__main__":
    main()
