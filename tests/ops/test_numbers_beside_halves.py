"""Numbers beside tensors of half precision are not rounded before products, quotients and the like compute."""

import numpy as np
import pytest

import lineal as torch
from lineal.nn import functional as F

HALVES = (torch.float16, torch.bfloat16)
OPS = {
    "x * c": lambda x, c: x * c,
    "c / x": lambda x, c: c / x,
    "x / c": lambda x, c: x / c,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "lerp": lambda x, c: torch.lerp(x, x.flip(0), c),
    "addcdiv": lambda x, c: torch.addcdiv(x, x, x + 2, value=c),
}


def halves(dtype, n=40):
    torch.manual_seed(0)
    return (torch.rand(n) + 0.5).to(dtype)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", OPS)
def test_the_result_is_the_wide_one_rounded(name, dtype):
    x, plus = halves(dtype), OPS[name]
    for c in (0.1, 1000.3, 257):
        y = plus(x, c)
        assert y.dtype is dtype
        wanted = plus(x.float(), c).to(dtype)
        if name == "addcdiv":
            wanted = torch.addcdiv(x.float(), x.float(), (x + 2).float(), value=c).to(dtype)
        np.testing.assert_array_equal(y.float(), wanted.float(), err_msg=str(c))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", OPS)
def test_compiled_and_batched_alike(name, dtype):
    x, plus = halves(dtype), OPS[name]
    once = torch.compile(lambda x: plus(x, 0.1))
    for _ in range(3):
        np.testing.assert_array_equal(once(x).float(), plus(x, 0.1).float())
    rows = x.reshape(4, 10)
    got = torch.func.vmap(lambda row: plus(row, 0.1))(rows)
    np.testing.assert_array_equal(got.float(), torch.stack([plus(row, 0.1) for row in rows]).float())


@pytest.mark.parametrize("dtype", HALVES)
def test_derivatives_are_of_the_same_dtype(dtype):
    x = halves(dtype).requires_grad_()
    (g,) = torch.autograd.grad(((x * 0.1) ** 2).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert g.dtype is h.dtype is dtype
    np.testing.assert_allclose(h.float(), np.full(40, 0.02, np.float32), rtol=0.02)
    assert (x * 0.1).grad_fn.name() == "MulBackward0" and (x / 3).grad_fn.name() == "DivBackward0"


def test_a_hot_op_does_the_same():
    x = halves(torch.float16)
    first = (x * 1000.3).float()
    for _ in range(3000):
        y = x * 1000.3
    np.testing.assert_array_equal(y.float(), first)


def test_what_overflows_half_precision_alone_does_not():
    x = torch.full((3,), 2.0, dtype=torch.float16)
    assert (x * 1e5 / 1e5).isinf().all() and (x / 1e5).float().allclose(torch.full((3,), 2e-5), rtol=2e-2)
    assert (x.mul(1e-8) == 0).all() and (x * torch.tensor(70000.0) * 0).isnan().all()


def test_out_and_writes():
    x = halves(torch.bfloat16)
    out = torch.empty_like(x)
    assert torch.mul(x, 0.1, out=out) is out
    y = x.clone()
    y *= 0.1
    np.testing.assert_array_equal(out.float(), y.float())
