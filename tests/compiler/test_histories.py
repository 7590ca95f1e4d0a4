"""What a compiled function's results lead back to: writes that autograd does not see, shared inputs, leaves made inside."""

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import compile


def whole(a, c):
    with torch.no_grad():
        a.mul_(2)
    return a * 1.5


def part(a, c):
    left, right = a.split([2, 2], 0)
    with torch.no_grad():
        left.mul_(2.0)
    return a * a + left.sum() * right.sum()


def derivative(a, c):
    with torch.no_grad():
        a[:1].addcmul_(a[:1], a[:1])
    return torch.autograd.grad(a.sin().sum(), a, create_graph=True)[0], a


def inner(a, c):
    b = a * 2
    with torch.no_grad():
        b[1:].mul_(3)
    return b + 1


def constant(a, c):
    buffer = c * 1
    with torch.no_grad():
        buffer.copy_(a)
    return buffer * a


def data(a, c):
    a.data.mul_(2)
    return a * a.data


def data_of_constant(a, c):
    buffer = c * 1
    buffer.data.copy_(a)
    return buffer * a


def read_meanwhile(a, c):
    view = a[1:]
    with torch.no_grad():
        a.mul_(2)
        total = view.sum()
    return view * total


def filled(a, c):
    view = (a * 2).view(4)
    view.fill_(3.0)
    return view


def one_piece(a, c):
    x = c * 2
    view = x.view(4)
    view.lerp_(a, 0.25)
    return view, x


def detached(a, c):
    x = a * 2
    y = x.detach()
    with torch.no_grad():
        y.mul_(3)
    return x + 1, y


FUNCTIONS = (
    whole, part, derivative, inner, constant, data, data_of_constant, read_meanwhile, filled, one_piece, detached,
)  # fmt: skip


def seen(function, turn):
    """Return everything that can be seen of a call and of the way back."""
    random = np.random.RandomState(turn)
    a = torch.tensor(random.standard_normal(4), requires_grad=True)
    results = function(a, torch.tensor(random.standard_normal(4)))
    results = results if isinstance(results, tuple) else (results,)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    sum((y * weights[: y.numel()]).sum() for y in results if y.requires_grad).backward()
    arrays = [y.detach().numpy() for y in (*results, a, a.grad)]
    return [y.requires_grad for y in results], [each.round(9).tolist() for each in arrays]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_writes_that_autograd_does_not_see(function):
    compiled = compile(function)
    for turn in range(3):
        assert seen(compiled, turn) == seen(function, turn)
    assert compiled.eager is None


INPUTS = {
    "the same": lambda x: (x, x),
    "one made from the other": lambda x: (x, x * 2),
    "two views": lambda x: (x.view(2), x[:]),
    "independent": lambda x: (x, x.detach().clone().requires_grad_()),
}


@pytest.mark.parametrize("inputs", INPUTS.values(), ids=list(INPUTS))
@pytest.mark.parametrize("create_graph", [False, True])
def test_derivatives_by_inputs_that_depend_on_each_other(inputs, create_graph):
    def function(a, b):
        return torch.logaddexp(a, b) * b

    compiled, found = compile(function), {}
    for turn in range(3):
        for each in (function, compiled):
            x = torch.tensor([0.5 + turn, 1.5], requires_grad=True)
            (g,) = torch.autograd.grad(each(*inputs(x)).sum(), x, create_graph=create_graph)
            if create_graph:
                (g,) = torch.autograd.grad(g.square().sum(), x)
            found[each] = g
        torch.testing.assert_close(found[compiled], found[function])


