"""BLAS and LAPACK called from emitted code."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

from lineal.codegen import blas, blaspool
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


INSTALLED = """
import os, threading
import numpy as np
import scipy.linalg, scipy.linalg.blas as blas
from lineal.base.threads import Threads
from lineal.codegen import blaspool
from lineal.codegen.threads import pool
Threads.chosen = {threads}
assert blaspool.install()
rng = np.random.default_rng(0)
a = rng.normal(size=(600, 600))
spd = a @ a.T + 600 * np.eye(600)

def work():
    for _ in range(5):
        np.testing.assert_allclose(blas.dgemm(1.0, a, a), a @ a, atol=1e-9)
        l = scipy.linalg.cholesky(spd, lower=True)
        np.testing.assert_allclose(l @ l.T, spd, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(a @ scipy.linalg.solve(a, a[:, 0]), a[:, 0], atol=1e-6)

work()
print(len(pool().threads), flush=True)
callers = [threading.Thread(target=work) for _ in range(3)]
[c.start() for c in callers]
[c.join() for c in callers]
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
blaspool.uninstall()
work()
"""


@pytest.mark.skipif(blaspool.openblas() is None, reason="SciPy comes without an OpenBLAS that takes a callback")
@pytest.mark.parametrize("threads", [2, 4])
def test_openblas_runs_on_the_pool(threads):
    # OpenBLAS has three threads: once more than the pool, once fewer
    code = INSTALLED.format(threads=threads)
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stdout) == (0, f"{threads - 1}\n"), result.stderr
