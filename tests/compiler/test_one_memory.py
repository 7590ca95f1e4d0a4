"""One memory, several tensors, each with a history of its own: detached ones that are written, and tensors from outside.

Eager code is the oracle: numbers, who requires grad, and grads are as it has them, call after call.
"""

import itertools
import warnings

import pytest

import lineal as torch
from lineal.compiler import compile


def unremembered(x):
    with torch.no_grad():
        return x[:1]


WAYS = {
    "detach": lambda x: x.detach(),
    "data": lambda x: x.data,
    "view of detach": lambda x: x.detach()[0],
    "detach of view": lambda x: x[0].detach(),
    "view": lambda x: x.view_as(x),
    "view without history": unremembered,
}
WRITES = {
    "copy_": lambda d, w: d.copy_(w.expand_as(d)),
    "addcmul_": lambda d, w: d.addcmul_(d, w.expand_as(d)),
    "set": lambda d, w: d.__setitem__(0, w.reshape(-1)[0]),
    "fill_": lambda d, w: d.fill_(2.5),
}
USES = {
    "one": lambda x, d, w: d * 3,
    "other": lambda x, d, w: x * 3,
    "both": lambda x, d, w: (x * 3, d.sin()),
    "returned": lambda x, d, w: d,
    "returned part": lambda x, d, w: d[:1],
    "detached again": lambda x, d, w: d.detach() * w,
    "other returned": lambda x, d, w: (x * w, x),
    "neither": lambda x, d, w: w * 2,
}
STARTS = {"computed": lambda a: a * 1.5, "leaf": lambda a: a, "constant": lambda a: a.detach() * 2}


def leaves():
    a = torch.tensor([[0.7, -0.3]], dtype=torch.float64, requires_grad=True)
    return a, torch.tensor([1.3], dtype=torch.float64, requires_grad=True)


def seen(call, leaves, watched=()):
    """Return what a call gives, who requires grad, and the grads; the message of an error."""
    for each in leaves:
        each.grad = None
    try:
        found = call()
        ys = found if isinstance(found, tuple) else (found,)
        facts = [(y.tolist(), y.requires_grad) for y in (*ys, *watched)]
        if any(y.requires_grad for y in ys):
            sum(y.square().sum() for y in ys if y.requires_grad).backward()
    except RuntimeError as error:
        return str(error)[:60]
    return facts, [None if each.grad is None else each.grad.flatten().tolist() for each in leaves]


def same(a, b):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == pytest.approx(b, 1e-12) if isinstance(a, float) and isinstance(b, float) else a == b


@pytest.mark.parametrize("way", WAYS)
def test_tensors_made_over_the_memory_of_another_are_written(way):
    for write, use, start in itertools.product(WRITES.values(), USES.values(), STARTS.values()):

        def function(a, w, write=write, use=use, start=start):
            x = start(a)
            d = WAYS[way](x)
            write(d, w)
            return use(x, d, w)

        agree(function, [leaves(), leaves()])


def agree(function, given):
    """Hold three calls compiled against eager ones."""
    compiled = compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            wanted, found = (
                seen(lambda f=f, args=args: f(*args), args) for f, args in zip((function, compiled), given, strict=True)
            )
            assert same(wanted, found)
    return compiled


PASSED = {
    "both given": (lambda write, use, x, d, w: lambda x, d, w: (write(d, w), use(x, d, w))[1], (0, 1, 2)),
    "both outside": (lambda write, use, x, d, w: lambda: (write(d, w), use(x, d, w))[1], ()),
    "the first outside": (lambda write, use, x, d, w: lambda d, w: (write(d, w), use(x, d, w))[1], (1, 2)),
    "the second outside": (lambda write, use, x, d, w: lambda x, w: (write(d, w), use(x, d, w))[1], (0, 2)),
}


@pytest.mark.parametrize("passed", PASSED)
@pytest.mark.parametrize("way", [way for way in WAYS if way != "view without history"])
def test_tensors_over_the_memory_of_another_come_from_outside(way, passed):
    make, places = PASSED[passed]
    for write, use, start in itertools.product(WRITES.values(), USES.values(), STARTS.values()):
        found = []
        for wrap in (lambda f: f, compile):
            a, w = leaves()
            x = start(a)
            d = WAYS[way](x)
            function = wrap(make(write, use, x, d, w))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                given = [(x, d, w)[place] for place in places]
                found.append([seen(lambda f=function, g=given: f(*g), (a, w), (x, d)) for _ in range(2)])
        assert same(*found)


def weights():
    return torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)


def weights_that_are_a_view():
    return torch.arange(1.0, 5.0, dtype=torch.float64).reshape(2, 2).requires_grad_()


@pytest.mark.parametrize("make", [weights, weights_that_are_a_view])
@pytest.mark.parametrize("second", ["itself", "detach", "part", "part of detach", "view of detach", "another"])
@pytest.mark.parametrize("turned", [False, True])
def test_an_argument_may_be_memory_that_is_reached_otherwise(second, turned, make):
    x = make()
    ways = {
        "itself": x,
        "detach": x.detach(),
        "part": x[:1],
        "part of detach": x.detach()[:1],
        "view of detach": x.detach().view(2, 2),
        "another": weights(),
    }
    known = ways[second]
    function = (lambda a: (known * a).sum()) if turned else (lambda a: (a * known).sum() + known.sum())
    compiled = compile(function)
    same_one, double, product = lambda: x, lambda: weights() * 2, lambda: weights() * x.detach()
    constant, leaf, apart = lambda: x.detach().clone() * 3, weights, lambda: x.detach()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for other in (same_one, same_one, constant, same_one, double, product, leaf, apart, apart, same_one):
            given = other(), other()
            wanted, found = (seen(lambda f=f, a=a: f(a), (x,)) for f, a in zip((function, compiled), given, strict=True))
            assert same(wanted, found)


@pytest.mark.parametrize("make", [weights, weights_that_are_a_view])
@pytest.mark.parametrize("turned", [False, True])
def test_tensors_of_one_memory_have_their_own_history_each(turned, make):
    x = make()
    d, leaf = x.detach(), x.detach().requires_grad_()
    for other in (d, leaf):
        function = (lambda d=other: (d * x).sum()) if turned else (lambda d=other: (x * d).sum())
        compiled = compile(function)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(3):
                wanted, found = (seen(f, (x, leaf)) for f in (function, compiled))
                assert same(wanted, found)


READS = {
    "all": lambda x: (x * x).sum(),
    "a part": lambda x: (x[0] * x[1]).sum(),
    "updated": lambda x: updated(x),
    "both": lambda x: (x.sin().sum(), x.detach().cos() * x),
}


def updated(x):
    with torch.no_grad():
        x.sub_(0.125)
    return (x * x).sum()


@pytest.mark.parametrize("read", READS)
def test_views_that_require_grad_themselves_lead_to_themselves(read):
    found = []
    for wrap in (lambda f: f, compile):
        x, y = weights_that_are_a_view(), weights_that_are_a_view()
        part = y[1:]
        function = wrap(lambda x=x: READS[read](x))
        parts = wrap(lambda part=part: (part * part).sum() + part.sum())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found.append([(seen(function, (x,)), seen(parts, (y,))) for _ in range(3)])
    assert same(*found)
