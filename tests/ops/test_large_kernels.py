"""Kernels that only large tensors have: held to what small ones, or derivatives that go on, are computed by."""

import numpy as np
import pytest

import lineal
import lineal.nn.functional as F
from lineal.base.config import LARGE_ARRAY
from lineal.codegen.productpulls import pulled
from lineal.ops.spatial import taps

RNG = np.random.default_rng(0)
WIDE = (260, 520)
"""A shape of more than LARGE_ARRAY elements."""


def leaf(x):
    return lineal.tensor(x, requires_grad=True)


def both_ways(function, *xs):
    """Return the gradients of a weighted sum, once as they come and once as they can be differentiated further."""
    found = []
    for further in (False, True):
        leaves = [leaf(x) for x in xs]
        y = function(*leaves)
        g = np.cos(np.arange(y.numel())).reshape(y.shape).astype(y.numpy(force=True).dtype)
        found.append(
            [each.numpy(force=True) for each in lineal.autograd.grad(y, leaves, lineal.tensor(g), create_graph=further)]
        )
    return found


def near(found, expected, rtol=1e-4):
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b[np.isfinite(b)]).max(initial=0))


FACTORS = {
    "moderate": RNG.uniform(0.7, 1.4, (70, 90)),
    "of both signs": RNG.standard_normal((70, 90)) * 1.5,
    "some zero": RNG.uniform(0.7, 1.4, (70, 90)) * (RNG.random((70, 90)) > 0.01),
    "overflowing": RNG.uniform(3, 9, (70, 90)),
    "underflowing": RNG.uniform(0.01, 0.1, (70, 90)),
}


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FACTORS)
def test_derivatives_of_products_by_division_are_those_by_recurrences(name, dtype, dim):
    x = FACTORS[name].astype(dtype)
    near(*both_ways(lambda x: lineal.prod(x, dim), x))
    near(*both_ways(lambda x: lineal.cumprod(x, dim), x))


def test_the_product_of_one_row_has_the_sizes_of_all_products_without_one_factor():
    x = RNG.uniform(0.9, 1.1, (60, 80)).astype("float32")
    near(*both_ways(lineal.prod, x))


@pytest.mark.parametrize("bad", [0.0, np.inf, np.nan])
def test_divisions_are_refused_where_they_mean_nothing(bad):
    x = np.ones((3, 40), "float32")
    assert pulled(x, x, 1) is not None
    x[1, 7] = bad
    assert pulled(x, x, 1) is None
    assert pulled(x, x, 0) is None


TERMS = {
    "nansum": (lambda x: lineal.nansum(x, 1), 1),
    "trapezoid": (lambda x: lineal.trapezoid(x, dx=0.5, dim=0), 1),
    "mse": (F.mse_loss, 2),
    "huber": (lambda a, b: F.huber_loss(a, b, delta=0.7), 2),
    "smooth l1": (lambda a, b: F.smooth_l1_loss(a, b, reduction="sum", beta=0.5), 2),
    "logits": (lambda a, b: F.binary_cross_entropy_with_logits(a, b.sigmoid()), 2),
    "chances": (lambda a, b: F.binary_cross_entropy(a.sigmoid(), b.sigmoid()), 2),
}


@pytest.mark.parametrize("name", TERMS)
def test_sums_of_terms_are_those_of_ops_one_after_the_other(name):
    function, count = TERMS[name]
    xs = [RNG.standard_normal((70, 80)) for _ in range(count)]
    if name == "nansum":
        xs[0][::3, ::5] = np.nan
    y = function(*map(lineal.tensor, xs))
    # a function that is listened to sees the ops
    listened = lineal.compile(function)
    np.testing.assert_allclose(y.numpy(), listened(*map(lineal.tensor, xs)).numpy(), rtol=1e-12)
    near(*both_ways(function, *xs), rtol=1e-12)


SLOPED = {
    "prelu": lambda x: F.prelu(x, lineal.tensor([0.2], dtype=lineal.float64)),
    "leaky_relu": F.leaky_relu,
    "hardtanh": F.hardtanh,
    "hardswish": F.hardswish,
    "softplus": lambda x: F.softplus(x, beta=2, threshold=3),
    "logsigmoid": F.logsigmoid,
}


