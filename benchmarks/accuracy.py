"""Digits and time of sums, spreads, norms, running results and normalisations in float32, beside NumPy and PyTorch.

    python benchmarks/accuracy.py [--rounds 9] [--shape 2048x2048]

All rivals take turns in one run. Errors are in units in the last place, against float64 and `math.fsum`: the worst of the
results, for numbers around 0, and for numbers around 10⁶. PyTorch is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import lineal
from lineal.bench.comparison import machine, versions
from lineal.bench.interleaved import medians

try:
    import torch
except ImportError:
    torch = None

SHAPES = ((4, 8), (128, 96), (2048, 2048), (10**7,))
FAR = 1e6

Function = Callable[[Any, Any], Any]
OPS: dict[str, tuple[Function, Callable[[Any], Any] | None, Callable[[np.ndarray], Any]]] = {
    "sum": (lambda t, x: x.sum(-1), lambda x: x.sum(-1), lambda x: x.sum(-1)),
    "sum, columns": (lambda t, x: x.sum(0), lambda x: x.sum(0), lambda x: x.sum(0)),
    "var": (lambda t, x: x.var(-1), lambda x: x.var(-1, ddof=1), lambda x: x.var(-1, ddof=1)),
    "norm": (lambda t, x: x.norm(2, -1), lambda x: np.linalg.norm(x, axis=-1), lambda x: np.sqrt((x * x).sum(-1))),
    "cumsum": (lambda t, x: x.cumsum(-1), lambda x: np.cumsum(x, -1), lambda x: np.cumsum(x, -1)),
    "softmax": (lambda t, x: x.softmax(-1), None, lambda x: ratios(np.exp(x - x.max(-1, keepdims=True)))),
    "layer_norm": (lambda t, x: t.nn.functional.layer_norm(x, x.shape[-1:]), None, lambda x: standardised(x)),
}


def ratios(e: np.ndarray) -> np.ndarray:
    """Return the parts of the sums of rows."""
    return e / e.sum(-1, keepdims=True)


def standardised(x: np.ndarray) -> np.ndarray:
    """Return rows with mean 0 and variance 1."""
    rest = x - x.mean(-1, keepdims=True)
    return rest / np.sqrt((rest * rest).mean(-1, keepdims=True) + 1e-5)


def exact(name: str, x: np.ndarray) -> np.ndarray:
    """Return an op's results in float64; one sum by `math.fsum`."""
    if name.startswith("sum") and x.ndim == 1:
        return np.asarray(math.fsum(x.tolist()))
    return np.asarray(OPS[name][2](x.astype(np.float64)))


def error(found: Any, wanted: np.ndarray) -> float:
    """Return the largest error in units in the last place of the largest results."""
    scale = np.abs(wanted).max() if wanted.ndim and wanted.min() < 0 else np.abs(wanted)
    return float(np.max(np.abs(np.asarray(found, np.float64) - wanted) / scale)) * 2**23


def tensors(t: ModuleType, function: Function, x: np.ndarray) -> Callable[[], Any]:
    """Return the call of an op on a tensor of PyTorch, or of lineal, which has the same names."""
    given = t.from_numpy(x)
    return lambda: function(t, given)


def compiled(function: Function, x: np.ndarray) -> Callable[[], Any]:
    """Return the call of the compiled op."""
    given = lineal.from_numpy(x)
    run = lineal.compile(lambda x: function(lineal, x))
    run(given)
    return lambda: run(given)


def rivals(name: str, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return who computes an op of one array, by name."""
    function, by_numpy, _ = OPS[name]
    found = {"lineal": tensors(lineal, function, x), "compiled": compiled(function, x)}
    if by_numpy is not None:
        found["numpy"] = lambda: by_numpy(x)
    if torch is not None:
        found["torch"] = tensors(torch, function, x)
    return found


def measured(shapes: list[tuple[int, ...]], rounds: int) -> Table:
    """Return the table: for each rival its time in microseconds, and its errors for numbers around 0 and around 10⁶."""
    names = ("lineal", "compiled", "numpy", "torch")
    table = Table("op", "shape", *names, title="µs (error around 0, around 10⁶)")
    for name in OPS:
        for shape in shapes:
            near = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
            if name.startswith("sum") or name == "cumsum":
                near = np.abs(near)
            far = (FAR + near).astype(np.float32)
            times = medians(rivals(name, near), rounds)
            digits = [{who: error(run(), exact(name, x)) for who, run in rivals(name, x).items()} for x in (near, far)]
            cells = [
                f"{times[who] * 1e6:.1f} ({digits[0][who]:.1f}, {digits[1][who]:.3g})" if who in times else "-" for who in names
            ]
            table.add_row(name, "×".join(map(str, shape)), *cells)
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shape", action="append", help="as in 128x96; more than one is allowed")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    shapes = [tuple(map(int, each.split("x"))) for each in given.shape or ()] or list(SHAPES)
    console = Console(width=140)
    console.print(machine())
    console.print(versions())
    console.print(measured(shapes, given.rounds))


if __name__ == "__main__":
    main()
