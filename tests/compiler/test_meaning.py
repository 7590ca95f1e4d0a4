"""Loops do what their nodes mean: native code against the NumPy interpreter, loop by loop, for every op that has samples."""

import operator
import pathlib
import sys

import numpy as np
import pytest
from programs import Program
from test_contract_compiled import EAGER, cases, complex_
from test_fuzz import compared

import lineal
from lineal import ops
from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.formulas import KINDS, NUMPY, formula_of
from lineal.compiler import checking
from lineal.compiler.calling.memcheck import Checked, LoopFault
from lineal.compiler.kernels import modules as kernels
from lineal.compiler.kernels import sketch
from lineal.compiler.nodes.turns import Walk
from lineal.compiler.scheduling import interpreter
from lineal.ops.linalg.cholesky import Cholesky

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "ops"))

from samples import SAMPLES


def run(name, sample, storage):
    """Call an op on a sample three times in the checking build, with its derivatives."""
    function = operator.attrgetter(name)(lineal if "." in name else ops)
    arrays = [each.astype(storage) if each.dtype.kind == "f" else each for each in sample.arrays()]

    def with_gradients(*xs):
        ys = sample.call(function, list(xs))
        ys = [y for y in (ys if isinstance(ys, (tuple, list)) else [ys]) if isinstance(y, lineal.Tensor)]
        wanted = [x for x in xs if x.requires_grad]
        total = sum((y.real.sum() for y in ys if y.requires_grad), lineal.tensor(0.0))
        grads = lineal.autograd.grad(total, wanted, allow_unused=True) if wanted and total.requires_grad else ()
        return [*ys, *(g for g in grads if g is not None)]

    compiled = lineal.compile(with_gradients)
    xs = [lineal.tensor(each, requires_grad=sample.derivative > 0 and each.dtype.kind == "f") for each in arrays]
    with checking():
        for _ in range(3):
            compiled(*xs)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in cases() if name not in EAGER])
def test_loops_give_what_their_nodes_mean(name):
    """In single precision where that will do: its sums are made in pieces, its squares once more where they leave the range."""
    for sample in SAMPLES[name]:
        if not complex_(sample):
            run(name, sample, np.float32 if sample.single else np.float64)


def test_a_loop_that_means_something_else_is_told(monkeypatch):
    monkeypatch.setitem(interpreter.REDUCTIONS, "add", np.subtract)
    compiled, x = lineal.compile(lambda x: (x * 2).sum()), lineal.ones(8)
    with checking(), pytest.raises(LoopFault, match=r"the loop of mul, add over \(0,\).* gives 16.0 at \(\) of b\d, not -12"):
        for _ in range(3):
            compiled(x)


def walked(xs, W):
    h = xs[0]
    for n in range(len(xs)):
        h = lineal.tanh(h @ W + xs[n])
    return h


def test_turns_that_mean_something_else_are_told(monkeypatch):
    monkeypatch.setattr(Walk, "at", lambda walk, turn: walk.first)
    compiled = lineal.compile(walked)
    with checking(), pytest.raises(LoopFault, match=r"the loop of loop .* gives"):
        for _ in range(3):
            compiled(lineal.rand(10, 3), lineal.rand(3, 3))


def positive(n, dtype=lineal.float64):
    """Return a positive definite matrix."""
    x = lineal.linspace(-1, 1, n * n, dtype=dtype).reshape(n, n)
    return x @ x.mT + n * lineal.eye(n, dtype=dtype)


@pytest.mark.parametrize("n", [3, 40, 100])
def test_library_calls_that_mean_something_else_are_told(n, monkeypatch):
    """By a kernel across the batch, by LAPACK, by the programs for large matrices."""
    monkeypatch.setattr(Cholesky, "eager", lambda op, xp, A: np.tril(A))
    compiled = lineal.compile(lineal.linalg.cholesky)
    with checking(), pytest.raises(LoopFault, match=r"(?i)the code of .*cholesky.* gives"):
        for _ in range(3):
            compiled(positive(n))


def substituted(A, B):
    for _ in range(9):
        B = lineal.linalg.solve_triangular(A.triu(), B + 1, upper=True)
    return B


LIBRARY = {
    "solve": lambda A, B: lineal.linalg.solve(A, B),
    "inv": lambda A, B: lineal.linalg.inv(A) * 2,
    "cholesky": lambda A, B: lineal.linalg.cholesky(A),
    "factors": lambda A, B: lineal.linalg.lu_factor(A),
    "triangular": lambda A, B: lineal.linalg.solve_triangular(A, B, upper=True),
    "turns": substituted,
}


@pytest.mark.parametrize("name", LIBRARY)
def test_library_calls_are_held_against_the_ops_kernels(name, monkeypatch):
    told, compare = [], Checked.compare
    monkeypatch.setattr(Checked, "compare", lambda *given: told.append(given[1]) or compare(*given))
    compiled = lineal.compile(LIBRARY[name])
    with checking():
        for _ in range(3):
            compiled(positive(12), lineal.ones(12, 2, dtype=lineal.float64))
    assert compiled.last is not None
    assert any(who.startswith("the loop of loop" if name == "turns" else "the code of") for who in told)


