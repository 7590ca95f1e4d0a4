"""`lineal.fx`: graphs of what functions and modules do, changed and run."""

from __future__ import annotations

import copy
import operator

import pytest

import lineal
import lineal.nn.functional as F
from lineal import fx, nn


class Block(nn.Module):
    """Layers, a parameter and a buffer of its own, a loop of known length, a dict as its result."""

    def __init__(self):
        super().__init__()
        self.linear, self.inner = nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.scale = nn.Parameter(lineal.full((4,), 2.0))
        self.register_buffer("shift", lineal.ones(1))

    def forward(self, x, factor=3.0):
        y = self.inner(F.gelu(self.linear(x))) * self.scale - self.shift
        a, b = lineal.cat([y, y * factor], dim=1).chunk(2, dim=1)
        return {"sum": (1 - a[:, :2]).sum(), "parts": [b.float().T, x.shape[0]]}


def test_a_graph_computes_what_the_module_does_and_trains_its_parameters():
    lineal.manual_seed(0)
    model, x = Block(), lineal.randn(5, 3)
    traced = fx.symbolic_trace(model)
    assert [(each.op, each.name) for each in traced.graph.nodes][:6] == [
        ("placeholder", "x"),
        ("placeholder", "factor"),
        ("call_module", "linear"),
        ("call_function", "gelu"),
        ("call_module", "inner_0"),
        ("call_module", "inner_1"),
    ]
    for given, named in (((x,), {}), ((x, 0.5), {}), ((), {"x": x, "factor": 2})):
        expected, found = model(*given, **named), traced(*given, **named)
        assert lineal.equal(expected["sum"], found["sum"]) and lineal.equal(expected["parts"][0], found["parts"][0])
    with lineal.no_grad():
        model.scale.mul_(2)
    traced(x)["sum"].backward()
    assert traced.scale is model.scale and lineal.equal(model(x)["sum"], traced(x)["sum"]) and model.scale.grad is not None
    assert traced.state_dict().keys() == model.state_dict().keys()


def double_sines(graph):
    """Put twice the cosine in the place of each sine."""
    for node in graph.nodes:
        if node.op == "call_function" and node.target == lineal.sin:
            node.target = lineal.cos
            with graph.inserting_after(node):
                twice = graph.call_function(operator.mul, (node, 2))
            node.replace_all_uses_with(twice, lambda user, twice=twice: user is not twice)


def test_graphs_are_changed_copied_and_cleaned():
    traced = fx.symbolic_trace(lambda x, y: lineal.sin(x) + lineal.sin(y).relu())
    before = copy.deepcopy(traced)
    double_sines(traced.graph)
    traced.graph.lint()
    x, y = lineal.tensor([0.3, 2.0]), lineal.tensor([1.0, -1.0])
    assert lineal.allclose(traced(x, y), 2 * x.cos() + (2 * y.cos()).relu())
    assert lineal.allclose(before(x, y), x.sin() + y.sin().relu())
    sine = next(each for each in before.graph.nodes if each.name == "sin")
    with pytest.raises(RuntimeError, match="Tried to erase Node sin but it still had 1 users"):
        before.graph.erase_node(sine)
    before.graph.call_function(lineal.neg, (sine,))
    assert before.graph.eliminate_dead_code() and not before.graph.eliminate_dead_code()
    assert "torch.cos(x)" in traced.code and "operator.mul" in traced.code and "num_users=1" in str(traced.graph)


def test_graphs_are_built_by_hand():
    graph = fx.Graph()
    a, b = fx.Proxy(graph.placeholder("a")), fx.Proxy(graph.placeholder("b"))
    graph.output((lineal.einsum("i,i->", a, b) / b.sum()).node)
    made = fx.GraphModule({}, graph)
    x = lineal.tensor([1.0, 2.0])
    assert made(x, x).item() == pytest.approx(5 / 3)
    late = lineal.ones(2)
    assert lineal.equal(fx.symbolic_trace(lambda x: x + late)(x), x + 1)


class Cosines(fx.Transformer):
    def call_function(self, target, args, kwargs):
        return super().call_function(lineal.cos if target == lineal.sin else target, args, kwargs)


def test_interpreters_and_transformers_say_what_becomes_of_nodes():
    traced, x = fx.symbolic_trace(lambda x: lineal.sin(x) * 2), lineal.tensor([0.5])
    assert lineal.equal(fx.Interpreter(traced).run(x), x.sin() * 2)
    assert lineal.equal(Cosines(traced).transform()(x), x.cos() * 2)


@fx.wrap
def chosen(x, n):
    return x * n if x.sum() > 0 else -x


def test_wrapped_functions_are_one_node():
    traced = fx.symbolic_trace(lambda x: chosen(x, 3) + 1)
    assert [each.name for each in traced.graph.nodes] == ["x", "chosen", "add", "output"]
    assert traced(lineal.tensor([2.0])).item() == 7 and traced(lineal.tensor([-2.0])).item() == 3


REFUSED = {
    "branch": (lambda x: x if x.sum() > 0 else -x, fx.TraceError, "control flow"),
    "loop": (lambda x: sum(each for each in x), fx.TraceError, "cannot be iterated"),
    "length": (len, RuntimeError, "'len' is not supported"),
}


@pytest.mark.parametrize(("function", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_what_depends_on_numbers_is_refused(function, kind, words):
    with pytest.raises(kind, match=words):
        fx.symbolic_trace(lambda x: function(x))
