"""Numbers as text: the notation that fits a set of numbers, and the part of a large array that is shown.

Floating numbers share one notation, chosen from those that are finite and not zero: scientific if they span more than three
decades or leave 1e-4 … 1e8, whole numbers with a bare point ("3.") if all are whole, else fixed. The same numbers decide the
width of the column; zeros, infinities and NaN are padded to it but never widen it. All as PyTorch does it.
"""

from __future__ import annotations

import math

import numpy as np

from lineal.tensors.printoptions import options

__all__: list[str] = []


def shortened(shape: tuple[int, ...]) -> tuple[bool, ...]:
    """Return for each dimension whether only its edges are shown."""
    if math.prod(shape) <= options.threshold:
        return (False,) * len(shape)
    return tuple(size > 2 * options.edgeitems for size in shape)


def edges(size: int, cut: bool) -> range | list[int]:
    """Return the positions shown of a dimension."""
    return [*range(options.edgeitems), *range(size - options.edgeitems, size)] if cut else range(size)


def visible(value: np.ndarray, cuts: tuple[bool, ...]) -> np.ndarray:
    """Return the elements that are shown; the others are not read."""
    if not any(cuts):
        return value
    return value[np.ix_(*(np.asarray(edges(size, cut), dtype=np.intp) for size, cut in zip(value.shape, cuts)))]


def figures(value: np.ndarray) -> tuple[list[str], int]:
    """Return the elements as texts of one notation, in row-major order and padded on the left, and the column's width.

    The width may be less than that of a padded text: lines are broken by it all the same.
    """
    if value.dtype.kind in "biu":
        return columns([str(each) for each in value.ravel().tolist()], None)
    if value.dtype.kind == "c":
        return complex_figures(value)
    # float64 holds every value of the narrower dtypes; casting a signalling NaN of ml_dtypes' bfloat16 would warn
    with np.errstate(all="ignore"):
        numbers = value.astype(np.float64).ravel()
    telling = np.isfinite(numbers) & (numbers != 0)
    spec, point = notation(numbers[telling])
    texts = [format(each, spec) + (point if math.isfinite(each) else "") for each in numbers.tolist()]
    return columns(texts, telling)


def notation(numbers: np.ndarray) -> tuple[str, str]:
    """Return the format of all numbers, judged by these finite ones other than zero, and what follows the digits."""
    if numbers.size == 0:
        return ".0f", "."
    magnitudes = np.abs(numbers)
    largest, smallest = float(magnitudes.max()), float(magnitudes.min())
    scientific = options.sci_mode
    if scientific is None:
        scientific = largest / smallest > 1e3 or largest > 1e8 or smallest < 1e-4
    if scientific:
        return f".{options.precision}e", ""
    if np.array_equal(numbers, np.ceil(numbers)):
        return ".0f", "."
    return f".{options.precision}f", ""


def columns(texts: list[str], telling: np.ndarray | None) -> tuple[list[str], int]:
    """Pad `texts` to the widest of the `telling` ones (None: of all)."""
    judges = texts if telling is None else (texts[place] for place in np.flatnonzero(telling))
    width = max(map(len, judges), default=1)
    return [each.rjust(width) for each in texts], width


def complex_figures(value: np.ndarray) -> tuple[list[str], int]:
    """Return complex numbers as texts; real and imaginary parts have a notation each, and imaginary parts are not padded."""
    reals, real_width = figures(np.real(value))
    imaginaries, imaginary_width = figures(np.imag(value))
    texts = []
    for real, padded in zip(reals, imaginaries):
        imaginary = padded.lstrip()
        texts.append(f"{real}{'' if imaginary[0] == '-' else '+'}{imaginary}j")
    return texts, real_width + imaginary_width + 1
