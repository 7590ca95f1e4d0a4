"""`apply` and the backward pass as builtins do what their definitions in Python do: results, nodes, views, errors, grads."""

import gc
import re
import sys

import numpy as np
import pytest
from samples import SAMPLES
from test_contract import named

import lineal as torch
from lineal.core import opening
from lineal.core.apply import perform, way
from lineal.core.backward import drive
from lineal.core.op import AbstractTensor, Node
from lineal.testing.contract import variables


@pytest.fixture(scope="module")
def native():
    """What is native here; and `apply` in Python again afterwards."""
    if opening.opening.house is None:
        opening.opening.prepare()
    if opening.opening.house is None:
        pytest.skip("this Python has no builtins of ours")
    before = way.taken, way.back
    way.taken, way.back = opening.opening.ways
    yield way.taken, way.back
    way.taken, way.back = before


def same(a, b):
    """Compare two results of one op on the same inputs: numbers, memory, history."""
    if isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b):
            same(one, other)
        return
    assert type(a) is type(b) and a.index == b.index and (a.memory is None) == (b.memory is None)
    assert (a.value.dtype, a.value.shape, a.value.strides) == (b.value.dtype, b.value.shape, b.value.strides)
    np.testing.assert_array_equal(a.value, b.value)
    assert (a.origin is None) == (b.origin is None) and (a.node is None) == (b.node is None)
    if a.origin is not None:
        assert all(getattr(a.origin, name) == getattr(b.origin, name) for name in ("steps", "seen", "tracked"))
        assert a.origin.root is b.origin.root and a.memory is b.memory
    if a.node is not None:
        same_nodes(a.node, b.node)


def same_nodes(a: Node, b: Node):
    assert all(getattr(a, name) == getattr(b, name) for name in ("op", "edges", "indices", "extra"))
    assert type(a.kept) is type(b.kept) and (a.y is None) == (b.y is None) and (a.memories is None) == (b.memories is None)
    for one, other in zip(a.kept, b.kept, strict=True):
        assert one is other if isinstance(one, AbstractTensor) or one is None else one == other


CALLS = [(name, sample) for name, samples in SAMPLES.items() for sample in samples[:2]]


def called(name, sample):
    """Return the results of a sample, and what it was given."""
    xs = variables(sample.arrays())
    return sample.call(named(name), xs), xs


@pytest.mark.parametrize("block", range(8))
def test_apply_gives_what_its_definition_gives(block, native):
    builtin, _ = native
    heard = set()

    def both(op, *xs):
        if op.effect is not None:
            return perform(op, *xs)
        found = builtin(op, *xs)
        same(perform(op, *xs), found)
        heard.add(op.key)
        return found

    way.taken = both
    try:
        for name, sample in CALLS[block::8]:
            called(name, sample)
    finally:
        way.taken = builtin
    assert len(heard) > 30


@pytest.mark.parametrize("block", range(8))
def test_a_pass_gives_what_its_definition_gives(block, native):
    """Also with hooks, with some of the grads asked for, again, and where it fails."""
    _, builtin = native
    for name, sample in CALLS[block::8]:
        if sample.derivative:
            for hooked in (False, True):
                found = []
                for way.back in (drive, builtin):
                    found.append(grads(name, sample, hooked))
                for a, b in zip(*found, strict=True):
                    np.testing.assert_array_equal(a, b, err_msg=name)


def grads(name, sample, hooked):
    """Return what some passes through a sample leave."""
    torch.manual_seed(0)
    ys, xs = called(name, sample)
    ys = [y for y in ys if y.requires_grad]
    xs = [x for x in xs if x.requires_grad]
    found = []
    for x in xs if hooked else ():
        x.register_hook(lambda g: found.append(g) or g * 2)
    gs = [torch.ones_like(y) for y in ys]
    if not ys:
        return []
    torch.autograd.backward(ys, gs, retain_graph=True)
    found += torch.autograd.grad(ys, xs, gs, retain_graph=True, allow_unused=True)
    torch.autograd.backward(ys, gs)
    found += [x.grad for x in xs]
    return [np.zeros(0) if g is None else g.detach().resolve_conj().numpy() for g in found]


