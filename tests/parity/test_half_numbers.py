"""Numbers beside tensors of half precision: which of them are rounded before an op computes, as in PyTorch."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch")

NUMBERS = (2, 1000, 257, 70000, 1e5, 0.1, -3.3, 1e-3, 1e-8)
SAME = {
    "x * c": lambda t, x, c: x * c,
    "c * x": lambda t, x, c: c * x,
    "x / c": lambda t, x, c: x / c,
    "x // c": lambda t, x, c: x // c,
    "div, trunc": lambda t, x, c: t.div(x, c, rounding_mode="trunc"),
    "x % c": lambda t, x, c: x % c,
    "x + c": lambda t, x, c: x + c,
    "c - x": lambda t, x, c: c - x,
    "x < c": lambda t, x, c: x < c,
    "mul_": lambda t, x, c: x.clone().mul_(c),
    "div_": lambda t, x, c: x.clone().div_(c),
    "_foreach_mul": lambda t, x, c: t._foreach_mul([x], c)[0],
    "leaky_relu": lambda t, x, c: t.nn.functional.leaky_relu(x, c),
    "elu": lambda t, x, c: t.nn.functional.elu(x, c),
    "softplus": lambda t, x, c: t.nn.functional.softplus(x, c),
    "lerp": lambda t, x, c: t.lerp(x, x * 0.3, c),
    "addcmul": lambda t, x, c: t.addcmul(x, x, x, value=c),
    "addcdiv": lambda t, x, c: t.addcdiv(x, x, x + 1, value=c),
    "addmm": lambda t, x, c: t.addmm(x[:9].reshape(3, 3), x[:12].reshape(3, 4), x[:12].reshape(4, 3), beta=c, alpha=c),
    "grad of x * c": lambda t, x, c: t.autograd.grad((x.requires_grad_() * c).sum(), x)[0],
    "grad of x / c": lambda t, x, c: t.autograd.grad((x.requires_grad_() / c).sum(), x)[0],
}
NOT_LARGE = {
    "alpha": lambda t, x, c: t.sub(x, x * 0.3, alpha=c),
    "softshrink": lambda t, x, c: t.nn.functional.softshrink(x, abs(c)),
}
"""What PyTorch refuses beside a number beyond float16."""


def computed(t, function, dtype, c):
    given = np.random.default_rng(0).standard_normal(33).astype(np.float32) * 3
    y = function(t, t.tensor(given).to(getattr(t, dtype)), c)
    return str(y.dtype).rpartition(".")[2], np.asarray(y.detach().to(t.float64).numpy())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [*SAME, *NOT_LARGE])
def test_a_number(name, dtype):
    function = SAME.get(name) or NOT_LARGE[name]
    for c in NUMBERS:
        if name in NOT_LARGE and c > 65504:
            continue
        (wanted_dtype, wanted), (got_dtype, got) = (computed(t, function, dtype, c) for t in (torch, lineal))
        assert got_dtype == wanted_dtype
        # PyTorch's own float32 sums and exponentials may round another way where they lie between two halves
        limit = 0 if name not in ("alpha", "addmm", "softplus", "elu") else 2.0 ** (-7 if dtype == "bfloat16" else -10)
        np.testing.assert_allclose(got, wanted, rtol=limit, atol=1e-7 * bool(limit), err_msg=f"{name}, {c}")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("other", ["float64", "float32", "int64"])
@pytest.mark.parametrize("name", ["x * c", "x / c", "x // c", "c * x", "x + c", "mul_", "div_"])
def test_a_tensor_without_dimensions(name, other, dtype):
    for c in NUMBERS[:4] if other == "int64" else NUMBERS:
        made = lambda t, x, c: SAME[name](t, x, t.tensor(c, dtype=getattr(t, other)))
        (wanted_dtype, wanted), (got_dtype, got) = (computed(t, made, dtype, c) for t in (torch, lineal))
        assert got_dtype == wanted_dtype
        np.testing.assert_array_equal(got, wanted, err_msg=f"{name}, {c}")
