"""Einstein's sums: what the letters mean, and the sum they ask for. An equation is planned once for the shapes it meets."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any, NamedTuple

from lineal.base.dtypes import int64
from lineal.base.signatures import Tensor
from lineal.ops.autocasting import USED, is_on, lowered
from lineal.ops.contraction.pairwise import Arrangement, Contraction, Labels, Named, Shape, contraction, reordered
from lineal.ops.contraction.paths import contraction_path
from lineal.ops.contraction.products import require_same_dtype
from lineal.ops.conversion import cast
from lineal.ops.front import require_tensor
from lineal.ops.structural.reshape import reshape

__all__ = ["einsum", "bilinear"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DOTS = "..."


def einsum(*args: Any) -> Tensor:
    """Return the sum of products that the letters describe, as in `einsum("ij,jk->ik", a, b)`.

    Letters that the output does not name are summed over; without `->` the output has the letters that occur once, sorted.
    A repeated letter takes a diagonal; `...` stands for any further dimensions, which broadcast. Instead of letters, a list
    of ints (and Ellipsis) may follow each tensor. Many tensors are multiplied in an order that costs few operations.
    """
    terms, output, operands = _read(args)
    if not is_on():
        require_same_dtype("einsum", *operands)
    if len(operands) == 1 and operands[0].value.dtype.kind in "iub":
        operands = (_as_sum(operands[0], terms[0], output),)
    plan = planned(terms, output, tuple([x.value.shape for x in operands]))
    xs = [arrange(x) for arrange, x in zip(plan.starts, operands)]
    for first, second, contract in plan.steps:
        a, b = xs[first], xs[second]
        # what is not summed is no product of matrices, and autocast leaves it alone
        xs.append(contract(*lowered(a, b)) if USED and contract.turned is not None else contract(a, b))
    y = xs[-1] if plan.order is None else xs[-1].permute(plan.order)
    return reshape(y, y.value.shape) if any(y is x for x in operands) else y


def _as_sum(x: Any, term: Labels, output: Labels | None) -> Any:
    """Return `x`, of integers, in the dtype of its sum if it will be summed."""
    letters = set(term)
    kept = letters if output is None and len(letters) == len(term) else set(output or ())
    return x if letters <= kept else cast(x, int64)


class Start(NamedTuple):
    """What to do with an operand first: take diagonals, drop sizes of 1 that broadcast, sum over letters of its own."""

    diagonals: tuple[tuple[int, int], ...]
    arrangement: Arrangement

    def __call__(self, x: Any) -> Any:
        """Return the operand made ready."""
        for first, second in self.diagonals:
            x = x.diagonal(0, first, second)
        return self.arrangement(x)


class Plan(NamedTuple):
    """What an equation does with tensors of certain shapes."""

    starts: tuple[Start, ...]
    steps: tuple[tuple[int, int, Contraction], ...]
    order: Shape | None


def _read(args: tuple) -> tuple[tuple[Labels, ...], Labels | None, tuple]:
    """Return the labels of the operands, those of the output if they are given, and the operands."""
    if args and isinstance(args[0], str):
        operands = args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        return (*_parsed(args[0], len(operands)), operands)
    if len(args) < 2:
        raise ValueError("einsum: expected an equation and at least one operand, or operands each followed by a list of ints")
    lists = tuple([_lettered(each) for each in args[1::2]])
    output = _lettered(args[-1]) if len(args) % 2 else None
    return lists, output, args[: len(lists) * 2 : 2]


@functools.lru_cache(1024)
def _parsed(equation: str, count: int) -> tuple[tuple[Labels, ...], Labels | None]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = tuple(_split(term, equation) for term in left.split(","))
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


@functools.lru_cache(1024)
def planned(terms: tuple[Labels, ...], output: Labels | None, shapes: tuple[Shape, ...]) -> Plan:
    """Return the plan of an equation for operands of `shapes`."""
    wide = max((len(shape) - len(term) + 1 for term, shape in zip(terms, shapes) if _DOTS in term), default=0)
    named = [Named(_spelled(place, term, shape, wide), shape) for place, (term, shape) in enumerate(zip(terms, shapes))]
    dots = tuple(f"{_DOTS}{place}" for place in range(wide))
    if output is None:
        counts = Counter(label for term in terms for label in term if label != _DOTS)
        kept = dots + tuple(sorted(label for label, count in counts.items() if count == 1))
    else:
        kept = _target(output, terms, dots)
    cut = [_diagonals(x) for x in named]
    sizes = _sizes([x for _, x in cut])
    named = [x.keep([label for label, size in zip(*x) if size == sizes[label]]) for _, x in cut]
    counts = Counter(label for x in named for label in x.labels)
    starts = []
    for place, ((diagonals, before), x) in enumerate(zip(cut, named)):
        named[place] = x.keep([label for label in x.labels if label in kept or counts[label] > 1])
        sums = tuple(spot for spot in before.without(named[place].labels) if before.labels[spot] in x.labels)
        shape = None if x == before else named[place].shape
        starts.append(Start(diagonals, Arrangement(sums, None, shape)))
    steps = _steps(named, kept, tuple(sizes.items()))
    last = steps[-1][2].result if steps else named[-1]
    return Plan(tuple(starts), steps, reordered(last.labels, kept))


def _steps(named: list[Named], kept: Labels, sizes: tuple[tuple[str, int], ...]) -> tuple[tuple[int, int, Contraction], ...]:
    steps = []
    alive = dict(enumerate(named))
    for first, second in contraction_path(tuple(x.labels for x in named), kept, sizes):
        a, b = alive.pop(first), alive.pop(second)
        needed = frozenset(kept).union(*(x.labels for x in alive.values()))
        step = contraction(a, b, needed)
        alive[len(named) + len(steps)] = step.result
        steps.append((first, second, step))
    return tuple(steps)


def _spelled(place: int, term: Labels, shape: Shape, wide: int) -> Labels:
    """Return the labels of every dimension of an operand, the dots' dimensions counted from the right."""
    extra = len(shape) - (len(term) - (_DOTS in term))
    if extra < 0 or (extra and _DOTS not in term):
        raise RuntimeError(
            f"einsum: the number of subscripts in the equation ({len(term)}) does not match the number of dimensions "
            f"({len(shape)}) for operand {place} of shape {tuple(shape)}"
        )
    if _DOTS not in term:
        return term
    at = term.index(_DOTS)
    return (*term[:at], *[f"{_DOTS}{each}" for each in range(wide - extra, wide)], *term[at + 1 :])


