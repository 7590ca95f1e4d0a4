"""Kernels as builtins that run NumPy's inner loops: the same numbers to the last bit, or the kernel itself."""

import functools
import gc
import sys

import numpy as np
import pytest

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.stepcall import HOPELESS, stepcall
from lineal.codegen.scans import scanned
from lineal.codegen.searching import searched
from lineal.codegen.stepkernels import FORMS, SEEN, SHORT, StepKernel, plan, refused, stepwise
from lineal.ops.elementwise.exponential import sigmoid
from lineal.ops.reductions.exponentials import LogSumExp, Softmax
from lineal.ops.reductions.extremes import Extreme
from lineal.ops.reductions.likelihood import Likelihood
from lineal.ops.reductions.moments import Std
from lineal.ops.reductions.normalisation import NormalisationAdjoint, _batch_norm, _layer_norm
from lineal.ops.reductions.sums import Sum

pytestmark = pytest.mark.skipif(layout.ndarray() is None, reason="this Python's arrays cannot be read natively")


def eager(op):
    return functools.partial(op.eager, np)


KERNELS = {
    "exp": (np.exp, ["x"]),
    "broadcast": (lambda a, b: np.where(a > b, a * 2, b - 1) / a, ["x", "row"]),
    "slices": (lambda a: np.concatenate([a[1:] - a[:-1], a[:1]])[:2], ["x"]),
    "in place": (lambda a: np.subtract(a, 1, out=a * 2), ["x"]),
    "sigmoid": (sigmoid.op.kernel, ["x"]),
    "softmax": (eager(Softmax(1)), ["x"]),
    "softmax of columns": (eager(Softmax(0)), ["x"]),
    "logsumexp": (eager(LogSumExp((0, 1), False)), ["x"]),
    "sum of bools": (eager(Sum((0,), True, False, np.dtype(np.int64))), ["mask"]),
    "max": (eager(Extreme((1,), False, True)), ["x"]),
    "argmax": (lambda x: (np.argmax(x, axis=0), np.argmin(x, axis=1, keepdims=True)), ["x"]),
    "likelihood": (eager(Likelihood(-100, "mean")), ["x", "classes"]),
    "std": (eager(Std((0,), False, 1)), ["x"]),
    "layer norm": (eager(_layer_norm(1e-5, "wb", 1)), ["x", "row", "row"]),
    "its adjoint": (eager(NormalisationAdjoint(_layer_norm(1e-5, "w", 1))), ["x", "x", "row"]),
    "batch norm": (eager(_batch_norm(1e-5, "")), ["images"]),
    "its adjoint, of images": (eager(NormalisationAdjoint(_batch_norm(1e-5, ""))), ["images", "images"]),
}
SHAPES = {"x": (5, 9), "row": (9,), "images": (3, 4, 5), "mask": (5, 9), "classes": (5,)}


def drawn(name, rng, dtype):
    x = rng.standard_normal(SHAPES[name])
    return x > 0 if name == "mask" else np.abs(x * 3).astype(np.int64) if name == "classes" else x.astype(dtype)


def bits(y):
    """Return results bit by bit, but for which NaN it is."""
    ys = [np.array(each) for each in (y if isinstance(y, tuple) else (y,))]
    return [(each.dtype, each.shape, np.where(each == each, each, np.nan).astype(each.dtype).tobytes()) for each in ys]


def learned(kernel, *arrays):
    """Return the builtin of a kernel after it has learned a form, and how often the kernel has been called since."""
    calls = []

    def counting(*given):
        calls.append(given)
        return kernel(*given)

    run = stepwise(counting)
    for _ in range(SEEN[0]):
        run(*arrays)
    calls.clear()
    return run, calls


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_steps_give_the_kernels_bits_without_the_kernel(name, dtype):
    kernel, given = KERNELS[name]
    rng = np.random.default_rng(len(name))
    with np.errstate(all="ignore"):
        run, calls = learned(kernel, *[drawn(each, rng, dtype) for each in given])
        for special in ((), (np.inf, -np.inf, np.nan, -0.0)):
            arrays = [drawn(each, rng, dtype) for each in given]
            if arrays[0].dtype != bool:
                arrays[0].reshape(-1)[: len(special)] = special
            assert bits(run(*arrays)) == bits(kernel(*arrays))
    assert not calls


@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param(lambda x: x.sum() > 0, id="a method it does not know"),
        pytest.param(lambda x: x[[1, 0]] + x[1], id="indices"),
        pytest.param(lambda x: x, id="an argument"),
        pytest.param(lambda x: np.sort(x), id="no loop"),
        pytest.param(lambda x: np.add.reduce(x.T, axis=1), id="axes out of order"),
        pytest.param(lambda x: np.add(x, 1, out=np.empty((4, 4))), id="memory of its own"),
        pytest.param(lambda x: np.add(x, 1, out=x), id="writes to an argument"),
        pytest.param(lambda x: x + np.arange(4.0), id="an array of its own"),
        pytest.param(lambda x: (x + 1).T, id="columns"),
    ],
)
def test_what_no_plan_can_say_is_left_to_the_kernel(kernel):
    x = np.random.default_rng(0).standard_normal((4, 4))
    learning = StepKernel(kernel)
    for _ in range(SEEN[0]):
        assert np.array_equal(learning(x.copy()), kernel(x.copy()))
    assert learning.plans[0] == 0


def test_arrays_of_other_forms_go_to_the_kernel():
    x = np.ones((4, 6))
    run, calls = learned(lambda x: x * 2 + 1, x)
    others = [x[:, ::2], x.T, x[:0], x.astype(np.float32), x.astype(np.float16), np.ones(SHORT), np.float64(3)]
    for count, each in enumerate(others, 1):
        assert np.array_equal(run(each), each * 2 + 1)
        assert len(calls) == count
    shifted = np.frombuffer(bytearray(1 + x.nbytes), np.uint8)[1:].view(np.float64).reshape(x.shape)
    assert np.array_equal(run(shifted), shifted * 2 + 1)
    assert len(calls) == len(others) + 1


def test_where_a_branch_goes_otherwise_the_kernel_is_called():
    kernel = lambda x: x * 2 if np.add.reduce(x, axis=None) > 0 else -x
    x = np.ones((2, 3))
    run, calls = learned(kernel, x)
    assert np.array_equal(run(3 * x), 6 * x)
    assert not calls
    assert np.array_equal(run(-x), x)
    assert len(calls) == 1


@pytest.mark.parametrize("wrong", [2, -1])
def test_places_outside_are_the_kernels_to_judge(wrong):
    kernel = lambda x, index: (x[np.arange(2), index], np.take_along_axis(x.transpose(), index[None], 0) * 2)
    x, index = np.arange(4.0).reshape(2, 2), np.array([1, 0])
    run, calls = learned(kernel, x, index)
    assert bits(run(x, index)) == bits(kernel(x, index))
    assert not calls
    index[1] = wrong
    if wrong < 0:
        assert bits(run(x, index)) == bits(kernel(x, index))
    else:
        with pytest.raises(IndexError):
            run(x, index)
    assert len(calls) == 1


def test_results_are_new_each_time():
    x = np.ones((3, 3))
    run, _ = learned(lambda x: (x + 1, x.copy()), x)
    (a, b), (c, d) = run(x), run(x)
    assert all(each.flags.owndata and each.flags.writeable for each in (a, b, c, d))
    a[...] = b[...] = 7
    assert c[0, 0] == 2
    assert d[0, 0] == x[0, 0] == 1


def test_a_kernel_without_a_plan_is_called_right_away_in_the_end():
    learning = StepKernel(np.sort)
    run = stepcall(learning.plans, learning, learning.kernel)
    for _ in range(SEEN[-1] + 9):
        run(np.ones(3))
    assert learning.plans[0] == HOPELESS
    assert learning.missed == SEEN[-1]


def test_a_kernel_learns_so_many_forms_and_no_more():
    kernel = lambda x: x * 2 + 1
    learning = StepKernel(kernel)
    for size in range(1, FORMS + 4):
        for _ in range(SEEN[0]):
            learning(np.ones(size))
    assert learning.plans[0] == FORMS


def test_steps_keep_no_reference_too_many():
    x = np.ones((3, 3), np.float32)
    run, _ = learned(lambda x: (x.astype(np.float64) + 1, np.add.reduce(x, axis=0)), x)
    things = [None, x, np.ndarray, (), np.dtype(np.float64)]
    counts = lambda: np.array([sys.getrefcount(each) for each in things])
    gc.collect()
    before = counts()
    for _ in range(500):
        run(x)
    assert np.abs(counts() - before).max() < 20


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("back", [False, True])
def test_steps_that_run_native_code_give_it_its_table(axis, back):
    x = np.arange(6.0).reshape(2, 3)
    scan = lambda x: scanned("add", (x,), axis, back)
    words, kept = plan(scan, [x])
    run = stepcall(np.array([1, words.ctypes.data], np.int64), refused, refused)
    other = np.array([[5.0, -2.0, 0.5], [1.0, 7.0, 3.0]])
    assert np.array_equal(run(other), scan(other)), kept


def test_steps_that_search_give_the_table_to_their_code():
    sequence, numbers = np.arange(0.0, 8, 2), np.array([3.0, 4.0, -1.0, 9.0, 6.5])
    words, kept = plan(lambda *given: searched(*given, False), [sequence, numbers])
    run = stepcall(np.array([1, words.ctypes.data], np.int64), refused, refused)
    assert np.array_equal(run(sequence, numbers[::-1].copy()), np.searchsorted(sequence, numbers[::-1])), kept


def test_kernels_that_take_numbers_elsewhere_have_no_plan():
    with pytest.raises(NotImplementedError, match="numbers"):
        plan(lambda x: x * float(np.linalg.norm(np.asarray(x))), [np.arange(3.0)])
