"""Products with what follows them, tile by tile: results, gradients, writes, in the checking build; when it must not be."""

import itertools
import warnings
from contextlib import nullcontext

import pytest
from fuzz.comparing import in_small_tiles

import lineal as torch
from lineal.compiler import checking, compile, passes
from lineal.compiler.nodes.node import Product, Repeat
from lineal.nn import functional as F

torch.manual_seed(0)
A, B, ROW, COLUMN, WHOLE = torch.randn(40, 30), torch.randn(30, 50), torch.randn(50), torch.randn(40, 1), torch.randn(40, 50)


def kept(a, b, row, column, whole):
    z = a @ b
    return z, z.relu(), z.sum()


def written(a, b, row, column, whole):
    whole.add_((a @ b).detach(), alpha=0.5)
    return whole * (a @ b)


def conditions(a, b, row, column, whole):
    y = a @ b
    return torch.where(y > row, y, whole * column), (y < 0) & (whole > 0), y.to(torch.float64)


PROGRAMS = {
    "relu": lambda a, b, row, column, whole: (a @ b).relu(),
    "bias and gelu": lambda a, b, row, column, whole: F.gelu(a @ b + row),
    "both of them": lambda a, b, row, column, whole: ((z := a @ b + row), z.tanh()),
    "rows and columns": lambda a, b, row, column, whole: (a @ b) * column + whole.exp() - row,
    "kept": kept,
    "written": written,
    "conditions": conditions,
    "turned": lambda a, b, row, column, whole: (b.mT @ a.mT).sigmoid() + whole.mT,
    "rows of a stack": lambda a, b, row, column, whole: F.linear(a.reshape(5, 8, 30), b.mT, row).relu(),
    "two products": lambda a, b, row, column, whole: (a @ b).relu() + (whole @ b.mT) @ b,
    "twice the same": lambda a, b, row, column, whole: ((a @ b).sin() + row) * (a @ b),
}


def numbers():
    return [x.clone() for x in (A, B, ROW, COLUMN, WHOLE)]


def called(function, differentiated):
    """Return results, arguments afterwards, and gradients."""
    given = numbers()
    if differentiated:
        for x in given[:4]:
            x.requires_grad_()
    found = function(*given)
    found = list(found) if isinstance(found, tuple) else [found]
    loss = sum((each * torch.cos(each.detach())).sum() for each in found if each.requires_grad)
    grads = torch.autograd.grad(loss, given[:4], allow_unused=True) if differentiated else ()
    return [*found, given[4], *(each for each in grads if each is not None)]


def same(one, other):
    assert len(one) == len(other)
    for x, y in zip(one, other):
        assert x.dtype is y.dtype and x.shape == y.shape
        if x.dtype.is_floating_point:
            size = 1 + float(y.abs().max())
            assert torch.allclose(x, y, rtol=2e-5, atol=2e-5 * size), (x - y).abs().max()
        else:
            assert torch.equal(x, y)


@pytest.mark.parametrize("differentiated", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.slow
def test_results_gradients_and_writes_are_those_of_eager_code(name, differentiated):
    function = PROGRAMS[name]
    wanted = called(function, differentiated)
    for check, off in itertools.product((False, True), ((), ("tiles",))):
        with warnings.catch_warnings(), in_small_tiles(), passes.without(*off):
            warnings.simplefilter("error")
            with checking() if check else nullcontext():
                compiled = compile(function)
                for _ in range(3):
                    found = called(compiled, differentiated)
        assert compiled.eager is None
        same(found, wanted)


def listed(function, *given):
    with in_small_tiles():
        return str(torch.explain(function)(*given))


def test_what_follows_a_product_is_told_with_its_tiles():
    text = listed(PROGRAMS["bias and gelu"], *numbers())
    assert "tile by tile, i < 40, j < 50: v5[40, 50] = v0 @ v1" in text
    assert text.count("loop over") == 0


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("width", [64, 40, 3])
def test_factors_that_are_the_same_in_all_turns_are_laid_out_before_them(turned, width):

    def f(h, w, u):
        hs = []
        for _ in range(9):
            h = torch.tanh(h @ (w.mT if turned else w)) @ u
            hs.append(h)
        return torch.stack(hs)

    given = torch.randn(5, 64), torch.randn(*((width, 64) if turned else (64, width))) / 8, torch.randn(width, 64) / 8
    for check in (False, True):
        with in_small_tiles(), checking() if check else nullcontext():
            compiled = compile(f)
            for _ in range(3):
                found = compiled(*given)
        assert compiled.eager is None
        torch.testing.assert_close(found, f(*given))
    (program,) = (each for several in compiled.programs.values() for each in several)
    (body,) = (group.nodes[0].schedule for group in program.schedule.groups if isinstance(group.nodes[0], Repeat))
    products = [group.nodes[0] for group in body.groups if isinstance(group.nodes[0], Product)]
    assert [each.laid for each in products] == [True, True]


def into_its_factor(a, b):
    a.copy_((a @ b).relu())
    return a


def into_its_other_factor(a, b):
    b.mul_((a @ b).tanh())
    return b


@pytest.mark.parametrize("function", [into_its_factor, into_its_other_factor])
def test_a_factor_is_not_written_while_others_still_read_it(function):
    a, b = torch.randn(40, 40), torch.randn(40, 40)
    assert "tile by tile" not in listed(function, a.clone(), b.clone())
    with in_small_tiles():
        compiled = compile(function)
        for _ in range(3):
            found = a.clone(), b.clone()
            compiled(*found)
    wanted = a.clone(), b.clone()
    function(*wanted)
    same(found, wanted)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: (a @ b).sum(0),
        lambda a, b: (a @ b).softmax(-1),
        lambda a, b: (a @ b).mT.exp(),
        lambda a, b: (a @ b)[::2].exp(),
        lambda a, b: (a @ b).exp() + (a @ b).sum(),
    ],
)
def test_loops_that_do_not_run_along_a_product_stay_loops(function):
    a, b = torch.randn(40, 30), torch.randn(30, 50)
    with in_small_tiles(), checking():
        compiled = compile(function)
        for _ in range(3):
            found = compiled(a, b)
    same([found], [function(a, b)])


def test_long_sums_that_nobody_keeps_are_made_in_parts():
    a, b = torch.randn(30, 1500), torch.randn(1500, 40)
    compiled = compile(lambda a, b: (a @ b).tanh())
    for _ in range(3):
        found = compiled(a, b)
    assert torch.allclose(found, (a @ b).tanh(), atol=1e-3)