def _target(output: Labels, terms: tuple[Labels, ...], dots: Labels) -> Labels:
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


def _diagonals(x: Named) -> tuple[tuple[tuple[int, int], ...], Named]:
    """Return the diagonals to take so that no label is repeated, and what they leave."""
    pairs = []
    labels, shape = x
    while len(set(labels)) < len(labels):
        label = next(each for each in labels if labels.count(each) > 1)
        first = labels.index(label)
        second = labels.index(label, first + 1)
        if shape[first] != shape[second]:
            raise RuntimeError(
                f"einsum: subscript {label} is repeated for an operand but the sizes don't match, "
                f"{shape[second]} != {shape[first]} in shape {tuple(x.shape)}"
            )
        pairs.append((first, second))
        size = shape[first]
        labels = (*(each for place, each in enumerate(labels) if place not in (first, second)), label)
        shape = (*(each for place, each in enumerate(shape) if place not in (first, second)), size)
    return tuple(pairs), Named(labels, shape)


def _sizes(named: list[Named]) -> dict[str, int]:
    """Return the size of every label; a size of 1 broadcasts."""
    sizes: dict[str, int] = {}
    for place, x in enumerate(named):
        for label, size in zip(*x):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                shapes = ", ".join(str(tuple(each.shape)) for each in named)
                raise RuntimeError(
                    f"einsum: subscript {label} has size {size} for operand {place} which does not broadcast with previously "
                    f"seen size {known}; the operands have the shapes {shapes}"
                )
    return sizes


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return Σ_ij input1_i weight_oij input2_j + bias for every pair of rows."""
    shapes = [require_tensor("bilinear", each).shape for each in (input1, input2)]
    if shapes[0][:-1] != shapes[1][:-1]:
        given = f"{list(shapes[0])} and {list(shapes[1])}"
        raise RuntimeError(f"bilinear: expected input1 and input2 of one shape but for the last dimension, got {given}")
    y = einsum("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias
