"""Convolutions of arrays, each one call: all images and groups are a stack of contractions with what the kernel sees."""

from __future__ import annotations

import ctypes
import math
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.base.blas import get_bfloat16_products
from lineal.base.platforms import HOST
from lineal.codegen.contract.arrays import Seen, Stack, contract, regular
from lineal.codegen.contract.direct import Direct, direct, fits
from lineal.codegen.contract.geometry import Geometry
from lineal.codegen.contract.images import table_on
from lineal.codegen.contract.problem import Contract, Image, converted
from lineal.codegen.contract.tiles import PANELS, VECTORS
from lineal.codegen.kinds import BY_NAME, Kind, kind_of
from lineal.codegen.target import host
from lineal.codegen.threads import pool

__all__ = ["by_kernel", "convolved", "posed", "runs_on"]

KNOWN = frozenset(each.name for each in BY_NAME.values() if each.family in "fiu")
LEAST = 1 << 18
"""Above how many multiplications the routine is used; NumPy's products of what is laid out need less time to begin."""


def posed(kind: Kind, image: Image, bias: bool = False) -> Contract:
    """Return the contraction of a kernel with what is seen of an image; if `turned`, of that with a cotangent."""
    epilogue = converted(kind.computed, kind, bias, False) if bias or kind.is_narrow or image.turned else None
    return Contract(kind.name, kind.name, pairs=get_bfloat16_products() == "native", epilogue=epilogue, image=image)


def runs_on(geometry: Geometry, kind: Kind, images: int) -> bool:
    """Return whether columns run on through images: where one has too few for panels, but as many as a vector's lanes."""
    lanes = host().lanes(kind)
    return images > 1 and not kind.is_narrow and lanes <= math.prod(geometry.places) < PANELS * VECTORS * lanes


def worth(geometry: Geometry, x: np.ndarray, outputs: int, channels: int) -> bool:
    """Return whether the routine knows such numbers and the convolution is large enough."""
    return is_known(x.dtype) and geometry.work(len(x), channels, outputs) > LEAST and regular(x)


@lru_cache(64)
def is_known(storage: np.dtype) -> bool:
    """Return whether the routine knows numbers of a dtype; its name takes as long to find as a short call of the routine."""
    return storage.name in KNOWN


def apart(x: np.ndarray, channels: int) -> tuple[int, int]:
    """Return how far images, and groups of so many channels, are apart."""
    return x.strides[0] // x.itemsize, channels * x.strides[1] // x.itemsize


@lru_cache(64)
def launched(problem: Direct) -> Any:
    """Return a routine, which is not to go, and its function."""
    routine = direct(problem, host())
    return routine, HOST.launch(routine.address, [ctypes.c_void_p] * (3 + len(problem.sheets)) + [ctypes.c_int64])


def directly(problem: Direct, geometry: Geometry, x: np.ndarray, w: np.ndarray, y: np.ndarray, *bias: np.ndarray) -> None:
    """Call the routine of direct convolutions with image, kernel (cotangent, if `turned`), result and perhaps a bias."""
    _, function = launched(problem)
    pool().follow()
    across, groups = (w if problem.turned else y), geometry.groups
    channels, outputs = x.shape[1] // groups, across.shape[1] // groups
    steps = (*apart(x, channels), *apart(across, 1), *(0, 1) * len(bias))
    numbers = np.array([*tabled(geometry, x.strides, x.itemsize), len(x), groups, channels, outputs, *steps], np.int64)
    function(x.ctypes.data, numbers.ctypes.data, *(each.ctypes.data for each in (w, y, *bias)), 1)


@lru_cache(1024)
def tabled(geometry: Geometry, strides: tuple[int, ...], itemsize: int, images: int | None = None) -> list[int]:
    """Return the table of a kernel on an array, or on all of its images as one more axis."""
    return table_on(geometry, [step // itemsize for step in strides], images)


directly_done = lru_cache(1024)(fits)


def seen(geometry: Geometry, x: np.ndarray, channels: int, images: int | None = None) -> Seen:
    """Return what a kernel sees of so many channels of an image, or of all images."""
    shape = channels * math.prod(geometry.kernel), math.prod(geometry.places) * (images or 1)
    return Seen(shape, x, tabled(geometry, x.strides, x.itemsize, images))


def convolved(geometry: Geometry, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray | None:
    """Return the convolution of x (N, C, *image) and w (O, C / groups, *kernel); None if others do it faster."""
    groups, (outputs, channels) = geometry.groups, w.shape[:2]
    if not worth(geometry, x, outputs, channels):
        return None
    rows, kind = outputs // groups, kind_of(x.dtype)
    w = np.ascontiguousarray(w).reshape(outputs, -1)
    y = np.empty((len(x), outputs, math.prod(geometry.places)), x.dtype)
    if directly_done(geometry, kind, (len(x), channels, rows)):
        given, epilogue = ((), None) if bias is None else ((np.ascontiguousarray(bias),), converted(kind, kind, True, False))
        directly(Direct(kind.name, len(geometry.kernel), epilogue), geometry, x, w, y, *given)
        return y.reshape(len(x), outputs, *geometry.places)
    steps, args = [(0, w[:rows].size), apart(x, channels), apart(y, rows)], []
    if bias is not None:
        args.append(np.ascontiguousarray(bias)[:rows, None])
        steps.append((0, rows))
    stack = Stack(len(x), groups, tuple(steps))
    if running := runs_on(geometry, kind, len(x)):
        runs = (math.prod(geometry.places), apart(y, rows)[0], *[0] * len(args))
        stack = Stack(1, groups, tuple((0, step) for _, step in steps), runs)
    b = seen(geometry, x, channels, len(x) if running else None)
    problem = posed(kind, Image(len(geometry.kernel) + running, runs=running), bias is not None)
    contract(problem, w[:rows], b, [y[0, :rows]], args, stack)
    return y.reshape(len(x), outputs, *geometry.places)


def by_kernel(geometry: Geometry, g: np.ndarray, x: np.ndarray) -> np.ndarray | None:
    """Return Σ g x, the derivative by the kernel, from the cotangent g (N, O, *places); None if others do it faster.

    The images are one more axis, along which the kernel has one place. What is seen of them is the left factor, whose k, the
    places, are side by side in memory as strips have them.
    """
    groups, images, outputs = geometry.groups, len(x), g.shape[1]
    rows, channels = outputs // groups, x.shape[1] // groups
    if not worth(geometry, x, outputs, channels):
        return None
    kind = kind_of(x.dtype)
    if directly_done(geometry, kind, (images, channels, rows), True):
        g, out = np.ascontiguousarray(g), np.empty((outputs, channels, *geometry.kernel), x.dtype)
        directly(Direct(kind.name, len(geometry.kernel), turned=True), geometry, x, g, out)
        return out
    # the sums run through all images: a copy has them side by side
    b = np.ascontiguousarray(g.reshape(images, outputs, -1).swapaxes(0, 1)).reshape(outputs, -1)
    out = np.empty((outputs, channels, *geometry.kernel), x.dtype)
    a = seen(geometry, x, channels, images)
    steps = ((0, apart(x, channels)[1]), (0, b[:rows].size), (0, out[:rows].size))
    problem = posed(kind, Image(1 + len(geometry.kernel), turned=True))
    contract(problem, a, b[:rows].T, [out.reshape(outputs, -1)[:rows]], stack=Stack(1, groups, steps))
    return out
