"""What a recorder hears, as a graph that reads well and runs again."""

import pytest

import lineal as torch
from lineal.base.errors import IllConditionedWarning
from lineal.core import gradients
from lineal.ops.reductions.sums import Sum
from lineal.tracing import Equation, trace


def test_a_graph_reads_like_the_code():
    x, w = torch.ones(2, 3), torch.ones(3)
    y, graph = trace(lambda x: (x * w).sum(), x)
    assert y.item() == 6.0
    assert str(graph).splitlines()[0] == "graph(v0: float32[2, 3])"
    assert "v1: float32[3] = constant" in str(graph)
    assert [each.op.key for each in graph] == ["Expand", "mul", "Sum"]
    assert str(graph.equations[-1]).startswith("v4: float32[] = Sum[axes=(0, 1), keepdim=False")
    assert str(graph).splitlines()[-1] == "  return v4"
    assert list(graph.constants.values()) == [w]


def test_a_graph_runs_again_on_other_inputs():
    _, graph = trace(lambda x, y: {"a": x @ y, "b": [x.exp()]}, torch.ones(2), torch.ones(2))
    a, b = graph(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    assert a.item() == 11.0
    torch.testing.assert_close(b, torch.tensor([1.0, 2.0]).exp())


def test_constants_stay_live():
    w = torch.ones(2)
    _, graph = trace(lambda x: x * w, torch.ones(2))
    w.fill_(5)
    assert graph(torch.ones(2))[0].tolist() == [5.0, 5.0]


def test_backward_is_ordinary_equations():
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        (g,) = gradients([x.exp().sum()], [x], [None])
        return g

    _, graph = trace(step, x)
    exp = next(each for each in graph if each.op.key == "exp")
    assert exp.outputs[0] in graph.equations[-1].inputs, "the kept output is known again, not captured"
    torch.testing.assert_close(graph(torch.zeros(2))[0], torch.ones(2))


def test_gradient_mode_is_noted():
    def function(x):
        with torch.no_grad():
            y = x * 2
        return y + x

    _, graph = trace(function, torch.ones(1))
    assert [each.grad for each in graph] == [False, True]


def test_writes_are_heard_and_done_again():
    def function(x):
        y = x * 1
        y[0].add_(10)
        return y

    _, graph = trace(function, torch.ones(2))
    assert any(each.op.key == "ViewScatter" for each in graph) and "←" not in str(graph)
    assert graph(torch.tensor([1.0, 2.0]))[0].tolist() == [11.0, 2.0]


def test_needed_drops_what_nobody_reads():
    def function(x):
        x.exp().sum()
        return x * 2

    _, graph = trace(function, torch.ones(2))
    assert len(graph.needed()) == 1 < len(graph)
    assert graph.needed()(torch.ones(2))[0].tolist() == [2.0, 2.0]


def test_ops_of_equations_compare_by_their_attributes():
    _, graph = trace(lambda x: (x.sum(0), x.sum(0), x.sum(1)), torch.ones(2, 2))
    first, second, third = (each.op for each in graph if isinstance(each, Equation))
    assert isinstance(first, Sum) and first == second != third


@pytest.mark.parametrize(
    ("function", "bad"),
    [
        (torch.linalg.cholesky, [[1.0, 0.0], [0.0, -1.0]]),
        (lambda A: torch.linalg.solve(A, torch.ones(2)), [[1.0, 1.0], [1.0, 1.0]]),
        (torch.linalg.inv, [[1.0, 1.0], [1.0, 1.0]]),
        (lambda A: torch.linalg.null_space(A).sum(), [[1.0, 1.0], [1.0, 1.0]]),
        (lambda A: A if A.sum() > 0 else -A, [[-1.0, 0.0], [0.0, -1.0]]),
        (lambda A: A * A.sum().item(), [[-1.0, 0.0], [0.0, -1.0]]),
        (lambda A: A * torch.tensor(A.tolist()), [[-1.0, 0.0], [0.0, -1.0]]),
        (lambda A: A * int(A[0, 0]), [[-1.0, 0.0], [0.0, -1.0]]),
    ],
)
def test_a_graph_refuses_numbers_that_would_go_another_way(function, bad):
    good = torch.eye(2) * 2
    expected, graph = trace(function, good.clone())
    torch.testing.assert_close(graph(good.clone())[0], expected)
    for each in (graph, graph.needed()):
        with pytest.raises(RuntimeError, match=r"graph|Singular"):
            each(torch.tensor(bad))


def test_a_graph_warns_where_digits_are_lost():
    _, graph = trace(lambda L: torch.cholesky_solve(torch.ones(2, 1), L), torch.eye(2))
    with pytest.warns(IllConditionedWarning):
        graph(torch.tensor([[1.0, 0.0], [1.0, 1e-4]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_graph_refuses_what_the_function_would_refine(dtype):
    _, graph = trace(lambda A: torch.linalg.solve(A, torch.ones(2, dtype=dtype)), torch.eye(2, dtype=dtype))
    with pytest.raises(RuntimeError, match="ill-conditioned"):
        graph(torch.tensor([[1.0, 1.0], [1.0, 1 + 4 * torch.finfo(dtype).eps]], dtype=dtype))
