"""What the page of ops says of lowering is so: every op of every sample is lowered by itself, in every dtype it takes."""

import operator
import pathlib
import runpy
import sys
from collections import defaultdict
from types import SimpleNamespace

import pytest

import lineal
from lineal import ops
from lineal.compiler.lowering.equations import Lowering
from lineal.compiler.lowering.rules.table import ALL, RULES, TERMS
from lineal.compiler.nodes.node import Host
from lineal.core import gradients, lift
from lineal.ops.creation import Source
from lineal.ops.pattern import Elementwise
from lineal.ops.random.sampling import Sample as Draw
from lineal.tracing import Equation, trace

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "ops"))

from samples import SAMPLES

OPS = runpy.run_path(str(pathlib.Path(__file__).parents[2] / "docs" / "make_ops.py"))


def with_cotangents(function, sample):
    """Return a function of tensors that gives the sample's results and, where they have derivatives, the inputs' cotangents."""

    def run(*xs):
        ys = [y for y in sample.call(function, list(xs)) if y.node is not None]
        leaves = [x for x in xs if x.node is not None]
        return ys, gradients(ys, leaves, [lineal.ones_like(y) for y in ys]) if ys and leaves else None

    return run


def graphs(name, sample):
    """Yield what is recorded of a sample in each dtype that the function takes."""
    function = operator.attrgetter(name)(lineal if "." in name else ops)
    for storage in ALL if any(each.dtype.kind == "f" for each in sample.arrays()) else ALL[:1]:
        xs = [lift(each.astype(storage) if each.dtype.kind == "f" else each.copy()) for each in sample.arrays()]
        if sample.derivative:
            xs = [x.requires_grad_() if x.value.dtype.kind == "f" else x for x in xs]
        try:
            yield trace(with_cotangents(function, sample), *xs)[1]
        except (RuntimeError, TypeError, NotImplementedError, ValueError, IndexError):
            # not every function takes every dtype, nor has every result a derivative
            continue


def outcome(equation):
    """Return whether an op is left to the host when it is lowered by itself; None where that needs a run."""
    lone = SimpleNamespace(steps={}, literals={}, inputs=list(equation.inputs), captured=[], live=[], equations=[equation])
    try:
        return any(isinstance(node, Host) for node in Lowering(lone).nodes)
    except NotImplementedError:
        return None


@pytest.fixture(scope="module")
def met():
    """Return what became of every op, by the op (its class, or a row) and the dtype that decides."""
    found = defaultdict(set)
    for name, samples in SAMPLES.items():
        for equation in [each for sample in samples for graph in graphs(name, sample) for each in graph]:
            if isinstance(equation, Equation):
                op = equation.op
                made = isinstance(op, Source | Draw) or not equation.inputs
                storage = (equation.outputs if made else equation.inputs)[0].spec.storage
                found[op if type(op) is Elementwise else type(op), storage.name].add(outcome(equation))
    return found


@pytest.mark.filterwarnings("ignore")
def test_samples_meet_most_ops(met):
    assert len(met) > 700
    unmet = {cls.key for cls in RULES} - {op.key for op, _ in met}
    # those of networks have no samples, but tests of their own
    assert len(unmet) < 36, unmet


@pytest.mark.filterwarnings("ignore")
def test_there_is_code_where_the_rules_say_and_nowhere_else(met):
    wrong = []
    for (op, name), outcomes in met.items():
        if op in TERMS:
            native = False in outcomes and name not in TERMS[op].of
            host = True in outcomes and name in TERMS[op].of and not TERMS[op].where
        elif isinstance(op, Elementwise):
            native, host = False, outcomes == {True} and name in OPS["written"](op)
        else:
            native, host = False in outcomes and bool(op.no_lowering), False
        wrong += [(op.key, name, "has code" if native else "has none")] if native or host else []
    assert wrong == []
