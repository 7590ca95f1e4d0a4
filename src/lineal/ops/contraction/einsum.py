"""Einstein's sums: what the letters mean, and the sum they ask for."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lineal.core import AbstractTensor
from lineal.ops.contraction.pairwise import Labelled, Labels, contract, ordered, summed
from lineal.ops.contraction.paths import contraction_path
from lineal.ops.contraction.products import require_same_dtype
from lineal.ops.structural.reshape import reshape

__all__ = ["einsum", "bilinear"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DOTS = "..."


def einsum(*args: Any) -> Any:
    """Return the sum of products that the letters describe, as in `einsum("ij,jk->ik", a, b)`.

    Letters that the output does not name are summed over; without `->` the output has the letters that occur once, sorted. A
    repeated letter takes a diagonal; `...` stands for any further dimensions, which broadcast. Instead of letters, a list of ints
    (and Ellipsis) may follow each tensor. Many tensors are multiplied in an order that costs few operations.
    """
    terms, output, operands = _read(args)
    require_same_dtype("einsum", *operands)
    wide = max((x.value.ndim - len(term) + 1 for term, x in zip(terms, operands) if _DOTS in term), default=0)
    named = [Labelled(x, _spelled(place, term, x, wide)) for place, (term, x) in enumerate(zip(terms, operands))]
    dots = tuple(f"{_DOTS}{place}" for place in range(wide))
    if output is None:
        counts = Counter(label for term in terms for label in term if label != _DOTS)
        kept = dots + tuple(sorted(label for label, count in counts.items() if count == 1))
    else:
        kept = _target(output, terms, dots)
    return _evaluate(named, kept)


def _read(args: tuple) -> tuple[list[Labels], Labels | None, tuple]:
    """Return the labels of the operands, those of the output if they are given, and the operands."""
    if args and isinstance(args[0], str):
        operands = args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        return (*_parsed(args[0], len(operands)), operands)
    if len(args) < 2:
        raise ValueError("einsum: expected an equation and at least one operand, or operands each followed by a list of ints")
    lists = [_lettered(each) for each in args[1::2]]
    output = _lettered(args[-1]) if len(args) % 2 else None
    return lists, output, args[: len(lists) * 2 : 2]


def _parsed(equation: str, count: int) -> tuple[list[Labels], Labels | None]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = [_split(term, equation) for term in left.split(",")]
    if not count:
        raise ValueError("einsum: must provide at least one operand")
    if len(terms) != count:
        fewer = "fewer" if count < len(terms) else "more"
        raise RuntimeError(f"einsum: {fewer} operands were provided than specified in the equation '{equation}': {count}")
    return terms, _split(right, equation) if arrow else None


def _split(term: str, equation: str) -> Labels:
    before, dots, after = term.partition(_DOTS)
    for letter in before + after:
        if letter not in _LETTERS:
            raise RuntimeError(f"einsum: expected letters and one '...' per operand, got {letter!r} in '{equation}'")
    return (*before, *([dots] if dots else []), *after)


def _lettered(numbers: Any) -> Labels:
    labels = []
    for number in numbers:
        if number is Ellipsis:
            labels.append(_DOTS)
        elif isinstance(number, int) and 0 <= number < len(_LETTERS):
            labels.append(_LETTERS[number])
        else:
            raise RuntimeError(f"einsum: not within the valid range [0, 52), got {number!r}")
    if labels.count(_DOTS) > 1:
        raise RuntimeError("einsum: expected at most one Ellipsis per list")
    return tuple(labels)


def _spelled(place: int, term: Labels, x: AbstractTensor, wide: int) -> Labels:
    """Return the labels of every dimension of `x`, the dots' dimensions counted from the right."""
    extra = x.value.ndim - (len(term) - (_DOTS in term))
    if extra < 0 or (extra and _DOTS not in term):
        raise RuntimeError(
            f"einsum: the number of subscripts in the equation ({len(term)}) does not match the number of dimensions "
            f"({x.value.ndim}) for operand {place} of shape {tuple(x.value.shape)}"
        )
    if _DOTS not in term:
        return term
    at = term.index(_DOTS)
    return (*term[:at], *[f"{_DOTS}{each}" for each in range(wide - extra, wide)], *term[at + 1 :])


def _target(output: Labels, terms: list[Labels], dots: Labels) -> Labels:
    known = {label for term in terms for label in term}
    for label, count in Counter(output).items():
        if count > 1:
            raise RuntimeError(f"einsum: output subscript {label} appears more than once in the output")
        if label != _DOTS and label not in known:
            raise RuntimeError(f"einsum: output subscript {label} does not appear in the equation for any input operand")
    kept: list[str] = []
    for label in output:
        kept.extend(dots if label == _DOTS else (label,))
    return tuple(kept)


def _evaluate(named: list[Labelled], kept: Labels) -> Any:
    given = [x.tensor for x in named]
    named = [_diagonals(x) for x in named]
    sizes = _sizes(named)
    named = [_without_ones(x, sizes) for x in named]
    counts = Counter(label for x in named for label in x.labels)
    named = [summed(x, {label for label in x.labels if label in kept or counts[label] > 1}) for x in named]
    for first, second in contraction_path(tuple(x.labels for x in named), kept, tuple(sizes.items())):
        a, b = named[first], named[second]
        needed = {label for place, x in enumerate(named) if place not in (first, second) and x is not None for label in x.labels}
        named.append(contract(a, b, needed.union(kept)))
        named[first] = named[second] = None  # type: ignore[call-overload]
    y = ordered(named[-1], kept)
    return reshape(y, y.value.shape) if any(y is x for x in given) else y


def _diagonals(x: Labelled) -> Labelled:
    """Return `x` with every repeated label replaced by the diagonal."""
    tensor, labels = x
    while len(set(labels)) < len(labels):
        label = next(each for each in labels if labels.count(each) > 1)
        first = labels.index(label)
        second = labels.index(label, first + 1)
        shape = tensor.value.shape
        if shape[first] != shape[second]:
            raise RuntimeError(
                f"einsum: subscript {label} is repeated for an operand but the sizes don't match, "
                f"{shape[second]} != {shape[first]} in shape {tuple(shape)}"
            )
        tensor = tensor.diagonal(0, first, second)
        labels = (*(each for place, each in enumerate(labels) if place not in (first, second)), label)
    return Labelled(tensor, labels)


def _sizes(named: list[Labelled]) -> dict[str, int]:
    """Return the size of every label; a size of 1 broadcasts."""
    sizes: dict[str, int] = {}
    for place, x in enumerate(named):
        for label, size in x.sizes().items():
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                shapes = ", ".join(str(tuple(each.tensor.value.shape)) for each in named)
                raise RuntimeError(
                    f"einsum: subscript {label} has size {size} for operand {place} which does not broadcast with previously "
                    f"seen size {known}; the operands have the shapes {shapes}"
                )
    return sizes


def _without_ones(x: Labelled, sizes: dict[str, int]) -> Labelled:
    """Return `x` without the dimensions of size 1 that others' sizes broadcast."""
    shape = x.tensor.value.shape
    kept = [place for place, label in enumerate(x.labels) if shape[place] == sizes[label]]
    if len(kept) == len(shape):
        return x
    return Labelled(x.tensor.reshape(tuple(shape[place] for place in kept)), tuple(x.labels[place] for place in kept))


def bilinear(input1: AbstractTensor, input2: AbstractTensor, weight: AbstractTensor, bias: AbstractTensor | None = None) -> Any:
    """Return Σ_ij input1_i weight_oij input2_j + bias for every pair of rows."""
    y = einsum("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias
