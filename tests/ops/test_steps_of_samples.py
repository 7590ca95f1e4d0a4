"""The kernels of all samples as steps (`codegen/stepkernels.py`): on other numbers they give what kernels give, or nothing."""

import functools

import numpy as np
import pytest
from samples import SAMPLES
from test_native_apply import called

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.stepcall import stepcall
from lineal.codegen.native import UNWRITABLE
from lineal.codegen.stepkernels import SHORT, alike, plan
from lineal.core import Recorder, modes
from lineal.ops.pattern import Elementwise

SPECIAL = ((), (np.nan, -0.0), (np.inf, -np.inf))


class Heard(Recorder):
    """Notes ops and arrays."""

    def __init__(self):
        self.ops = []

    def record(self, op, xs, ys):
        self.ops.append((op, [x.value for x in xs]))

    def record_write(self, target, source):
        pass


def kernels():
    """Yield the kernels of the samples with arrays, each form once, in float64 and float32."""
    seen = set()
    for name, samples in SAMPLES.items():
        for sample in samples:
            heard = Heard()
            with modes.Setting((modes.recorder, heard)):
                called(name, sample)
            for op, values in heard.ops:
                small = all(each.__class__ is np.ndarray and 0 < each.size < SHORT for each in values)
                if op.aliasing or op.effect or not small:
                    continue
                for storage in (np.float64, np.float32):
                    arrays = [each.astype(storage) if each.dtype == np.float64 else each for each in values]
                    form = op, *[(each.shape, each.strides, each.dtype) for each in arrays]
                    if form not in seen:
                        seen.add(form)
                        own = isinstance(op, Elementwise) and not op.settles
                        yield op, op.kernel if own else functools.partial(op.eager, np), arrays


def varied(x, special, rng):
    """Return other numbers that lie likewise."""
    y = x.copy()
    if y.dtype.kind == "f":
        y *= rng.uniform(0.5, 1.5, y.shape).astype(y.dtype)
        y.reshape(-1)[: len(special)] = special[: y.size]
    return y


def left(*arrays):
    raise NotImplementedError


@pytest.mark.slow
@pytest.mark.skipif(layout.ndarray() is None, reason="this Python's arrays cannot be read natively")
@pytest.mark.filterwarnings("ignore")
def test_steps_of_all_samples_give_what_kernels_give():
    rng, compared = np.random.default_rng(0), set()
    with np.errstate(all="ignore"):
        for op, kernel, arrays in kernels():
            try:
                words, _kept = plan(kernel, arrays)
            except UNWRITABLE:
                continue
            run = stepcall(np.array([1, words.ctypes.data], np.int64), left, left)
            for special in SPECIAL:
                others = [varied(each, special, rng) for each in arrays]
                try:
                    found = run(*others)
                except NotImplementedError:
                    continue
                assert alike(found, kernel(*others)), (op, [each.shape for each in arrays], special)
                compared.add(op.key)
    assert len(compared) > 100
