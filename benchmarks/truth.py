"""How honest linear algebra is: hard matrices against 200 digits, for lineal, NumPy and (if it is installed) PyTorch.

    python benchmarks/truth.py [--dtype float32] [--names]

Each answer is "right" (within the error bound of a stable algorithm, and with three digits), "refused" with an error, "told"
(wrong, with a warning), "silent": wrong, and nobody said so, or "alarm": right, with a warning though the condition leaves a
digit. Gradients of pseudoinverses and least squares are "nan" where they are not finite though they exist.

    python benchmarks/truth.py --demand

fails if lineal answers anything in silence, has such a gradient, or if alarms are 2 % of the answers.
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

OUTCOMES = ("right", "refused", "told", "silent", "alarm", "nan")
TASKS = ("solve", "solve A x = A 1", "inv", "inv @ b", "det", "cholesky_solve", "lstsq")
GRADIENTS = ("gradient of pinv", "gradient of lstsq")
DIGITS = 1e-3
"""Of what has a larger relative error somebody is to be told."""
ALARMS = 0.02


def numpy_calls() -> dict[str, Callable]:
    """Return NumPy's functions; it has no solution by a Cholesky factor."""
    return {
        "solve": np.linalg.solve,
        "solve A x = A 1": np.linalg.solve,
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
        "solve A x = A 1": linalg.solve,
        "inv": lambda A, B: linalg.inv(A),
        "inv @ b": lambda A, B: linalg.inv(A) @ B,
        "det": lambda A, B: linalg.det(A).reshape(1, 1),
        "cholesky_solve": lambda A, B: torch.cholesky_solve(B, linalg.cholesky(A)),
    }
    return {**{name: on_arrays(function) for name, function in calls.items()}, "lstsq": lstsq, **gradients(torch)}


def gradients(torch: Any) -> dict[str, Callable]:
    """Return the gradients of sums of squares of what degenerate matrices are solved by."""

    def gradient(function: Callable) -> Callable:
        def of_arrays(A: np.ndarray, B: np.ndarray) -> np.ndarray:
            x = torch.from_numpy(A).requires_grad_()
            return torch.autograd.grad(function(x, torch.from_numpy(B)).sum(), x)[0].numpy()

        return of_arrays

    return {
        "gradient of pinv": gradient(lambda A, B: torch.linalg.pinv(A)),
        "gradient of lstsq": gradient(lambda A, B: torch.linalg.lstsq(A, B).solution),
    }


def judged(call: Callable, A: np.ndarray, B: np.ndarray, wanted: Any, limit: float, plain: bool) -> str:
    """Return what came of one call; of a `plain` condition there is nothing to tell."""
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
    found = outcome(got, wanted, limit, told)
    return "alarm" if found == "right" and bool(said) and plain else found


def finite(call: Callable, A: np.ndarray, B: np.ndarray) -> str:
    """Return whether a gradient is finite, whose own size, of the order of 1 / |A|², is in the range."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "right" if np.isfinite(call(A, B)).all() else "nan"
        except (RuntimeError, ValueError, np.linalg.LinAlgError):
            return "refused"


def questions(task: str, A: np.ndarray, B: np.ndarray, truth: Truth) -> tuple[np.ndarray, Any, float] | None:
    """Return the matrix that a task gets, the right answer and the error it may have; None where the task does not apply."""
    if task == "lstsq":
        tall = A[:, : len(A) // 2 + 1]
        wanted, condition = least_squares(tall, B)
        return None if wanted is None else (tall, wanted, bound(truth.n, truth.eps, condition))
    if task == "cholesky_solve" and not np.array_equal(A, A.T):
        return None
    wanted = truth.inverse if task == "inv" else [[truth.det]] if task == "det" else truth.solution(B)
    # of a matrix of so much condition, no digit of the product with its inverse is promised
    return A, wanted, truth.bound() if task == "inv @ b" else min(truth.bound(), max(DIGITS, 100 * truth.n * truth.eps))


def measured(calls: dict[str, Callable], cases: list) -> tuple[dict[str, Counter], dict[str, list[str]]]:
    """Return, per task, how many answers were of which kind, and the names of the matrices answered wrongly in silence."""
    counts: dict[str, Counter] = {}
    names: dict[str, list[str]] = {}
    for task in TASKS:
        if task not in calls:
            continue
        counts[task], names[task] = Counter(), []
        for name, A, B, truth in cases:
            right = A @ np.ones((len(A), 1), A.dtype) if task == "solve A x = A 1" else B
            asked = questions(task, A, right, truth)
            if asked is not None:
                plain = truth.condition * truth.eps < 0.1 / truth.n
                kind = judged(calls[task], asked[0], right, *asked[1:], plain)
                counts[task][kind] += 1
                names[task] += [f"{kind}: {name}"] * (kind in ("silent", "alarm"))
    for task in [each for each in GRADIENTS if each in calls]:
        counts[task], names[task] = Counter(), []
        for name, A, B, _ in cases:
            if A.dtype == np.float64 and 1e-120 < np.abs(A).max() < 1e120:
                kind = finite(calls[task], A, B)
                counts[task][kind] += 1
                names[task] += [f"{kind}: {name}"] * (kind == "nan")
    return counts, names


def satisfied(found: Counter) -> bool:
    """Return whether what was answered meets the demands."""
    return not found["silent"] and not found["nan"] and found["alarm"] < ALARMS * sum(found.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--names", action="store_true", help="list the matrices that were answered wrongly in silence")
    parser.add_argument("--demand", action="store_true", help="ask lineal alone, and fail where it falls short")
    options = parser.parse_args()
    cases = []
    for name, A in gallery():
        with np.errstate(all="ignore"):
            A = A.astype(options.dtype)
        if np.isfinite(A).all():
            B = np.random.default_rng(len(A)).normal(size=(len(A), 1)).astype(A.dtype)
            cases.append((name, A, B, Truth(A)))
    libraries = {"lineal": torch_calls(importlib.import_module("lineal"))}
    if not options.demand:
        libraries["NumPy"] = numpy_calls()
    if importlib.util.find_spec("torch") and not options.demand:
        libraries["PyTorch"] = torch_calls(importlib.import_module("torch"))
    print(f"{versions()}; {len(cases)} matrices of {options.dtype}\n")
    print(f"{'library':10}{'task':16}" + "".join(f"{kind:>9}" for kind in OUTCOMES))
    for library, calls in libraries.items():
        counts, names = measured(calls, cases)
        for task, found in counts.items():
            print(f"{library:10}{task:16}" + "".join(f"{found[kind]:9}" for kind in OUTCOMES))
            if options.names and names[task]:
                print(f"{'':10}{', '.join(names[task])}")
        if options.demand and not satisfied(sum(counts.values(), Counter())):
            raise SystemExit("silent answers, gradients that are not finite, or too many alarms")


if __name__ == "__main__":
    main()