@pytest.mark.parametrize("seen", [lambda y: y.mT, lambda y: torch.cat([y, y], 1), lambda y: y[:, ::2].repeat(1, 2)])
def test_second_derivatives_where_cotangents_do_not_lie_densely(seen):
    function = lambda x, w: torch.tanh(x @ w)
    x, w = (torch.rand(4, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    compiled, found = compile(function), {}
    for each in (function, compiled, compiled, compiled):
        gs = torch.autograd.grad(seen(each(x, w)).pow(3).sum(), (x, w), create_graph=True)
        found[each] = torch.autograd.grad(sum(g.square().sum() for g in gs), (x, w))
    torch.testing.assert_close(found[compiled], found[function])


@pytest.mark.filterwarnings("ignore:compile")
@pytest.mark.parametrize("first", [True, False])
def test_one_memory_with_and_without_history(first):
    compiled = compile(lambda a, b: (a * b, a.square()))
    for turn in range(3):
        x = torch.tensor([0.5 + turn, 2.0], requires_grad=True)
        y, z = compiled(*((x, x.detach()) if first else (x.detach(), x)))
        y.sum().backward()
        assert x.grad.tolist() == x.tolist() and z.requires_grad == first


def test_a_leaf_made_inside_and_returned():
    def function(x):
        leaf = x.detach().clone().requires_grad_()
        return leaf, leaf * 2

    compiled = compile(function)
    with pytest.warns(UserWarning, match="runs eagerly"):
        compiled(torch.ones(3))
    leaf, y = compiled(torch.ones(3))
    y.sum().backward()
    assert leaf.grad.tolist() == [2, 2, 2]


OWN = {
    "mul": lambda x: x.mul_(x),
    "div": lambda x: x.div_(x + 1),
    "addcmul": lambda x: x.addcmul_(x, x),
    "addcdiv": lambda x: x.addcdiv_(x, x + 1),
    "pow": lambda x: x.pow_(x),
    "exp": lambda x: x.exp_(),
    "log": lambda x: x.log_(),
    "sin": lambda x: x.sin_(),
    "sigmoid": lambda x: x.sigmoid_(),
    "a part": lambda x: x[1:].mul_(x[:-1]),
    "a whole by its part": lambda x: x.mul_(x[:1]),
    "twice": lambda x: x.mul_(x).mul_(x),
}


@pytest.mark.parametrize("write", OWN.values(), ids=list(OWN))
def test_second_derivatives_of_writes_that_read_what_they_write(write):
    def function(a):
        x = a * 1.0
        write(x)
        (g,) = torch.autograd.grad(x.square().sum(), a, create_graph=True)
        return torch.autograd.grad(g.square().sum(), a)[0]

    def outside(a):
        x = a * 1.0
        write(x)
        return torch.autograd.grad(x.square().sum(), a, create_graph=True)[0]

    inside, way_back = compile(function), compile(outside)
    for turn in range(3):
        a = torch.tensor([0.5 + 0.25 * turn, 0.75, 1.0], dtype=torch.float64, requires_grad=True)
        expected = function(a)
        torch.testing.assert_close(inside(a), expected)
        outer = way_back(a)
        torch.testing.assert_close(outer, outside(a))
        torch.testing.assert_close(torch.autograd.grad(outer.square().sum(), a)[0], expected)
        h = 1e-6
        for n in range(3):
            ends = []
            for step in (h, -h):
                b = a.detach().clone()
                b[n] += step
                ends.append(outside(b.requires_grad_()).square().sum().detach())
            assert float((ends[0] - ends[1]) / (2 * h)) == pytest.approx(float(expected[n]), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["sort", "topk", "mode", "median", "kthvalue", "max", "min", "cummax", "cummin"])
def test_derivatives_of_what_is_picked_have_no_history_of_their_own(name):
    """Values at places: the derivative puts the cotangent there, and depends on neither."""
    more = {"topk": (2, 0), "kthvalue": (2, 0)}.get(name, (0,))

    def function(a):
        values, _ = getattr(torch, name)(a, *more)
        return tuple(torch.autograd.grad(y, a, create_graph=True)[0] for y in (values.sum(), (values * values).sum()))

    compiled, a = compile(function), torch.tensor([[3.0, 1.0], [2.0, 5.0], [4.0, 0.5]], requires_grad=True)
    for f in (function, compiled, compiled):
        once, twice = f(a)
        assert not once.requires_grad and twice.requires_grad
        assert torch.equal(twice, 2 * a.detach() * once)
