"""Sparse matrices against SciPy and PyTorch: `python benchmarks/sparse.py --unknowns 1000000 --threads 2`.

The matrix is the 7-point Laplacian of a cube, float64 with int32 indices. Prints the least milliseconds of interleaved rounds,
the ratios to SciPy and PyTorch (above 1 is faster), and what share of the memory's bandwidth a product has: the bytes of matrix
and vectors, each once, beside a sum of an array of as many bytes in the same rounds. PyTorch is left out where it is missing.
"""

from __future__ import annotations

import argparse
import gc
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from rich.console import Console
from rich.table import Table
from scipy.sparse.linalg import spsolve_triangular

import lineal
from lineal import sparse
from lineal.bench.comparison import machine, versions

try:
    import torch
except ImportError:
    torch = None

COLUMNS = 8
"""How many columns the strided matrix of a product has."""

Rivals = dict[str, Callable[[], Any]]


def laplacian(side: int) -> scipy.sparse.csr_array:
    """Return the 7-point Laplacian of a cube of so many points a side, whose values beyond the border are zero."""
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    one = scipy.sparse.eye_array(side)
    plane = scipy.sparse.kron(line, one) + scipy.sparse.kron(one, line)
    A = (scipy.sparse.kron(plane, one) + scipy.sparse.kron(scipy.sparse.eye_array(side**2), line)).tocsr()
    A.sort_indices()
    return scipy.sparse.csr_array((A.data, A.indices.astype(np.int32), A.indptr.astype(np.int32)), shape=A.shape)


def least(rivals: Rivals, rounds: int, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Return the least seconds of each rival over interleaved rounds, by a clock."""
    found = dict.fromkeys(rivals, float("inf"))
    for function in rivals.values():
        function()
    gc.collect()
    for _ in range(rounds):
        for name, function in rivals.items():
            start = clock()
            function()
            found[name] = min(found[name], clock() - start)
    return found


def theirs(A: scipy.sparse.csr_array) -> Any:
    """Return PyTorch's tensor over the memory of a matrix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(*(torch.from_numpy(each) for each in (A.indptr, A.indices, A.data)), A.shape)


def cases(A: scipy.sparse.csr_array, x: np.ndarray, X: np.ndarray) -> dict[str, tuple[Rivals, int]]:
    """Return the rivals of each product, and how many bytes of vectors it reads and writes."""
    ours, (v, V) = sparse.from_scipy(A), map(lineal.from_numpy, (x, X))
    products: dict[str, tuple[Callable[..., Any], int]] = {
        "A x": (lambda A, v, V: A @ v, 2 * x.nbytes),
        "Aᵀ x": (lambda A, v, V: (A.T if scipy.sparse.issparse(A) else A.t()) @ v, 2 * x.nbytes),
        f"A X, {COLUMNS} columns": (lambda A, v, V: A @ V, 2 * X.nbytes),
        "A A": (lambda A, v, V: A @ A, 0),
    }
    found = {}
    for name, (product, size) in products.items():
        rivals = {"lineal": bound(product, ours, v, V), "scipy": bound(product, A, x, X)}
        if torch is not None:
            rivals["torch"] = bound(product, theirs(A), torch.from_numpy(x), torch.from_numpy(X))
        found[name] = rivals, size
    b = v.unsqueeze(1)
    lower = scipy.sparse.tril(A, format="csr")
    solves = {"lineal": lambda: lineal.triangular_solve(b, ours, upper=False), "scipy": lambda: spsolve_triangular(lower, x)}
    return found | {"L⁻¹ x": (solves, 2 * x.nbytes)}


def bound(product: Callable[..., Any], *given: Any) -> Callable[[], Any]:
    """Return a product of what is given."""
    return lambda: product(*given)


def rows(side: int, rounds: int) -> list[list[str]]:
    """Return the lines of the table for one matrix."""
    A, rng = laplacian(side), np.random.default_rng(0)
    x, X = rng.standard_normal(A.shape[0]), rng.standard_normal((A.shape[0], COLUMNS))
    matrix, found = A.data.nbytes + A.indices.nbytes + A.indptr.nbytes, []
    for name, (rivals, size) in cases(A, x, X).items():
        memory = lineal.from_numpy(rng.standard_normal((matrix + size) // 8))
        times = least({**rivals, "memory": memory.sum}, rounds if name != "A A" else max(2, rounds // 5))
        cells = [f"{times[each] / times['lineal']:.2f}" if each in times else "-" for each in ("scipy", "torch")]
        share = f"{times['memory'] / times['lineal']:.2f}" if size else "-"
        speed = f"{(matrix + size) / times['memory'] / 1e9:.1f}"
        found.append([name, f"{A.shape[0]:,}", f"{times['lineal'] * 1e3:.2f}", *cells, share, speed])
    return found


def main() -> None:
    """Run the benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unknowns", action="append", type=int, help="10000000 takes 3 GB")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=lineal.get_num_threads())
    given = parser.parse_args()
    lineal.set_num_threads(given.threads)
    if torch is not None:
        torch.set_num_threads(given.threads)
    console = Console(width=120)
    console.print(f"{machine()}; {versions()}, scipy {scipy.__version__}; {given.threads} threads")
    table = Table("product", "unknowns", "lineal, ms", "scipy /", "torch /", "of the bandwidth", "bandwidth, GB/s")
    for unknowns in given.unknowns or (1_000_000,):
        for row in rows(round(unknowns ** (1 / 3)), given.rounds):
            table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
