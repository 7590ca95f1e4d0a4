"""What these tests share: compile an elementwise formula, call it on arrays, measure errors in units in the last place."""

import ctypes
from functools import cache

import mpmath
import numpy as np

from lineal.codegen import kinds, target
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import int64, pointer

LEVELS = [
    name
    for name, feature in (("scalar", None), ("sse", None), ("avx2", 256), ("avx512", 512))
    if feature is None or target.detected().bits >= feature
]


@cache
def engine_of(tg):
    return Engine(tg, None)


def run(emitter, name, *argtypes):
    """Return the function `name` of the emitter's module as a ctypes function that keeps its code alive."""
    library = engine_of(emitter.target).build(emitter, [name])
    function = ctypes.CFUNCTYPE(None, *argtypes)(library[name])
    function.library = library
    return function


def elementwise(formula, kind, inputs=1, *, level=None, out=None, unroll=1):
    """Return formula(m, x, …) compiled; the result is a function of contiguous arrays."""
    e = Emitter(target.level(level) if level else None)
    parameters = [(f"p{n}", pointer) for n in range(inputs)] + [("out", pointer), ("n", int64)]
    with e.function("f", parameters) as (*xs, y, n):
        for block in e.blocks(n, kind.computed, unroll=unroll):
            block.store(formula(e.math, *[block.load(x, kind) for x in xs]), y, out or kind)
    function = run(e, "f", *[ctypes.c_void_p] * (inputs + 1), ctypes.c_int64)

    def call(*arrays):
        y = np.empty(arrays[0].shape, (out or kind).dtype)
        function(*[a.ctypes.data for a in arrays], y.ctypes.data, y.size)
        return y

    return call


def ulps(y, exact, dtype):
    """Return |y - exact| in units in the last place of exact; exact are mpmath numbers."""
    rounded = np.array([float(v) for v in exact]).astype(dtype)
    unit = np.spacing(np.abs(rounded)).astype(np.float64)
    with mpmath.workdps(40):
        error = [abs(mpmath.mpf(float(a)) - b) for a, b in zip(y, exact)]
        return np.array([float(d / mpmath.mpf(u)) for d, u in zip(error, unit)])


KINDS = {"float32": kinds.float32, "float64": kinds.float64}
