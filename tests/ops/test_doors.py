"""Every fast path of the door does what `apply` does: numbers, node, word to the recorder, errors, and what views are told."""

import gc
import itertools
from types import FunctionType

import numpy as np
import pytest
from samples import SAMPLES
from test_contract import named

import lineal
from lineal.core import apply, modes
from lineal.core.door import opening
from lineal.testing.contract import variables

KINDS = {"unary_door.<locals>.door": 1, "binary_door.<locals>.door": 2}
SHAPES = ((), (3,), (2, 3), (3, 3))


def doors():
    """Return each door with its op and number of inputs, once for each op; those of reductions are made by calls."""
    for name, samples in SAMPLES.items():
        for sample in samples:
            sample.call(named(name), variables(sample.arrays()))
    found = {}
    for each in gc.get_objects():
        count = KINDS.get(each.__qualname__) if isinstance(each, FunctionType) else None
        if count is not None:
            op = dict(zip(each.__code__.co_freevars, each.__closure__))["op"].cell_contents
            found.setdefault((repr(op), count), (each, op, count))
    return list(found.values())


class Heard(modes.Recorder):
    """What a recorder is told of ops."""

    def __init__(self):
        self.words = []

    def record(self, op, xs, ys):
        self.words.append((op, [id(x.value) for x in xs], [(y.value.shape, y.value.dtype) for y in ys]))


def outcome(call, xs, grad):
    """Return what a call gives, what its node holds, and what a recorder hears."""
    recorder = Heard()
    with modes.Setting((modes.grad_enabled, grad)):
        try:
            y = call(*xs)
        except Exception as error:
            return type(error), str(error)
        with modes.Setting((modes.recorder, recorder)):
            try:
                call(*xs)
            except Exception as error:
                recorder.words.append(type(error))
    node = y.node
    held = node and (node.op, node.edges, node.indices, kept(node.kept), node.y is y.value, node.extra, node.memories)
    return y.value.tobytes(), y.value.shape, y.value.dtype, type(y), y.index, y.memory, y.origin, held, recorder.words


def kept(values):
    """Return what a node keeps, inputs by their identity."""
    return None if values is None else [id(x) if isinstance(x, lineal.Tensor) else x for x in values]


def made_for(op, ndim):
    """Return whether a door was made for tensors of so many dimensions: that of a reduction is for one number of them."""
    axes = getattr(op, "axes", None)
    return axes is None or ndim == max(axes, default=-1) + 1


def inputs(shape, dtype, differentiated, seed):
    x = lineal.tensor(np.random.default_rng(seed).uniform(0.1, 0.9, shape).astype(dtype))
    return x.requires_grad_() if differentiated else x


def native(door, ready):
    """Let a door ask for its native one at its next call, or never."""
    cells = dict(zip(door.__code__.co_freevars, door.__closure__))
    cells["native"].cell_contents = None
    cells["count"].cell_contents = (iter(()) if ready else itertools.repeat(None)).__next__
    return cells["native"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ready", [False, True])
def test_each_door_does_what_apply_does(ready):
    if opening.house is None:
        opening.prepare()
    every = doors()
    assert len(every) > 150
    for door, op, count in every:
        cell = native(door, ready)
        shapes = [shape for shape in SHAPES if made_for(op, len(shape))]
        for shape, dtype, grad in itertools.product(shapes, (np.float32, np.float64), (True, False)):
            for wanted in itertools.product((True, False), repeat=count):
                xs = [inputs(shape, dtype, each, n) for n, each in enumerate(wanted)]
                got, want = (outcome(call, xs, grad) for call in (door, lambda *xs, op=op: apply(op, *xs)))
                assert got == want, (op, shape, dtype, wanted, grad)
        for others in (((3,), (2,)), ((3,), (2, 3)), ((2, 3), ())) if count == 2 else ():
            xs = [inputs(shape, np.float32, True, n) for n, shape in enumerate(others)]
            got, want = (outcome(call, xs, False) for call in (door, lambda *xs, op=op: apply(op, *xs)))
            assert got == want, (op, others)
        assert not shapes or (cell.cell_contents is not None) is (ready and opening.house is not None)
