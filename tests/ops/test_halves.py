"""Half precisions: one number for each operand, whoever computes it and however many there are."""

from __future__ import annotations

import numpy as np
import pytest

import lineal as torch
from lineal.nn import functional as F

UNARY = [torch.neg, torch.abs, torch.sqrt, torch.exp, torch.relu, torch.tanh]
BINARY = [torch.add, torch.sub, torch.mul, torch.true_divide, torch.maximum, torch.lt]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_elementwise_ops_of_many_and_of_few_are_the_same(dtype):
    rng = np.random.default_rng(3)
    a, b = (torch.tensor(rng.standard_normal(1500).astype(np.float32) * 10).to(dtype) for _ in range(2))
    for op in UNARY:
        many, few = op(a), torch.cat([op(part) for part in a.split(500)])
        assert torch.equal(torch.nan_to_num(many), torch.nan_to_num(few)), op.__name__
    for op in BINARY:
        assert torch.equal(op(a, b), torch.cat([op(x, y) for x, y in zip(a.split(500), b.split(500))])), op.__name__


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_conversions_of_many_and_of_few_are_the_same(dtype):
    ends = [np.nan, np.inf, -np.inf, 65504, 65519.99, 65520, 6e-8, 2.98e-8, -0.0]
    x = torch.tensor(np.concatenate([np.random.default_rng(4).standard_normal(2000) * 1e3, ends]).astype(np.float32))
    many = x.to(dtype)
    few = torch.cat([part.to(dtype) for part in x.split(250)])
    assert torch.equal(many.view(torch.int16)[many == many], few.view(torch.int16)[few == few])
    back = many.to(torch.float32)
    assert torch.equal(back[back == back], torch.cat([part.float() for part in few.split(250)])[back == back])
    assert many.reshape(7, 287).t().to(torch.float32).stride() == many.reshape(7, 287).t().stride()


MEANS = {
    "mean": torch.mean,
    "mean of a column": lambda x: x.view(-1, 1).mean(0),
    "nanmean": torch.nanmean,
    "mse_loss": lambda x: F.mse_loss(x, torch.zeros_like(x)),
    "kl_div": lambda x: F.kl_div(x.view(-1, 1), torch.full_like(x.view(-1, 1), 0.5), reduction="batchmean"),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x.view(1, 1, 200, -1), 1),
}


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("compiled", [False, True])
def test_means_of_more_numbers_than_float16_counts(name, compiled):
    x = torch.tensor(np.random.default_rng(5).random(70000, np.float32)).half()
    op = torch.compile(MEANS[name]) if compiled else MEANS[name]
    made = []
    for each in (x.clone(), x.float()):
        y = op(each.requires_grad_())
        (y * 1024).sum().backward()
        made.append((y.detach().float(), each.grad.float()))
    for half, single in zip(*made):
        torch.testing.assert_close(half, single, rtol=6e-3, atol=1e-4)


@pytest.mark.parametrize("spread", [torch.var, torch.std])
def test_derivatives_of_spreads_of_many_numbers_keep_their_digits(spread):
    x = torch.arange(70_000.0) % 97 / 97
    found = []
    for dtype in (torch.float16, torch.float64):
        y = x.half().to(dtype).requires_grad_()
        (spread(y) * 8192).backward()
        found.append(y.grad.double())
    assert ((found[0] - found[1]).abs() <= 2e-3 * found[1].abs() + 1e-5).all()
