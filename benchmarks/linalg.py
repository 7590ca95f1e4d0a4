"""Batches of small matrices against PyTorch and NumPy: `python benchmarks/linalg.py --batch 10000 --op cholesky --op solve`.

Needs torch for the comparison (`pip install torch==2.13.0`). Prints medians in microseconds of interleaved rounds, forward and
forward + backward, and the ratios to PyTorch and NumPy (above 1 is faster). lineal and PyTorch use as many threads as
`--threads` says; on one, their idle workers do not get into each other's way. `--large` measures large matrices instead, `--gp`
a Gaussian process (beside JAX, if it is installed), in milliseconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from types import ModuleType
from typing import Any

import large
import numpy as np
from rich.console import Console
from rich.table import Table

import lineal
from lineal.bench.comparison import machine, versions
from lineal.bench.interleaved import medians
from lineal.codegen.dense import backends

try:
    import torch
except ImportError:
    torch = None

SIZES = (2, 3, 4, 8, 16, 32)

# what is computed by a library of PyTorch's names, and by NumPy; P is positive definite, A is not, T is tall; B and C are
# right-hand sides
OPS: dict[str, tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    "cholesky": ("P", lambda t, P: t.linalg.cholesky(P), np.linalg.cholesky),
    "solve": ("AB", lambda t, A, B: t.linalg.solve(A, B), np.linalg.solve),
    "inv": ("A", lambda t, A: t.linalg.inv(A), np.linalg.inv),
    "det": ("A", lambda t, A: t.linalg.det(A), np.linalg.det),
    "qr": ("A", lambda t, A: t.linalg.qr(A), np.linalg.qr),
    "eigh": ("P", lambda t, P: t.linalg.eigh(P), np.linalg.eigh),
    "svd": ("A", lambda t, A: t.linalg.svd(A), np.linalg.svd),
    "lstsq": (
        "TC",
        lambda t, T, C: t.linalg.lstsq(T, C).solution,
        lambda T, C: [np.linalg.lstsq(*each)[0] for each in zip(T, C)],
    ),
    "matmul": ("AP", lambda t, A, P: A @ P, np.matmul),
}

# the ratio to PyTorch that is aimed at, up to which size
AIMS = {
    **dict.fromkeys(("cholesky", "solve", "inv", "det"), ((8, 4.0), (32, 2.0))),
    **dict.fromkeys(("eigh", "svd"), ((4, 4.0), (8, 2.0))),
    "qr": ((16, 2.0),),
    "lstsq": ((8, 4.0),),
    "matmul": (),
}


def inputs(names: str, batch: int, n: int, dtype: str) -> list[np.ndarray]:
    """Return the random arrays that an op needs."""
    rng = np.random.default_rng(n)
    A = rng.normal(size=(batch, n, n))
    made = {"A": A, "P": A @ A.mT + np.eye(n), "B": rng.normal(size=(batch, n, 1))}
    m = max(n, min(2 * n, 32))
    made |= {"T": rng.normal(size=(batch, m, n)), "C": rng.normal(size=(batch, m, 1))}
    return [made[name].astype(dtype) for name in names]


def forward(t: ModuleType, function: Callable[..., Any], arrays: list[np.ndarray]) -> Callable[[], Any]:
    tensors = [t.from_numpy(each) for each in arrays]
    return lambda: function(t, *tensors)


def both(t: ModuleType, function: Callable[..., Any], arrays: list[np.ndarray]) -> Callable[[], Any]:
    """Return forward and backward of a loss that is linear in every output."""
    tensors = [t.from_numpy(each).requires_grad_() for each in arrays]
    outputs = function(t, *tensors)
    outputs = (outputs,) if isinstance(outputs, t.Tensor) else tuple(outputs)
    weights = [t.ones_like(y).detach() for y in outputs]

    def run() -> None:
        for x in tensors:
            x.grad = None
        ys = function(t, *tensors)
        t.autograd.backward((ys,) if isinstance(ys, t.Tensor) else tuple(ys), weights)

    return run


def aim(op: str, n: int) -> float | None:
    return next((ratio for largest, ratio in AIMS[op] if n <= largest), None)


def row(op: str, n: int, batch: int, dtype: str, rounds: int) -> list[str]:
    """Return one line of the table."""
    names, function, numpy = OPS[op]
    arrays = inputs(names, batch, n, dtype)
    rivals: dict[str, Callable[[], Any]] = {
        "lineal": forward(lineal, function, arrays),
        "lineal both": both(lineal, function, arrays),
        "numpy": lambda: numpy(*arrays),
    }
    if torch is not None:
        rivals |= {"torch": forward(torch, function, arrays), "torch both": both(torch, function, arrays)}
    found = {name: seconds * 1e6 for name, seconds in medians(rivals, rounds, 0.01).items()}
    ours, twice = found["lineal"], found["lineal both"]
    cells = [op, dtype, str(n), f"{ours:.0f}", f"{found['numpy'] / ours:.1f}"]
    wanted = aim(op, n)
    for name, mine in (("torch", ours), ("torch both", twice)):
        ratio = found[name] / mine if name in found else None
        mark = "" if ratio is None or wanted is None or ratio >= wanted else " !"
        cells.append("-" if ratio is None else f"{ratio:.1f}{mark}")
    cells.insert(6, f"{twice:.0f}")
    return [*cells, "-" if wanted is None else f"{wanted:.0f}"]


def main() -> None:
    """Run the benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--op", action="append", choices=list(OPS))
    parser.add_argument("--size", action="append", type=int)
    parser.add_argument("--dtype", action="append", choices=["float64", "float32"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--large", action="store_true", help="large matrices instead")
    parser.add_argument("--gp", action="store_true", help="a Gaussian process instead")
    given = parser.parse_args()
    lineal.set_num_threads(given.threads)
    if torch is not None:
        torch.set_num_threads(given.threads)
    console = Console(width=120)
    console.print(f"{machine()}; {versions()}; {given.threads} threads")
    if given.large or given.gp:
        console.print(backends.described())
        if given.large:
            console.print(large.large(given.size, given.dtype, given.rounds))
        if given.gp:
            console.print(large.process(given.rounds))
        return
    console.print(f"batches of {given.batch}; medians of {given.rounds} interleaved rounds, microseconds")
    heads = ("op", "dtype", "n", "lineal", "numpy /", "torch /", "lineal fwd+bwd", "torch / (fwd+bwd)", "aim")
    table = Table(*heads)
    for op in given.op or OPS:
        for dtype in given.dtype or ("float64", "float32"):
            for n in given.size or SIZES:
                table.add_row(*row(op, n, given.batch, dtype, given.rounds))
    console.print(table)


if __name__ == "__main__":
    main()
