"""Programs compute with half precisions as eager code does: rounded once for each op, with sums in float32."""

from __future__ import annotations

import operator
import pathlib
import sys

import numpy as np
import pytest

import lineal as torch
from lineal import ops
from lineal.base import tree
from lineal.base.dtypes import NARROW
from lineal.compiler import checking
from lineal.core import AbstractTensor, gradients, lift
from lineal.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "ops"))

from samples import SAMPLES

HALVES = (torch.float16, torch.bfloat16)
NAMES = """
add mul div lerp exp log1p pow sigmoid relu where clamp cat stack split constant_pad_nd tril flip gather index_select
index_put masked_fill scatter_add sum mean prod var softmax log_softmax cumsum amax argmax sort topk matmul bmm linear einsum
conv2d conv_transpose1d
""".split()
"""Of each kind of rule a few; all samples pass."""


def programs_of(compiled):
    return [each for several in compiled.programs.values() for each in several]


def hosts(compiled):
    """Return the ops that programs leave to the host."""
    nodes = [node for each in programs_of(compiled) for node in each.schedule.nodes]
    return {type(node.op).__name__ for node in nodes if type(node).__name__ == "Host"}


def numbers(results):
    return [each.detach().to(torch.float64).numpy() for each in tree.leaves(results) if isinstance(each, AbstractTensor)]


def compared(function, args):
    """Return a function compiled, after its results were those of eager code but for the order of sums."""
    compiled, wanted = torch.compile(function), function(*args)
    for _ in range(3):
        found = compiled(*args)
    for got, exact, y in zip(numbers(found), numbers(wanted), tree.leaves(wanted)):
        size = np.abs(exact[np.isfinite(exact)]).max(initial=0.0)
        eps = torch.finfo(y.dtype).eps if y.dtype.is_floating_point else 0.0
        np.testing.assert_allclose(got, exact, rtol=0, atol=eps * size)
    return compiled


@pytest.mark.slow
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_samples_give_what_they_give_in_eager_code(name, dtype):
    function = operator.attrgetter(name)(torch if "." in name else ops)
    sample = next(each for each in SAMPLES[name] if any(x.dtype.kind == "f" for x in each.arrays()))

    def run(*xs):
        xs = [x.detach().requires_grad_(x.dtype.is_floating_point and sample.derivative > 0) for x in xs]
        ys = [y for y in tree.leaves(sample.call(function, list(xs))) if isinstance(y, AbstractTensor)]
        live, wanted = [y for y in ys if y.requires_grad], [x for x in xs if x.requires_grad]
        gs = [torch.cos(torch.arange(y.numel(), dtype=torch.float32)).reshape(y.shape).to(y.dtype) for y in live]
        found = gradients(live, wanted, gs, None, False, True) if live else []
        return [y.detach() for y in ys], [g for g in found if g is not None]

    args = [lift(each).to(dtype) if each.dtype.kind == "f" else lift(each) for each in sample.arrays()]
    compiled = compared(run, args)
    assert compiled.eager is None and not hosts(compiled)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize(
    "shapes", [((96, 64), (128, 64)), ((3, 40, 64), (128, 64)), ((1, 1024), (256, 1024)), ((70, 640), (70, 640))]
)
def test_large_products_take_narrow_factors_and_round_once_with_the_bias(shapes, dtype):
    torch.manual_seed(0)
    x, w = (torch.randn(*shape).to(dtype) for shape in shapes)
    b = torch.randn(w.shape[0]).to(dtype)
    compiled = compared(lambda x, w, b: functional.gelu(functional.linear(x, w, b)), (x, w, b))
    (product,) = [node for each in programs_of(compiled) for node in each.schedule.nodes if type(node).__name__ == "Product"]
    assert product.a.buffer.dtype in NARROW and product.out.dtype == np.float32 and not hosts(compiled)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_convolutions_and_their_gradients_take_narrow_factors(dtype):
    torch.manual_seed(0)
    x, w, b = torch.randn(4, 8, 12, 12).to(dtype), torch.randn(16, 8, 3, 3).to(dtype), torch.randn(16).to(dtype)

    def step(x, w, b):
        x, w, b = (each.detach().requires_grad_() for each in (x, w, b))
        y = functional.conv2d(x, w, b, padding=1).relu()
        return y, gradients([y], [x, w, b], [y.detach()])

    compiled = compared(step, (x, w, b))
    nodes = [node for each in programs_of(compiled) for node in each.schedule.nodes if type(node).__name__ == "Convolve"]
    assert {node.x.buffer.dtype for node in nodes} <= NARROW and nodes and not hosts(compiled)


def test_a_chain_is_rounded_after_each_op_in_one_loop():
    x = torch.linspace(-3, 3, 1000).to(torch.bfloat16)
    compiled = torch.compile(lambda x: (x * 1.1 + 0.3).exp() - x)
    for _ in range(3):
        y = compiled(x)
    assert torch.equal(y, (x * 1.1 + 0.3).exp() - x)
    assert len(programs_of(compiled)[0].schedule.groups) == 1


def test_programs_follow_the_setting_of_products_of_bfloat16():
    x = torch.full((128, 128), 2.0**-70).to(torch.bfloat16)
    compiled = torch.compile(lambda x: x @ x)
    for _ in range(3):
        compiled(x)
    before = torch.get_bfloat16_products()
    try:
        torch.set_bfloat16_products("exact")
        assert torch.equal(compiled(x), x @ x) and (x @ x)[0, 0].item() == 2.0**-133
        assert torch.equal(compiled(x), x @ x)
    finally:
        torch.set_bfloat16_products(before)
    assert torch.equal(compiled(x), x @ x)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_the_checking_build_finds_the_loops_to_be_what_they_mean(dtype):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(48, 96), torch.nn.GELU(), torch.nn.LayerNorm(96), torch.nn.Linear(96, 8))
    x, y = torch.randn(64, 48), torch.arange(64) % 8

    def step(x, y):
        with torch.autocast("cpu", dtype=dtype):
            loss = functional.cross_entropy(model(x), y)
        return loss, *torch.autograd.grad(loss, list(model.parameters()))

    with checking():
        compiled = torch.compile(step)
        for _ in range(3):
            compiled(x, y)
    assert compiled.eager is None and not hosts(compiled)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_large_arrays_in_eager_code_are_computed_as_small_ones_are(dtype):
    torch.manual_seed(0)
    x, y = torch.randn(8192).to(dtype), torch.randn(8192).to(dtype)
    x[:8] = torch.tensor([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-7, -6e4, 6e4]).to(dtype)
    for function in (functional.silu, functional.gelu, torch.exp, torch.add, torch.logaddexp, torch.lt, torch.minimum):
        args = (x, y) if function in (torch.add, torch.logaddexp, torch.lt, torch.minimum) else (x,)
        found = function(*args)
        parts = torch.cat([function(*[each[start : start + 64] for each in args]) for start in range(0, 8192, 64)])
        assert found.dtype is parts.dtype
        np.testing.assert_allclose(found.double().numpy(), parts.double().numpy(), rtol=2 * torch.finfo(dtype).eps, atol=1e-6)
    rows = y.reshape(64, 128)
    for function in (torch.sum, torch.mean, torch.amax):
        found, wide = function(rows, dim=1), function(rows.double(), dim=1)
        assert found.dtype is dtype
        np.testing.assert_allclose(found.double().numpy(), wide.numpy(), rtol=torch.finfo(dtype).eps, atol=1e-6)
