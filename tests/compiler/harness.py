"""Compiled against eager: one function called with several sets of numbers, its results and the gradients in it compared."""

from __future__ import annotations

import warnings

import numpy as np

import lineal
from lineal.base import tree
from lineal.base.layouts import preserved
from lineal.compiler import compile
from lineal.core import AbstractTensor, gradients, lift


def variables(arrays):
    """Return copies of arrays as tensors."""
    return [lift(np.array(each, order="C")) for each in arrays]


def with_gradients(function, differentiated=True):
    """Return the function of tensors and weights that gives `function`'s results and the gradients of Σ results · weights."""

    def run(xs, seeds):
        xs = [x.detach() for x in xs]
        if differentiated:
            xs = [x.requires_grad_() if x.value.dtype.kind == "f" else x for x in xs]
        ys = [each for each in tree.leaves(function(*xs)) if isinstance(each, AbstractTensor)]
        live = [y for y in ys if y.node is not None and y.value.dtype.kind == "f"]
        wanted = [x for x in xs if x.requires_grad]
        if not live or not wanted:
            return [y.detach() for y in ys], []
        gs = [lineal.cos(seeds[n % len(seeds)] + n).to(y.dtype).expand(y.shape).contiguous() for n, y in enumerate(live)]
        found = gradients(live, wanted, gs, None, False, True)
        return [y.detach() for y in ys], [g for g in found if g is not None]

    return run


def moved(arrays, turn):
    """Return other numbers of the same shapes: floats scaled a little, whole numbers and bools rolled."""
    return [each * (1 - 0.03 * turn) if each.dtype.kind in "fc" else np.roll(each, turn) for each in arrays]


def bits_apart(one, other, scale):
    """Return by how many units in the last place of `scale` (or the numbers' own, if larger) two arrays differ at most."""
    if one.dtype.kind not in "fc":
        return 0.0 if np.array_equal(one, other) else np.inf
    if one.dtype.kind == "c":
        return max(bits_apart(one.real, other.real, scale), bits_apart(one.imag, other.imag, scale))
    both = np.isnan(one) & np.isnan(other) | (one == other)
    if not np.array_equal(np.isnan(one), np.isnan(other)):
        return np.inf
    rest = ~both
    if not rest.any():
        return 0.0
    a, b = one[rest].astype(np.float64), other[rest].astype(np.float64)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.inf
    return float(np.max(np.abs(a - b) / (np.finfo(one.dtype).eps * np.maximum(np.abs(b), scale))))


def lies_alike(found, wanted):
    """Return whether a tensor lies as another one does, or, where that leaves gaps, as a copy of it."""
    there = wanted.stride()
    return found.stride() in (there, preserved(wanted.value.shape, there))


def scale_of(arrays):
    """Return the magnitude of what went in and came out: errors are measured relative to it."""
    sizes = [np.abs(each[np.isfinite(each)]).max(initial=0) for each in arrays if each.dtype.kind in "fc"]
    return max([1.0, *map(float, sizes)])


class Comparison:
    """The outcome: the greatest distance in units in the last place, the program (None if it runs eagerly) and why it does."""

    def __init__(self, function, arguments):
        self.function = compile(function)
        self.distance, self.program = 0.0, None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for given in arguments:
                self.compare(function, given)
        self.eager = self.function.eager
        if self.eager is None:
            programs = [each for several in self.function.programs.values() for each in several]
            self.program = programs[0] if programs else None

    def compare(self, function, given):
        """Compare one call with the eager one."""
        eager, compiled = ([variables(part) for part in given] for _ in range(2))
        expected, found = (tree.leaves(call(*args)) for call, args in ((function, eager), (self.function, compiled)))
        expected, found = ([each for each in part if isinstance(each, AbstractTensor)] for part in (expected, found))
        assert len(expected) == len(found), f"{len(found)} results, eager has {len(expected)}"
        scale = scale_of([x.value for part in eager for x in part] + [y.value for y in expected])
        for y, wanted in zip(found, expected):
            assert y.shape == wanted.shape, f"shape {tuple(y.shape)}, eager has {tuple(wanted.shape)}"
            assert y.dtype == wanted.dtype, f"dtype {y.dtype}, eager has {wanted.dtype}"
            assert lies_alike(y, wanted), f"strides {y.stride()}, eager has {wanted.stride()}"
            self.distance = max(self.distance, bits_apart(y.value, wanted.value, scale))

    def hosts(self):
        """Return the names of the ops that the program leaves to the host."""
        if self.program is None:
            return []
        return [type(node.op).__name__ for node in self.program.schedule.nodes if type(node).__name__ == "Host"]
