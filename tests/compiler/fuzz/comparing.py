"""Eager and compiled calls compared: numbers to rounding, all else exactly; and both forms of eager code, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np

from fuzz.noise import Noise
from fuzz.programs import Program
from fuzz.tiers import TIERS, in_python
from fuzz.worlds import WRITTEN, Outcome, World
from lineal.base.layouts import steps
from lineal.codegen import choice
from lineal.compiler import compile
from lineal.core import modes

__all__ = ["Report", "compared", "in_small_tiles"]

ULPS = 32
"""How many units in the last place, of 1 or of the number if that is larger, numbers may be apart without a second look."""
SPREAD = 30
"""How many times as far as they are spread by noise they may be apart."""
TILED = 16
"""Of every so many programs one does products as large ones are done."""
NOISY = 24
"""How many noisy runs are looked at, of either kind."""


@dataclass
class Report:
    """What became of a program: whether and how often it ran natively, and the first mismatch in words, or nothing."""

    native: bool = False
    calls: int = 0
    why: str = ""
    mismatch: str = ""
    kind: str = ""
    errors: int = 0


def compared(program: Program, zeros: bool = True) -> Report:
    """Run a program eagerly and compiled and compare everything after each call, `zeros` says whether their signs too."""
    with in_small_tiles() if program.seed % TILED == 0 else nullcontext():
        return held(program, zeros)


@contextmanager
def in_small_tiles() -> Iterator[None]:
    """Let the smallest products be done as large ones are, tile by tile, with what follows them."""
    before = choice.MOST_WRITTEN, choice.SHORTEST
    choice.MOST_WRITTEN, choice.SHORTEST = 0, 1
    try:
        yield
    finally:
        choice.MOST_WRITTEN, choice.SHORTEST = before


def held(program: Program, zeros: bool) -> Report:
    """Run a program in Python alone, by builtins and compiled, and compare."""
    eager, native, tiered = World(program), World(program, compile), World(program) if TIERS.open() else None
    TIERS.forget()
    report = Report()
    for place, turn in enumerate(program.turns):
        before = native.function.compilations
        with in_python():
            wanted = eager.call(turn)
        given = native.call(turn)
        found = None if tiered is None else unlike(wanted, tiered.call(turn))
        if found is not None:
            report.kind, report.mismatch = "tiers", f"call {place} ({turn}): {found}"
            break
        report.errors += wanted.error != ""
        if wanted.error.endswith(WRITTEN):
            break
        report.calls += native.function.eager is None and native.function.compilations == before and place > 0
        found = difference(wanted, given)
        if found is not None and (zeros or found.kind != "zero") and not explained(program, place, found, given):
            report.kind, report.mismatch = found.kind, f"call {place} ({turn}): {found}"
            break
    report.native = report.calls > 0
    report.why = native.function.eager or ""
    return report


@dataclass
class Difference:
    """Where two outcomes differ: in which array or fact, and how."""

    kind: str
    name: str
    words: str

    def __str__(self) -> str:
        return f"{self.name}: {self.words}"


def difference(wanted: Outcome, given: Outcome) -> Difference | None:
    """Return how a compiled call differs from the eager one; None if it does not."""
    if wanted.error != given.error:
        return Difference("error", "error", f"eager {wanted.error or 'none'}, compiled {given.error or 'none'}")
    if wanted.arrays.keys() != given.arrays.keys():
        return Difference("results", "results", f"eager {list(wanted.arrays)}, compiled {list(given.arrays)}")
    for name, x in wanted.arrays.items():
        y = given.arrays[name]
        if x.shape != y.shape or x.dtype != y.dtype:
            return Difference("spec", name, f"eager {x.dtype}{list(x.shape)}, compiled {y.dtype}{list(y.shape)}")
        if told(x) != told(y):
            return Difference("layout", name, f"eager has strides {steps(x)}, compiled {steps(y)}")
        bad = apart(x, y)
        if bad.any():
            place = tuple(map(int, np.argwhere(bad)[0]))
            what = "zero" if (x == y)[bad].all() else "numbers"
            return Difference(
                what, name, f"{int(bad.sum())} of {bad.size} at {place}: eager {x[place]!r}, compiled {y[place]!r}"
            )
    for name, fact in wanted.facts.items():
        if fact != given.facts[name]:
            return Difference("facts", name, f"eager {fact}, compiled {given.facts[name]}")
    return None


def unlike(wanted: Outcome, given: Outcome) -> Difference | None:
    """Return how two eager calls differ, to the last bit but which NaN it is."""
    found = difference(wanted, given)
    for name, x in wanted.arrays.items() if found is None else ():
        y = given.arrays[name]
        exact = [each.astype(np.float64) if each.dtype.kind in "fV" else each for each in (x, y)]
        if not np.array_equal(*exact, equal_nan=exact[0].dtype.kind in "fc"):
            return Difference("tiers", name, f"in Python {x!r}, by builtins {y!r}")
    return found


def told(x: np.ndarray) -> list[int]:
    """Return the strides of an array that say where elements lie: those of axes with several."""
    return [step for size, step in zip(x.shape, steps(x)) if size > 1] if x.size else []


def apart(x: np.ndarray, y: np.ndarray, spread: np.ndarray | float = 0.0) -> np.ndarray:
    """Return where two arrays of one kind differ by more than rounding."""
    if x.dtype.kind == "c":
        return apart(x.real, y.real, spread) | apart(x.imag, y.imag, spread)
    if x.dtype.kind in "iub":
        return x != y
    a, b = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(all="ignore"):
        close = np.abs(a - b) <= ULPS * eps_of(x.dtype) * np.maximum(np.abs(a), 1) + SPREAD * spread
        same = (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b))) | (close & (a != b))
    return ~same


def eps_of(dtype: np.dtype) -> float:
    """Return the relative rounding error of a dtype."""
    return {"bfloat16": 2.0**-7, "float16": 2.0**-10}.get(dtype.name) or float(np.finfo(dtype).eps)


def explained(program: Program, place: int, found: Difference, given: Outcome) -> bool:
    """Return whether rounding alone may have led to what a call gave.

    What is inside of one op, a long sum or a norm of numbers that are almost the same, rounds like its inputs: these are
    changed at last, when comparisons and indices no longer count, since numbers that were equal are not.
    """
    if found.kind not in ("numbers", "zero", "error", "spec"):
        return False
    wanted = outcome(World(program), program, place)
    first = Noise(0)
    outcome(World(program), program, place, first)
    huge = first.overflowing
    if huge and overflowed(wanted, given):
        return True
    for inputs in (False, True):
        noisy: list[Outcome] = []
        for seed in range(NOISY):
            each = outcome(World(program), program, place, Noise(seed), inputs)
            if each.error != wanted.error or each.arrays.keys() != wanted.arrays.keys():
                return not inputs
            noisy.append(each)
            if given.error == wanted.error and all(
                explains(x, given.arrays[name], [each.arrays[name] for each in noisy], inputs, huge)
                for name, x in wanted.arrays.items()
            ):
                return True
    return False


def overflowed(wanted: Outcome, given: Outcome) -> bool:
    """Return whether two outcomes are the same but for what too large terms give: infinity or, less one of its kind, NaN.

    A product that is added before it is rounded overflows with its sum. What is told by whole numbers made of such a result
    is not known.
    """
    if wanted.error or given.error:
        return False
    with np.errstate(all="ignore"):
        different = [(x, y) for x, y in ((x, given.arrays[name]) for name, x in wanted.arrays.items()) if apart(x, y).any()]
        numbers = [(x, y) for x, y in different if x.dtype.kind in "fcV"]
        return bool(numbers) and not any(
            (apart(x, y) & (np.isfinite(x.astype(complex)) | np.isfinite(y.astype(complex)))).any() for x, y in numbers
        )


def outcome(world: World, program: Program, place: int, noise: Noise | None = None, inputs: bool = False) -> Outcome:
    """Return the outcome of a call, after those before it; with noise in what is computed, and in what is given (`inputs`)."""
    with modes.Setting((modes.recorder, noise)):
        prepare = (noise.change,) if inputs and noise is not None else ()
        return [world.call(turn, *prepare) for turn in program.turns[: place + 1]][-1]


def explains(wanted: np.ndarray, given: np.ndarray, noisy: list[np.ndarray], strict: bool, huge: bool) -> bool:
    """Return whether noise spreads the numbers of an array as far as they are apart; `strict`: not if it leads elsewhere.

    Of `huge` numbers what overflows is not known, in either: no noise leads back from NaN, and a chain of products that is
    multiplied in another order may overflow on the way.
    """
    if any(each.shape != wanted.shape for each in noisy):
        return not strict
    if given.shape != wanted.shape or given.dtype != wanted.dtype:
        return False
    if not apart(wanted, given).any():
        return True
    if wanted.dtype.kind in "iub":
        return not strict and any((each != wanted).any() for each in noisy)
    strange = ~np.isfinite(wanted.astype(complex) + given.astype(complex)) if huge else np.zeros(wanted.shape, bool)
    spread = np.zeros(wanted.shape)
    with np.errstate(all="ignore"):
        for each in noisy:
            far = np.abs(each.astype(complex) - wanted.astype(complex))
            strange |= apart(wanted, each) & ~np.isfinite(far) | (np.signbit(each.real) != np.signbit(wanted.real))
            spread = np.maximum(spread, np.where(np.isfinite(far), far, 0))
    # an error of one element may be another's, after sorting or through a comparison
    found = apart(wanted, given, spread.max(initial=0.0) * 0.1 + spread)
    # the sign of a zero that noise leads away from is rounding too
    found &= ~((wanted == given) & (spread > 0))
    return not (found if strict else found & ~strange).any()