@pytest.mark.parametrize("name", SLOPED)
def test_slopes_that_are_one_row_have_derivatives(name):
    x = leaf(RNG.standard_normal(12) * 3)
    assert lineal.autograd.gradcheck(SLOPED[name], (x,))
    assert lineal.autograd.gradgradcheck(SLOPED[name], (x,))


OVER = {
    "add_": lambda x, y: x.add_(y),
    "sub_": lambda x, y: x.sub_(y),
    "mul_ by a number": lambda x, y: x.mul_(3),
    "add_ to itself": lambda x, y: x.add_(x),
    "sub_ of the neighbour": lambda x, y: x[1:].sub_(x[:-1]),
    "a part": lambda x, y: x[100:].mul_(y[100:]),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64"])
@pytest.mark.parametrize("name", OVER)
def test_in_place_methods_write_what_small_tensors_would_have(name, dtype):
    x, y = (lineal.tensor(RNG.integers(-9, 10, (600, 300))).to(getattr(lineal, dtype)) for _ in range(2))
    assert x.numel() > LARGE_ARRAY
    kept, version = x.clone(), x._version
    OVER[name](x, y)
    columns = [(kept[:, n : n + 100].clone(), y[:, n : n + 100].clone()) for n in range(0, 300, 100)]
    for part, other in columns:
        OVER[name](part, other)
    assert lineal.equal(x, lineal.cat([part for part, _ in columns], 1))
    assert x._version == version + 1


def test_a_large_write_is_seen_by_who_kept_the_number_for_a_derivative():
    w, x = leaf(np.ones(WIDE, "float32")), lineal.ones(WIDE)
    y = w * x
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="leaf"):
        w.mul_(2)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    "made",
    [
        taps.linear(40, 73, None, False),
        taps.cubic(40, 31, None, True),
        taps.antialiased("bilinear", 40, 9, None, False),
        taps.antialiased("bicubic", 40, 9, None, False).transposed,
    ],
)
def test_taps_of_large_arrays_are_those_of_their_slices(made, axis):
    shape = [12, 9, 50]
    shape[axis] = made.size
    x = RNG.standard_normal(shape).astype("float32")
    moved = np.moveaxis(x, axis, 0)
    pieces = [made.apply(np, np.ascontiguousarray(moved[:, n]), 0) for n in range(moved.shape[1])]
    np.testing.assert_allclose(np.moveaxis(made.apply(np, x, axis), axis, 0), np.stack(pieces, 1), rtol=1e-5, atol=1e-6)


NORMS = {
    "layer": lambda x, w, b: F.layer_norm(x, (24,), w, b),
    "group": lambda x, w, b: F.group_norm(x, 6, w, b),
    "group, alone": lambda x, w, b: F.group_norm(x, 2),
    "batch": lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NORMS)
def test_normalisations_of_half_precisions_round_once(name, dtype):
    x, w, b = (lineal.tensor(RNG.standard_normal(shape)).to(getattr(lineal, dtype)) for shape in ((30, 24, 24), 24, 24))
    wide = [each.float().requires_grad_() for each in (x, w, b)]
    narrow = [each.requires_grad_() for each in (x, w, b)]
    eps = lineal.finfo(getattr(lineal, dtype)).eps
    ys = [NORMS[name](*each) for each in (narrow, wide)]
    np.testing.assert_allclose(ys[0].detach().float().numpy(), ys[1].detach().numpy(), rtol=eps, atol=eps / 16)
    g = lineal.tensor(RNG.standard_normal(ys[0].shape)).to(getattr(lineal, dtype))
    ys[0].backward(g)
    ys[1].backward(g.float())
    for a, b in zip(narrow, wide):
        if a.grad is not None:
            assert a.grad.dtype is a.dtype
            np.testing.assert_allclose(a.grad.float().numpy(), b.grad.numpy(), rtol=0, atol=8 * eps * float(b.grad.abs().max()))


def test_random_orders_are_permutations():
    y = lineal.randperm(5000).numpy()
    np.testing.assert_array_equal(np.sort(y), np.arange(5000))
    assert abs(np.corrcoef(y, np.arange(5000))[0, 1]) < 0.1
