"""Every optimizer with each of its options: 50 steps as PyTorch's, and a state that goes from one to the other and back."""

import numpy as np
import pytest
from optimizers import CASES, LIVE, Course

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

DTYPES = {"float64": 1e-9, "float32": 2e-4, "complex128": 1e-9, "complex64": 5e-4}
NO_COMPLEX = ("Muon", "Adafactor")
ITERATES = {"Muon": 2e-2}
"""Iterates in bfloat16, which the other rounds at other places."""


def close(found, wanted, tolerance):
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1.0, np.abs(wanted).max(initial=0)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_fifty_steps(name, options, dtype):
    if dtype.startswith("complex") and name in NO_COMPLEX:
        pytest.skip("real parameters alone")
    mine, theirs = (Course(library, name, options, dtype) for library in (lineal, torch))
    for course in (mine, theirs):
        course.walk(50)
    tolerance = ITERATES.get(name, DTYPES[dtype])
    for found, wanted in zip(mine.parameters, theirs.parameters):
        close(found.detach().numpy(), wanted.detach().numpy(), tolerance)
    assert mine.optimizer.state_dict()["param_groups"] == theirs.optimizer.state_dict()["param_groups"]
    for number, wanted in theirs.optimizer.state_dict()["state"].items():
        found = mine.optimizer.state_dict()["state"][number]
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            if isinstance(value, torch.Tensor) and name not in ITERATES:
                assert found[key].numpy().dtype == value.numpy().dtype
                assert found[key].shape == value.shape
                close(found[key].numpy(), value.numpy(), tolerance)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_a_state_goes_over_and_back(name):
    options = next(options for each, options in reversed(CASES) if each == name)
    # loading gives the numbers of ASGD's state the parameters' dtype, in both libraries
    tolerance = {"ASGD": 1e-7, **ITERATES}.get(name, 1e-9)
    for first, second in ((lineal, torch), (torch, lineal)):
        straight, other = Course(first, name, options, "float64"), Course(second, name, options, "float64")
        straight.walk(5)
        other.take(straight)
        back = Course(first, name, options, "float64")
        back.take(other)
        for course in (straight, other, back):
            course.walk(5, start=5)
        for a, b, c in zip(straight.parameters, other.parameters, back.parameters):
            close(a.detach().numpy(), b.detach().numpy(), tolerance)
            close(a.detach().numpy(), c.detach().numpy(), tolerance)


NAN, INF = float("nan"), float("inf")
STRANGE = [[1.0, NAN, INF, -INF, 0.0, 1e30, 1e-30], [NAN, 1.0, 1.0, INF, 0.0, 1.0, -1.0], [1.0, 1.0, -INF, 2.0, 0.0, 1.0, 1.0]]


@pytest.mark.parametrize("repeats", [1, 1000], ids=["small", "large"])
@pytest.mark.parametrize("name", [name for name in LIVE if name != "Muon"])
def test_gradients_that_are_no_numbers(name, repeats):
    ends = []
    for library in (lineal, torch):
        parameter = library.ones(7 * repeats, requires_grad=True)
        optimizer = getattr(library.optim, name)([parameter], lr=0.1)
        for grad in STRANGE:
            parameter.grad = library.tensor(grad * repeats)
            optimizer.step()
        ends.append(parameter.detach().numpy())
    np.testing.assert_allclose(*ends, rtol=1e-5)


@pytest.mark.parametrize("name", LIVE)
def test_the_same_things_are_refused(name):
    bad = [{"lr": -1.0}, {"lr": "two"}, {"weight_decay": -1.0}, {"eps": -1.0}, {"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}]
    bad += [{"fused": True, "foreach": True}, {"fused": True, "differentiable": True}, {"etas": (1.5, 2.0)}, {"rho": 2.0}]
    for options in bad:
        kinds = []
        for library in (lineal, torch):
            given = {key: library.tensor([0.1, 0.2]) if value == "two" else value for key, value in options.items()}
            try:
                getattr(library.optim, name)([library.zeros(2, 2, requires_grad=True)], **given)
                kinds.append(None)
            except (ValueError, TypeError, RuntimeError) as error:
                kinds.append(type(error))
        assert kinds[0] is kinds[1], (options, kinds)


VALLEYS = {
    "banana": lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + (x[2] - x[1]) ** 4,
    "bowl": lambda x: x[0] ** 2 + 10 * x[1] ** 2 + 3 * x[2] ** 2,
    "kinks": lambda x: x.abs().sum(),
}
SEARCHES = [
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 1},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 6, "history_size": 3},
    {"max_iter": 3, "lr": 1e-3},
    {"lr": 1e-3, "history_size": 2},
]


def descent(library, valley, options, dtype):
    """Return loss and number of calls after each step, the end, and the keys of the state."""
    x = library.tensor([-1.2, 1.0, 0.5], dtype=getattr(library, dtype), requires_grad=True)
    z = library.tensor([0.3 + 0.2j], dtype=getattr(library, {"float64": "complex128", "float32": "complex64"}[dtype]))
    z.requires_grad_()
    optimizer, calls = library.optim.LBFGS([x, z], **options), []

    def closure():
        optimizer.zero_grad()
        loss = VALLEYS[valley](x) + ((z * z.conj()).real.sum() - 1) ** 2
        loss.backward()
        calls.append(float(loss.detach()))
        return loss

    steps = [(float(optimizer.step(closure).detach()), len(calls)) for _ in range(5)]
    state = optimizer.state_dict()["state"][0]
    return steps, [*x.tolist(), *z.tolist()], {key: type(value) is list for key, value in state.items() if key != "t"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("options", SEARCHES, ids=str)
@pytest.mark.parametrize("valley", VALLEYS)
def test_lbfgs_calls_its_closure_as_often(valley, options, dtype):
    mine, theirs = (descent(library, valley, options, dtype) for library in (lineal, torch))
    if dtype == "float64" or "max_iter" in options:
        assert [calls for _, calls in mine[0]] == [calls for _, calls in theirs[0]]
        close(np.array(mine[0]), np.array(theirs[0]), 1e-9 if dtype == "float64" else 1e-3)
        close(np.array(mine[1]), np.array(theirs[1]), 1e-9 if dtype == "float64" else 1e-3)
    assert mine[2] == theirs[2]
