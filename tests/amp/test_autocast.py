"""Autocast: the dtypes that come, its state, the weights that are kept; backward passes, programs and batches follow."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

import lineal as torch
from lineal import nn
from lineal.nn import functional
from lineal.ops.autocasting import cache
from lineal.utils.checkpoint import checkpoint

BF16, F16, F32, F64 = torch.bfloat16, torch.float16, torch.float32, torch.float64


def net(width=8):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, 3))


def dtypes_of(function):
    """Return the dtype that a function gives within autocast of each input dtype."""
    x, found = torch.randn(4, 4), []
    for dtype in (F32, BF16, F64):
        with torch.autocast("cpu"):
            found.append(function(x.to(dtype)).dtype)
    return found


def test_products_are_narrow_losses_wide_and_the_rest_as_it_comes():
    assert dtypes_of(lambda x: x @ x) == [BF16, BF16, F64]
    assert dtypes_of(lambda x: functional.linear(x, x)) == [BF16, BF16, F64]
    assert dtypes_of(lambda x: functional.mse_loss(x, x)) == [F32, F32, F64]
    assert dtypes_of(lambda x: x.softmax(-1)) == [F32, BF16, F64]
    assert dtypes_of(lambda x: torch.cat([x, torch.ones(4, 4)])) == [F32, F32, F64]
    assert dtypes_of(lambda x: torch.cat([x, torch.ones(4, 4, dtype=BF16)])) == [F32, BF16, F64]


def test_another_half_precision_may_be_asked_for_and_must_not_be_mixed():
    x = torch.randn(4, 4)
    with torch.autocast("cpu", dtype=F16):
        assert (x @ x).dtype == F16
        with pytest.raises(RuntimeError, match=r"bfloat16, torch\.float32 are put together in autocast to torch\.float16"):
            torch.cat([x, x.to(BF16)])


def test_a_result_that_is_written_to_is_left_alone():
    x, out = torch.randn(4, 4), torch.zeros(4, 4)
    with torch.autocast("cpu"):
        torch.mm(x, x, out=out)
        torch.prod(x.to(BF16), 1, out=torch.zeros(4, dtype=BF16))
    assert torch.equal(out, x @ x)


def test_autocasts_may_be_nested_and_turned_off():
    x = torch.randn(4, 4)
    with torch.autocast("cpu") as outer:
        assert outer.fast_dtype is BF16 and torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled()
        with torch.autocast("cpu", enabled=False):
            assert (x @ x).dtype is F32 and not torch.is_autocast_cpu_enabled()
        with torch.autocast("cpu", dtype=F16):
            assert (x @ x).dtype is F16 and torch.get_autocast_dtype("cpu") is F16
        assert (x @ x).dtype is BF16
    assert (x @ x).dtype is F32 and torch.get_autocast_cpu_dtype() is BF16


def test_an_error_leaves_the_state_as_it_was():
    with pytest.raises(RuntimeError, match="cannot be multiplied"), torch.autocast("cpu"):
        torch.randn(2, 3) @ torch.randn(2, 3)
    with torch.autocast("cpu"):
        with pytest.raises(ValueError):
            functional.nll_loss(torch.randn(2, 3), torch.tensor([0]))
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")


def test_a_function_may_be_decorated_and_a_state_set_by_hand():
    @torch.autocast("cpu")
    def product(x):
        return x @ x

    x = torch.randn(4, 4)
    assert product(x).dtype is BF16 and product.__name__ == "product"
    torch.set_autocast_enabled("cpu", True)
    torch.set_autocast_dtype("cpu", F16)
    try:
        assert (x @ x).dtype is F16
    finally:
        torch.set_autocast_dtype("cpu", BF16)
        torch.set_autocast_enabled("cpu", False)
    assert (x @ x).dtype is F32


def test_threads_begin_without_and_tasks_keep_their_own():
    x, found = torch.randn(4, 4), []

    async def task(enabled):
        with torch.autocast("cpu", enabled=enabled):
            await asyncio.sleep(0)
            return (x @ x).dtype

    async def both():
        return await asyncio.gather(task(True), task(False))

    with torch.autocast("cpu"):
        thread = threading.Thread(target=lambda: found.append((x @ x).dtype))
        thread.start()
        thread.join()
    assert found == [F32] and asyncio.run(both()) == [BF16, F32]


def test_what_cannot_be_is_refused_or_warned_of():
    with pytest.raises(RuntimeError, match="unsupported autocast device_type 'meta'"):
        torch.autocast("meta")
    with pytest.raises(ValueError, match="device_type of type str"):
        torch.autocast(F32)
    with pytest.raises(TypeError, match="expected a function to decorate"):
        torch.autocast("cpu")(3)
    with pytest.warns(UserWarning, match=r"CUDA is not available\. Disabling"):
        assert not torch.autocast("cuda")._enabled
    with pytest.warns(UserWarning, match="float64 is not supported"), torch.autocast("cpu", dtype=F64):
        assert not torch.is_autocast_enabled("cpu")
    with pytest.warns(FutureWarning, match="torch.amp.autocast"), torch.cpu.amp.autocast():
        assert torch.is_autocast_enabled("cpu")


def test_grads_have_the_dtypes_of_their_leaves_and_the_numbers_of_rounded_ones():
    model, x = net(), torch.randn(5, 8)
    with torch.autocast("cpu"):
        loss = functional.cross_entropy(model(x), torch.tensor([0, 1, 2, 0, 1]))
    loss.backward()
    assert loss.dtype is F32 and {each.grad.dtype for each in model.parameters()} == {F32}
    narrow = [each.grad for each in model.parameters()]
    model.zero_grad()
    functional.cross_entropy(model(x), torch.tensor([0, 1, 2, 0, 1])).backward()
    for got, wanted in zip(narrow, (each.grad for each in model.parameters())):
        np.testing.assert_allclose(got.numpy(), wanted.numpy(), atol=0.03)


def test_a_weight_is_cast_once_and_again_when_it_has_been_written():
    model, x = nn.Linear(4, 4), torch.randn(2, 4)
    with torch.autocast("cpu"):
        model(x)
        known = dict(cache.get().known)
        model(x)
        assert dict(cache.get().known) == known and len(known) == 2
        with torch.no_grad():
            model.weight.zero_()
            model.bias.zero_()
        assert torch.equal(model(x), torch.zeros(2, 4, dtype=BF16))
        torch.clear_autocast_cache()
        assert not cache.get().known
    assert cache.get() is None
    with torch.autocast("cpu", cache_enabled=False):
        model(x)
        assert cache.get() is None and not torch.is_autocast_cache_enabled()


def test_what_no_grad_has_cast_does_not_cut_the_history_off():
    model, x = nn.Linear(4, 4), torch.randn(2, 4)
    with torch.autocast("cpu"):
        with torch.no_grad():
            model(x)
        model(x).float().sum().backward()
    assert model.weight.grad is not None


def test_programs_are_for_the_autocast_that_holds():
    model, x = net(), torch.randn(5, 8)
    compiled = torch.compile(lambda x: model(x))
    for _ in range(2):
        for enabled in (False, True, True, False, True):
            with torch.autocast("cpu", enabled=enabled):
                got, wanted = compiled(x), model(x)
            assert got.dtype is wanted.dtype is (BF16 if enabled else F32)
            np.testing.assert_allclose(got.detach().float().numpy(), wanted.detach().float().numpy(), atol=0.02)
    assert compiled.eager is None and len([each for several in compiled.programs.values() for each in several]) == 2


def test_a_cast_weight_is_not_held_by_a_program():
    model, x = nn.Linear(4, 4), torch.randn(2, 4)
    compiled = torch.compile(lambda x: model(x))
    with torch.autocast("cpu"):
        for _ in range(3):
            model(x)
            assert torch.equal(compiled(x), model(x))
            with torch.no_grad():
                model.weight += 1


def test_transforms_cast_too():
    w, x = torch.randn(3, 4), torch.randn(5, 4)
    with torch.autocast("cpu"):
        batched = torch.vmap(lambda v: functional.linear(v, w))(x)
        single = torch.stack([functional.linear(each, w) for each in x])
        g = torch.func.grad(lambda w: functional.linear(x, w).float().sum())(w)
    assert batched.dtype is BF16 and torch.equal(batched, single)
    assert g.dtype is F32


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_what_is_computed_again_is_computed_as_before(use_reentrant):
    model, x = net(), torch.randn(5, 8, requires_grad=True)
    seen = []

    def forward(x):
        y = model(x)
        seen.append(y.dtype)
        return y

    with torch.autocast("cpu"):
        y = checkpoint(forward, x, use_reentrant=use_reentrant)
    y.float().sum().backward()
    again = [each.grad.clone() for each in model.parameters()]
    model.zero_grad()
    with torch.autocast("cpu"):
        model(x).float().sum().backward()
    assert set(seen) == {BF16}
    assert all(torch.equal(each.grad, wanted) for each, wanted in zip(model.parameters(), again))


def test_custom_functions_take_part():
    class Product(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu")
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            seen.append(torch.is_autocast_enabled("cpu"))
            return g.to(a.dtype) @ b.T, a.T @ g.to(a.dtype)

    class Wide(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=F32)
        def forward(ctx, a):
            seen.append((a.dtype, torch.is_autocast_enabled("cpu")))
            return a @ a

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g

    seen, a = [], torch.randn(3, 3, requires_grad=True)
    with torch.autocast("cpu"):
        y = Product.apply(a, a)
        z = Wide.apply(a.to(BF16))
    y.float().sum().backward()
    assert y.dtype is BF16 and z.dtype is F32 and seen == [(F32, False), True]


def test_autocast_is_available_for_the_devices_that_pytorch_has_it_for():
    assert torch.amp.is_autocast_available("cpu") and not torch.amp.is_autocast_available("meta")


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"enable_gqa": True}])
@pytest.mark.parametrize("size", [0, 3, 300])
def test_attention_is_narrow_eager_compiled_and_in_batches(options, size):
    torch.manual_seed(0)
    heads = 2 if "enable_gqa" in options else 4
    q, k, v = (torch.randn(2, each, size, 8, requires_grad=True) for each in (4, heads, heads))

    def attend(q, k, v):
        with torch.autocast("cpu"):
            return functional.scaled_dot_product_attention(q, k, v, **options)

    program, wide = torch.compile(attend), functional.scaled_dot_product_attention(q, k, v, **options)
    ways = [attend(q, k, v), program(q, k, v), program(q, k, v), torch.vmap(attend)(q, k, v)]
    grads = [torch.autograd.grad(y.float().square().sum(), (q, k, v)) for y in (wide, *ways)]
    for y, found in zip(ways, grads[1:]):
        assert y.dtype == BF16 and all(each.dtype == F32 for each in found)
        assert torch.allclose(y.float(), wide, atol=2e-2, rtol=2**-6)
        assert all(torch.allclose(*each, atol=6e-2, rtol=2**-5) for each in zip(found, grads[0]))
