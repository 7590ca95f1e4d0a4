"""Derivatives that exist are found where what leads to them could leave the range: float32 at 1e±30 against float64."""

import numpy as np
import pytest

import lineal as torch
import lineal.nn.functional as F

SCALES = [1e-38, 1e-30, 1e-20, 1e-10, 1.0, 1e10, 1e18, 1e20, 1e30]
CASES = {
    "atan2": (2, torch.atan2),
    "hypot": (2, torch.hypot),
    "div": (2, torch.div),
    "sinc": (1, torch.sinc),
    "asinh": (1, torch.asinh),
    "norm": (1, lambda x: x.norm()),
    "norm by rows": (1, lambda x: torch.linalg.vector_norm(x.reshape(2, 3), 2, 1)),
    "3-norm": (1, lambda x: torch.linalg.vector_norm(x, 3)),
    "1.5-norm": (1, lambda x: torch.linalg.vector_norm(x, 1.5)),
    "dist": (2, torch.dist),
    "cdist": (2, lambda a, b: torch.cdist(a.reshape(2, 3), b.reshape(2, 3))),
    "prod": (1, torch.prod),
    "cumprod": (1, lambda x: torch.cumprod(x, 0)),
    "logaddexp": (2, torch.logaddexp),
    "softplus": (1, F.softplus),
    "logits": (1, lambda x: F.binary_cross_entropy_with_logits(x, torch.zeros_like(x), reduction="none")),
}


def drawn(count, scale, mixed):
    generator = np.random.default_rng(0)
    arrays = []
    for _ in range(count):
        x = generator.uniform(0.5, 2, 6) * np.where(generator.random(6) < 0.5, -1, 1)
        arrays.append((x * np.where(generator.random(6) < 0.5, scale, 1 / scale) if mixed else x * scale).astype(np.float32))
    return arrays


def slopes(function, arrays, compiled=False):
    def derivative(*xs):
        return torch.autograd.grad(function(*xs).sum(), xs)

    run = torch.compile(derivative) if compiled else derivative
    for _ in range(2 if compiled else 1):
        found = run(*[torch.from_numpy(x).requires_grad_() for x in arrays])
    return [each.numpy() for each in found]


def compared(found, wanted):
    limits = np.finfo(np.float32)
    for one, other in zip(found, wanted):
        known = np.abs(other) < limits.max / 4
        with np.errstate(all="ignore"):
            near = np.abs(one - other) <= 1e-3 * np.abs(other) + 1e-6 * np.abs(other[known]).max(initial=0)
        small = (np.abs(other) < limits.tiny * 1e3) & (np.abs(one) < limits.tiny * 1e4)
        assert (near | small | ~known).all(), (one, other)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", sorted(CASES))
def test_first_derivatives(name, mixed):
    count, function = CASES[name]
    for scale in SCALES:
        # single precision knows nothing of the angle of large numbers
        if (scale > 1 and (mixed or name == "sinc")) or (mixed and name == "sinc"):
            continue
        arrays = drawn(count, scale, mixed)
        wanted = slopes(function, [x.astype(np.float64) for x in arrays])
        if np.isfinite(function(*[torch.from_numpy(x) for x in arrays]).numpy()).all():
            compared(slopes(function, arrays), wanted)


@pytest.mark.parametrize("name", ["atan2", "sinc", "prod", "cumprod", "logits", "dist"])
def test_programs_find_them_too(name):
    count, function = CASES[name]
    for scale in (1e-30, 1.0, 1e10):
        arrays = drawn(count, scale, False)
        compared(slopes(function, arrays, compiled=True), slopes(function, arrays))


@pytest.mark.parametrize("exponent", [-200, -160, 160, 200])
def test_double_precision_by_homogeneity(exponent):
    scale, generator = 10.0**exponent, np.random.default_rng(0)
    a, b = generator.normal(size=(2, 5))
    degree = {"atan2": 0, "hypot": 1, "norm": 1, "3-norm": 1, "1.5-norm": 1, "dist": 1}
    for name, k in degree.items():
        count, function = CASES[name]
        for one, other in zip(slopes(function, (a * scale, b * scale)[:count]), slopes(function, (a, b)[:count])):
            np.testing.assert_allclose(one * scale ** (1 - k), other, rtol=1e-12, err_msg=name)


def test_products_of_mixed_scales_and_zeros():
    for rows in ([1e30, 1e30, 1e-30, 1e-30], [1e-30, 1e-30, 1e30, 1e30, 0.0], [0.0, 1e30, 0.0, 1e30], [1e-200, 1e200, 3.0]):
        x = torch.tensor(rows, dtype=torch.float32 if max(rows) < 1e38 else torch.float64).requires_grad_()
        wanted = [float(np.prod([np.longdouble(y) for j, y in enumerate(rows) if j != i])) for i in range(len(rows))]
        (got,) = torch.autograd.grad(x.prod(), x)
        np.testing.assert_allclose(got.numpy(), np.array(wanted), rtol=1e-5)


def test_second_derivatives():
    mpmath = pytest.importorskip("mpmath")
    for x in (0.0, 1e-300, 1e-30, 1e-5, 0.3, 0.9, 1.1, 5.0, 40.0):
        t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        (first,) = torch.autograd.grad(torch.sinc(t), t, create_graph=True)
        (second,) = torch.autograd.grad(first, t, create_graph=True)
        (third,) = torch.autograd.grad(second, t)
        with mpmath.workdps(60):
            found = [mpmath.diff(lambda y: mpmath.sinc(mpmath.pi * y), x, k) for k in (1, 2, 3)]
        for k, (got, wanted) in enumerate(zip((first, second, third), found)):
            # odd derivatives near 0 are as small as x, which mpmath's differences do not see
            wanted = float(wanted) if x >= 1e-9 or k == 1 else (-(np.pi**2) / 3 if k == 0 else np.pi**4 / 5) * x
            assert float(got) == pytest.approx(wanted, rel=1e-11, abs=1e-12 if x >= 1e-9 else 0), (x, k)


def test_boundaries():
    zero = torch.tensor(0.0, dtype=torch.float64)
    for a, b, by_b in ((0.0, 0.0, 0.0), (0.0, 2.0, 0.0), (3.0, 2.0, 1.5)):
        b = torch.tensor(b, dtype=torch.float64, requires_grad=True)
        (first,) = torch.autograd.grad(torch.xlogy(zero + a, b), b, create_graph=True)
        (second,) = torch.autograd.grad(first, b)
        assert float(first) == by_b and float(second) == (-a / 4 if a else 0)
    x = torch.tensor(1 - 2.0**-40, dtype=torch.float64, requires_grad=True)
    for function, wanted in ((torch.asin, 2.0**20 / np.sqrt(2 - 2.0**-40)), (torch.atanh, 2.0**40 / (2 - 2.0**-40))):
        assert float(torch.autograd.grad(function(x), x)[0]) == pytest.approx(wanted, rel=1e-14)
    x = torch.tensor([80.0, -80.0, 1e20, -1e20], requires_grad=True)
    (first,) = torch.autograd.grad(CASES["logits"][1](x).sum(), x, create_graph=True)
    assert torch.autograd.grad(first.sum(), x)[0].tolist() == pytest.approx([0, 0, 0, 0], abs=1e-30)
