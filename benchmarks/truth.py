"""How honest linear algebra is: hard matrices against 200 digits, for lineal, NumPy and (if it is installed) PyTorch.

    python benchmarks/truth.py [--dtype float32] [--names]

Each answer is "right" (within the error bound of a stable algorithm, and with at least a digit), "refused" with an error,
"told" (wrong, with a warning) or "silent": wrong, and nobody said so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.bench.comparison import versions
from lineal.testing.gallery import gallery
from lineal.testing.truth import Truth, bound, least_squares, outcome

OUTCOMES = ("right", "refused", "told", "silent")
TASKS = ("solve", "inv", "inv @ b", "det", "cholesky_solve", "lstsq")


def numpy_calls() -> dict[str, Callable]:
    """Return NumPy's functions; it has no solution by a Cholesky factor."""
    return {
        "solve": np.linalg.solve,
        "inv": lambda A, B: np.linalg.inv(A),
        "inv @ b": lambda A, B: np.linalg.inv(A) @ B,
        "det": lambda A, B: np.reshape(np.linalg.det(A), (1, 1)),
        "lstsq": lambda A, B: np.linalg.lstsq(A, B)[0:3:2],
    }


def torch_calls(torch: Any) -> dict[str, Callable]:
    """Return the functions of PyTorch, or of lineal, which has the same names, on arrays."""

    def on_arrays(function: Callable) -> Callable:
        return lambda A, B: function(torch.from_numpy(A), torch.from_numpy(B)).numpy()

    def lstsq(A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, int]:
        found = torch.linalg.lstsq(torch.from_numpy(A), torch.from_numpy(B))
        return found.solution.numpy(), int(found.rank)

    linalg = torch.linalg
    calls = {
        "solve": linalg.solve,
        "inv": lambda A, B: linalg.inv(A),
        "inv @ b": lambda A, B: linalg.inv(A) @ B,
        "det": lambda A, B: linalg.det(A).reshape(1, 1),
        "cholesky_solve": lambda A, B: torch.cholesky_solve(B, linalg.cholesky(A)),
    }
    return {**{name: on_arrays(function) for name, function in calls.items()}, "lstsq": lstsq}


def judged(call: Callable, A: np.ndarray, B: np.ndarray, wanted: Any, limit: float) -> str:
    """Return what came of one call."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            got = call(A, B)
        except (RuntimeError, ValueError, np.linalg.LinAlgError):
            return "refused"
    told = bool(said)
    if isinstance(got, tuple):
        # a rank below the number of columns says that the shortest of many solutions was taken
        got, rank = got
        told = told or rank < A.shape[1]
    return outcome(got, wanted, limit, told)


def questions(task: str, A: np.ndarray, B: np.ndarray, truth: Truth) -> tuple[np.ndarray, Any, float] | None:
    """Return the matrix that a task gets, the right answer and the error it may have; None where the task does not apply."""
    if task == "lstsq":
        tall = A[:, : len(A) // 2 + 1]
        wanted, condition = least_squares(tall, B)
        return None if wanted is None else (tall, wanted, bound(truth.n, truth.eps, condition))
    if task == "cholesky_solve" and not np.array_equal(A, A.T):
        return None
    wanted = truth.inverse if task == "inv" else [[truth.det]] if task == "det" else truth.solution(B)
    return A, wanted, truth.bound()


def measured(calls: dict[str, Callable], cases: list) -> tuple[dict[str, Counter], dict[str, list[str]]]:
    """Return, per task, how many answers were of which kind, and the names of the matrices answered wrongly in silence."""
    counts: dict[str, Counter] = {}
    names: dict[str, list[str]] = {}
    for task in TASKS:
        if task not in calls:
            continue
        counts[task], names[task] = Counter(), []
        for name, A, B, truth in cases:
            asked = questions(task, A, B, truth)
            if asked is not None:
                kind = judged(calls[task], asked[0], B, *asked[1:])
                counts[task][kind] += 1
                names[task] += [name] * (kind == "silent")
    return counts, names


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--names", action="store_true", help="list the matrices that were answered wrongly in silence")
    options = parser.parse_args()
    cases = []
    for name, A in gallery():
        with np.errstate(all="ignore"):
            A = A.astype(options.dtype)
        if np.isfinite(A).all():
            B = np.random.default_rng(len(A)).normal(size=(len(A), 1)).astype(A.dtype)
            cases.append((name, A, B, Truth(A)))
    libraries = {"lineal": torch_calls(importlib.import_module("lineal")), "NumPy": numpy_calls()}
    if importlib.util.find_spec("torch"):
        libraries["PyTorch"] = torch_calls(importlib.import_module("torch"))
    print(f"{versions()}; {len(cases)} matrices of {options.dtype}\n")
    print(f"{'library':10}{'task':16}" + "".join(f"{kind:>9}" for kind in OUTCOMES))
    for library, calls in libraries.items():
        counts, names = measured(calls, cases)
        for task, found in counts.items():
            print(f"{library:10}{task:16}" + "".join(f"{found[kind]:9}" for kind in OUTCOMES))
            if options.names and names[task]:
                print(f"{'':10}silent: {', '.join(names[task])}")


if __name__ == "__main__":
    main()