PLACES = {
    "an op": lambda x: x.sum(),
    "a view": lambda x: x[1],
    "a function of several ops": lambda x: torch.nn.functional.linear(x, x, x[0]),
    "a module": torch.nn.Linear(3, 3),
    "several results": lambda x: x.unbind()[0],
}


@pytest.mark.parametrize("case", PLACES)
def test_a_node_knows_its_line(case, native):
    x, lines = torch.ones(3, 3, requires_grad=True), []
    for way.taken in (perform, native[0]):
        y = PLACES[case](x)
        lines.append(y.grad_fn.metadata["site"])
    assert lines[0] == lines[1] and "test_native_apply.py" in lines[0]


FAILING = {
    "a kernel": lambda x: torch.linalg.cholesky(-x.T @ x),
    "shapes": lambda x: x @ torch.ones(7),
    "a view": lambda x: x.view(5, 5),
    "an index": lambda x: x[9],
    "kept values that were written": lambda x: written(x).sum().backward(),
    "a second pass": lambda x: twice((x * x).sum()),
    "a hook": lambda x: hooked(x).sum().backward(),
    "a derivative": lambda x: Failing.apply(x).sum().backward(),
    "too few derivatives": lambda x: Few.apply(x, x).sum().backward(),
}


def written(x):
    y = x * 2
    z = y * y
    y.add_(1)
    return z


def twice(y):
    y.backward()
    y.backward()


def hooked(x):
    y = x * 2
    y.register_hook(lambda g: 1 / 0)
    return y


class Failing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        raise KeyError("here")


class Few(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return a + b

    @staticmethod
    def backward(ctx, g):
        return g


@pytest.mark.parametrize("case", FAILING)
def test_errors_are_the_same_and_nothing_is_kept(case, native):
    outcomes, counts = [], []
    for way.taken, way.back in ((perform, drive), native):
        for _ in range(20):
            x = torch.ones(3, 3, requires_grad=True)
            before = sys.getrefcount(x.value)
            with pytest.raises(Exception) as caught:
                FAILING[case](x)
            outcomes.append((caught.type, re.sub(r" at 0x\w+", "", str(caught.value))))
            del caught
            counts.append(sys.getrefcount(x.value) - before)
    assert len(set(outcomes)) == 1 and set(counts) == {0}


BALANCED = {
    "a view": lambda x: x[1].T,
    "a view of a view": lambda x: x.T[0][1:],
    "a sum": lambda x: x.sum(0),
    "a product": lambda x: x @ x.T,
    "several results": lambda x: x.chunk(3) + x.max(0),
    "a pass": lambda x: ((x @ x.T).exp() * x).sum().backward(),
    "grads": lambda x: torch.autograd.grad((x.chunk(3)[1] * x).sum(), x),
    "branches": lambda x: sum((x.sin() for _ in range(3)), x).sum().backward(),
}
PASSES = {"a pass", "grads", "branches"}


@pytest.mark.parametrize(
    ("case", "differentiated"), [(case, each) for case in BALANCED for each in (True, False) if each or case not in PASSES]
)
def test_references_balance(case, differentiated, native, collected):
    x = torch.rand(3, 3).requires_grad_(differentiated)
    call = BALANCED[case]
    things = [None, True, x, x.value, x.node, torch.Tensor, np.ndarray, call.__code__, ()]

    def counts():
        gc.collect()
        return np.array([sys.getrefcount(each) for each in things])

    for _ in range(10):
        call(x)
    before = counts()
    for _ in range(500):
        call(x)
    # a few are the interpreter's own
    assert np.abs(counts() - before).max() < 60, counts() - before


def test_a_long_chain_of_nodes_goes_back_without_recursion(native):
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = -y
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1])
