"""BLAS and LAPACK called from emitted code."""

import ctypes

import numpy as np
import pytest

from lineal.codegen import blas
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import float64, int64, pointer
from lineal.codegen.target import host

from .harness import KINDS


def linked(e, name, *argtypes):
    library = Engine(host(), None).build(e, [name], blas.symbols(blas.used(e)))
    function = ctypes.CFUNCTYPE(None, *argtypes)(library[name])
    function.library = library
    return function


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_gemm_multiplies_row_major_matrices(dtype, transpose_a, transpose_b):
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 5)).astype(dtype), rng.normal(size=(5, 4)).astype(dtype), np.ones((3, 4), dtype)
    expected = 2 * a @ b + 0.5 * c
    a = np.ascontiguousarray(a.T) if transpose_a else a
    b = np.ascontiguousarray(b.T) if transpose_b else b
    e = Emitter()
    with e.function("f", [("a", pointer), ("b", pointer), ("c", pointer)]) as (pa, pb, pc):
        options = {"transpose_a": transpose_a, "transpose_b": transpose_b, "alpha": 2.0, "beta": 0.5}
        blas.gemm(e, KINDS[dtype], pa, pb, pc, 3, 4, 5, **options)
    linked(e, "f", *[ctypes.c_void_p] * 3)(a.ctypes.data, b.ctypes.data, c.ctypes.data)
    np.testing.assert_allclose(c, expected, rtol=1e-5)


def test_gemm_takes_sizes_known_at_run_time_and_row_strides():
    a, b, c = np.arange(40.0).reshape(4, 10), np.arange(21.0).reshape(3, 7), np.zeros((4, 9))
    e = Emitter()
    with e.function("f", [("a", pointer), ("b", pointer), ("c", pointer), ("m", int64)]) as (pa, pb, pc, m):
        blas.gemm(e, float64, pa, pb, pc, m, 7, 3, strides=(10, None, 9))
    linked(e, "f", *[ctypes.c_void_p] * 3, ctypes.c_int64)(a.ctypes.data, b.ctypes.data, c.ctypes.data, 4)
    np.testing.assert_allclose(c[:, :7], a[:, :3] @ b)
    assert not c[:, 7:].any()


def test_lapack_is_called_by_name():
    a, info = np.array([[4.0, 2.0], [2.0, 3.0]]), np.zeros(1, np.int32)
    expected = np.linalg.cholesky(a)
    e = Emitter()
    with e.function("f", [("a", pointer), ("info", pointer)]) as (pa, status):
        blas.call(e, "dpotrf", "U", 2, pa, 2, status)
    linked(e, "f", *[ctypes.c_void_p] * 2)(a.ctypes.data, info.ctypes.data)
    assert info[0] == 0
    np.testing.assert_allclose(np.tril(a), expected)


def test_an_unknown_routine_is_refused():
    with pytest.raises(KeyError, match="dnothing"):
        blas.address("dnothing")
