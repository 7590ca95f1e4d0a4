"""A tensor that is written over as a whole still leads back to what it was: to a derivative of zero, as in PyTorch."""

import math

import pytest

import lineal as torch

WAYS = {
    "copy_": lambda y, x: y.copy_(x),
    "copy_ of a row": lambda y, x: y.copy_(x[0]),
    "everything": lambda y, x: y.__setitem__(..., x),
    "all rows": lambda y, x: y.__setitem__(slice(None), x),
    "through a view": lambda y, x: y.view(-1).copy_(x.reshape(-1)),
    "through a view that is all of it": lambda y, x: y.squeeze(0).copy_(x),
    "added": lambda y, x: y.squeeze(0).mul_(0).add_(x),
    "fill_": lambda y, x: y.fill_(x[0, 0]),
    "a number": lambda y, x: y.fill_(2.0),
    "zero_": lambda y, x: y.zero_(),
}
SOURCES = {"leaf": lambda a: a, "made": lambda a: a * 2, "detached": lambda a: a.detach(), "itself": None}


def written(way, source):
    def function(a, b):
        y = a * b * b
        WAYS[way](y, (y * 3) if source == "itself" else SOURCES[source](a))
        return (y * y).sum()

    return function


def gradients(function, a, b, again=False):
    """Return the gradients of a function, or their own, None where there is none."""
    a, b = (x.clone().requires_grad_() for x in (a, b))
    grads = torch.autograd.grad(function(a, b), (a, b), create_graph=again, allow_unused=True)
    if not again:
        return grads
    total = sum(((g * g).sum() for g in grads if g is not None and g.requires_grad), torch.zeros((), dtype=a.dtype))
    return torch.autograd.grad(total, (a, b), allow_unused=True) if total.requires_grad else ()


def equal(found, wanted):
    plain = torch.nan_to_num
    same = lambda x, y: x is y is None or (x is not None and y is not None and torch.equal(plain(x), plain(y)))
    return len(found) == len(wanted) and all(map(same, found, wanted))


@pytest.mark.parametrize("number", [0.5, math.inf])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_over_has_a_derivative(way, source, number):
    function = written(way, source)
    a, b = torch.arange(6.0, dtype=torch.float64).reshape(2, 3) + 1, torch.full((2, 3), number, dtype=torch.float64)
    grads = gradients(function, a, b)
    assert all(g is not None for g in grads), "PyTorch has zeros"
    if math.isinf(number):
        assert source == "itself" or grads[1].isnan().all(), "zero times infinity"
    elif source != "itself":
        assert not grads[1].any()
    compiled = torch.compile(function)
    for _ in range(4):
        assert equal(gradients(compiled, a, b), grads)
    assert equal(gradients(torch.compile(function), a, b, True), gradients(function, a, b, True))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", WAYS)
def test_slices_of_what_is_written_over(way, source):
    function = written(way, source)
    a, b = torch.arange(24.0).reshape(4, 2, 3) + 1, torch.full((4, 2, 3), 0.5)
    wanted = [gradients(function, *each) for each in zip(a, b)]
    mapped = torch.func.vmap(torch.func.grad(function, (0, 1)))
    for run in (mapped, torch.compile(mapped)):
        for _ in range(3):
            found = run(a, b)
            for n in range(2):
                assert torch.equal(found[n], torch.stack([each[n] for each in wanted]))


def test_a_custom_function_writes_through_a_view():
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = torch.ones(4, requires_grad=True)
    y = x * 3
    Doubled.apply(y[:2])
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0, 3.0, 3.0]


def stacked(x, other, turns, loop):
    """Write slices of a tensor that leads back to x, some or all, and read one."""
    y = x.sin().expand(turns, *x.shape).clone()
    for k in range(loop):
        y[k] = other * (k + 1.0)
    return y


@pytest.mark.parametrize("read", ["first", "last", "all"])
@pytest.mark.parametrize("loop", [1, 9, 12])
@pytest.mark.parametrize("source", ["numbers", "another tensor"])
def test_slices_that_are_written_over_have_a_derivative_still(source, loop, read):
    """Zeros in eager code, and no grad left out in programs, which read what was written instead, or stack it."""

    def step(x, b):
        y = stacked(x, b if source == "another tensor" else 2.0, 12, loop)
        # other slices are written too, as many as make a stack
        z = stacked(b, 0.5, 12, 12)
        seen = y[0] if read == "first" else y[loop - 1] if read == "last" else y
        return (seen.square().sum() + z.sum()) * 1.0

    found = []
    for function in (step, torch.compile(step)):
        for _ in range(3):
            x, b = (torch.linspace(start, 1.0, 6).reshape(2, 3).requires_grad_() for start in (0.1, 0.3))
            function(x, b).backward()
        found.append((x.grad, b.grad))
    for eager, compiled in zip(*found):
        assert eager is not None and compiled is not None
        assert torch.allclose(eager, compiled, rtol=1e-5)
