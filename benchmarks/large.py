"""Large matrices and Gaussian processes beside PyTorch and JAX: what `python benchmarks/linalg.py --large` and `--gp` show."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from rich.table import Table

import lineal
from lineal.bench.interleaved import medians

try:
    import torch
except ImportError:
    torch = None
try:
    import jax
    import jax.scipy.linalg
except ImportError:
    jax = None

SIZES = (1000, 2000)

# A is general, S positive definite and also used as a triangle, b one right-hand side and B many
OPS: dict[str, tuple[str, Callable[..., Any]]] = {
    "solve": ("Ab", lambda t, A, b: t.linalg.solve(A, b)),
    "solve, many": ("AB", lambda t, A, B: t.linalg.solve(A, B)),
    "cholesky": ("S", lambda t, S: t.linalg.cholesky(S)),
    "inv": ("A", lambda t, A: t.linalg.inv(A) + 0),
    "det": ("A", lambda t, A: t.linalg.det(A)),
    "slogdet": ("A", lambda t, A: t.linalg.slogdet(A)),
    "lu_factor": ("A", lambda t, A: t.linalg.lu_factor(A)),
    "solve_triangular": ("SB", lambda t, S, B: t.linalg.solve_triangular(S, B, upper=False)),
}


def arrays(names: str, n: int, dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    A = rng.normal(size=(n, n))
    made = {"A": A, "S": A @ A.T / n + np.eye(n), "b": rng.normal(size=(n, 1)), "B": rng.normal(size=(n, n))}
    return [made[name].astype(dtype) for name in names]


def large(sizes: list[int] | None, dtypes: list[str] | None, rounds: int) -> Table:
    """Return the table of large matrices, in milliseconds."""
    table = Table("op", "dtype", "n", "lineal", "torch", "torch / lineal")
    for op, (names, function) in OPS.items():
        for dtype in dtypes or ("float64", "float32"):
            for n in sizes or SIZES:
                rivals = {}
                for t in (lineal, torch):
                    if t is not None:
                        rivals[t.__name__] = called(t, function, arrays(names, n, dtype))
                found = medians(rivals, rounds)
                theirs = found.get("torch")
                shown = ("-", "-") if theirs is None else (f"{theirs * 1e3:.1f}", f"{theirs / found['lineal']:.2f}")
                table.add_row(op, dtype, str(n), f"{found['lineal'] * 1e3:.1f}", *shown)
    return table


def called(t: ModuleType, function: Callable[..., Any], given: list[np.ndarray]) -> Callable[[], Any]:
    tensors = [t.from_numpy(each) for each in given]
    return lambda: function(t, *tensors)


# Gaussian processes


def points(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    return x, np.sin(x.sum(-1)) + 0.1 * rng.normal(size=n)


def likelihood(t: Any, x: Any, y: Any, lengths: Any, variance: Any, noise: Any) -> Any:
    """Return the log marginal likelihood as a user of the library would write it, distances by products."""
    z = x / t.exp(lengths)
    squares = (z * z).sum(-1)
    distances = squares[:, None] + squares[None, :] - 2 * z @ z.T
    K = t.exp(variance) * t.exp(-distances / 2) + t.exp(noise) * t.eye(len(y), dtype=x.dtype)
    L = t.linalg.cholesky(K)
    substitute = getattr(t.linalg, "solve_triangular", None)
    solved = substitute(L, y[:, None], upper=False)[:, 0] if substitute else jax.scipy.linalg.solve_triangular(L, y, lower=True)
    return -(solved * solved).sum() / 2 - t.log(t.diagonal(L)).sum() - len(y) * math.log(2 * math.pi) / 2


def modelled(t: Any, x: Any, y: Any, lengths: Any, variance: Any, noise: Any) -> Any:
    """Return the same by lineal's own model, distances by differences."""
    kernel = lambda a, b: t.models.rbf(a, b, lengths.exp(), variance.exp())
    return t.models.gp_log_marginal_likelihood(x, y, kernel, noise.exp())


def differentiated(t: Any, function: Callable[..., Any], n: int) -> Callable[[], Any]:
    """Return the value and gradient of a log likelihood."""
    x, y = (t.from_numpy(each) for each in points(n))
    parameters = [t.zeros(3, dtype=x.dtype), t.zeros((), dtype=x.dtype), t.tensor(-2.0, dtype=x.dtype)]
    for each in parameters:
        each.requires_grad_()

    def run() -> None:
        for each in parameters:
            each.grad = None
        function(t, x, y, *parameters).backward()

    return run


def by_jax(n: int) -> Callable[[], Any]:
    jax.config.update("jax_enable_x64", True)
    x, y = points(n)
    run = jax.jit(jax.value_and_grad(lambda p: likelihood(jax.numpy, jax.numpy.array(x), jax.numpy.array(y), *p)))
    start = (np.zeros(3), np.zeros(()), np.array(-2.0))
    return lambda: jax.block_until_ready(run(start))


def process(rounds: int, n: int = 500) -> Table:
    """Return the table of the log likelihood of a Gaussian process with its gradient, in milliseconds."""
    compiled = lineal.compile(lambda *given: modelled(lineal, *given))
    rivals = {
        "lineal": differentiated(lineal, modelled, n),
        "lineal, compiled": differentiated(lineal, lambda t, *given: compiled(*given), n),
    }
    if torch is not None:
        rivals["torch"] = differentiated(torch, likelihood, n)
    if jax is not None:
        rivals["jax, jit"] = by_jax(n)
    for each in rivals.values():
        each()
    table = Table("", f"log likelihood and gradient of {n} points, ms", "over lineal's")
    found = medians(rivals, rounds)
    for name, spent in found.items():
        table.add_row(name, f"{spent * 1e3:.2f}", f"{spent / found['lineal']:.2f}")
    return table