KINDS_USED = (kinds.float64, kinds.float32, kinds.int64, kinds.int8, kinds.bool_)


ROOTS = {
    "logaddexp2": ([-1.0, -2.0, 0.5], [-1.0018, -0.4156, -1.7716]),
    "logaddexp": ([-0.7, -1.2], [-0.6863, -0.3584]),
    "lgamma": ([1.0001, 1.9999, 2.0002],),
    "digamma": ([1.4616, 1.4617],),
}


@pytest.mark.parametrize("name", ROOTS)
def test_functions_near_their_roots_are_rounded_as_what_they_are_made_of(name):
    compiled = lineal.compile(getattr(lineal, name))
    with checking():
        for _ in range(3):
            compiled(*map(lineal.tensor, ROOTS[name]))
    assert compiled.last is not None


def operands(operation):
    """Return the number of inputs of an operation."""
    two = "add subtract multiply divide fmod remainder floor_divide maximum minimum fmax fmin power bitwise_and bitwise_or "
    two += "bitwise_xor left_shift right_shift equal not_equal less less_equal greater greater_equal logical_and logical_or "
    two += "logical_xor logaddexp logaddexp2 arctan2 copysign hypot nextafter rounded_product ldexp"
    return 3 if operation in ("where", "clip") else 2 if operation in two.split() else 1


@pytest.mark.parametrize("operation", sorted(KINDS))
def test_the_kind_of_an_operation_is_that_of_its_code(operation):
    """What a formula says of its steps' kinds is what the code has."""
    for kind in KINDS_USED:
        given = [kind] * operands(operation)
        expression = lambda m, *xs: getattr(m, operation)(*xs)
        try:
            formula = formula_of(expression, given)
        except TypeError:
            continue
        e = Emitter()
        with e.function("trial", [(f"x{n}", each) for n, each in enumerate(given)]) as xs:
            assert formula(e.math, *xs).kind is formula.steps[-1].kind, kind


def test_formulas_are_equal_where_they_are_written_alike():
    kind = (kinds.float32,)
    made = lambda number: formula_of(lambda m, x: m.exp(x) * number + m.exp(x), kind)
    assert made(2.0) == made(2.0) and hash(made(2.0)) == hash(made(2.0))
    assert len({made(each) for each in (0.0, -0.0, 1, 1.0, True)}) == 5
    assert len(made(2.0).steps) == 3, "what stands twice is computed once"
    assert str(made(2.0)) == "((t1 := exp(x0)) * 2.0) + t1"
    assert made(2.0).text("row") == "((t1 := exp(row)) * 2.0) + t1"


def test_a_formula_computes_with_any_module():
    formula = formula_of(lambda m, x, y: m.where(x > y, m.sqrt(x), -y).astype(np.float32), (kinds.float64, kinds.float64))
    x, y = np.array([4.0, 1.0]), np.array([1.0, 2.0])
    assert np.array_equal(formula(NUMPY, x, y), np.array([2, -2], np.float32))
    assert formula_of(lambda m, x: x, (kinds.int8,)).is_copy


def test_what_a_formula_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="no truth value"):
        formula_of(lambda m, x: 1 if x > 0 else 0, (kinds.float64,))
    with pytest.raises(AttributeError, match="polygamma: no operation of formulas"):
        formula_of(lambda m, x: m.polygamma(1, x), (kinds.float64,))
    with pytest.raises(TypeError, match="whole numbers or bools"):
        formula_of(lambda m, x: x & 1, (kinds.float64,))


def test_equal_signatures_have_equal_code(monkeypatch):
    """What is kept for a signature is what would be written again, for groups of random programs, some for many sizes."""
    texts, shared = {}, []

    def kept(key, make):
        found = make()
        text = found.e.text() if isinstance(found, kernels.Written) else (found.template, tuple(found.numbers))
        shared.append(key in texts)
        assert texts.setdefault(key, text) == text, key
        return found

    monkeypatch.setattr(kernels, "kept", kept)
    monkeypatch.setattr(sketch, "kept", kept)
    for seed in range(20):
        compared(Program(seed))
    for length in (5, 6, 7, 8):
        compiled = lineal.compile(lambda x: lineal.softmax(x * 2, 0).cumsum(0))
        for size in (length, length + 10, length + 20, length + 30):
            compiled(lineal.rand(size, 3))
    assert sum(shared) > 20


def test_layers_are_written_once():
    """Twelve equal layers take hardly more kernels than two."""

    def kernels_of(layers):
        net = lineal.nn.Sequential(
            *[lineal.nn.Sequential(lineal.nn.Linear(8, 8), lineal.nn.LayerNorm(8)) for _ in range(layers)]
        )
        optimizer = lineal.optim.Adam(net.parameters())

        def step(x):
            optimizer.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        compiled = lineal.compile(step)
        for _ in range(3):
            compiled(lineal.rand(4, 8))
        return len(compiled.last.native.kernels.modules)

    assert kernels_of(12) <= kernels_of(2) + 4
