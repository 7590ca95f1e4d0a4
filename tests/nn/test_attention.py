"""Attention against its formula: as one op, as ops, masked, and differentiated twice."""

import math

import numpy as np
import pytest

import lineal
import lineal.nn.functional as F
from lineal import nn
from lineal.codegen.attention import arrays
from lineal.nn import attention as attention_hints
from lineal.nn.attention import bias
from lineal.ops.contraction import attention
from lineal.testing import assert_close

rng = np.random.default_rng(0)
Q, K, V = (rng.normal(size=shape) for shape in ((2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 7)))
SEEN = rng.random((5, 6)) < 0.6
SEEN[2] = False
MASKS = {"none": None, "bool": SEEN, "numbers": rng.normal(size=(3, 5, 6)), "rows": SEEN[:, :1]}


def formula(q, k, v, seen=None, added=0.0, causal=False):
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1]) + added
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    e = np.exp(scores) * (1.0 if seen is None else seen)
    return e @ v / np.maximum(e.sum(-1, keepdims=True), 1e-300)


def tensors(*arrays, grad=False):
    return [lineal.tensor(each, requires_grad=grad) for each in arrays]


@pytest.mark.parametrize("name", MASKS)
def test_attention_is_its_formula(name):
    mask = MASKS[name]
    given = {} if mask is None else {"seen": mask} if mask.dtype == bool else {"added": mask}
    found = F.scaled_dot_product_attention(*tensors(Q, K, V), None if mask is None else lineal.tensor(mask))
    np.testing.assert_allclose(found.numpy(), formula(Q, K, V, **given), rtol=1e-10, atol=1e-12)


def test_causal_attention_is_aligned_at_the_first_query_and_key():
    found = F.scaled_dot_product_attention(*tensors(Q, K, V), is_causal=True)
    np.testing.assert_allclose(found.numpy(), formula(Q, K, V, causal=True), rtol=1e-10)
    one = F.scaled_dot_product_attention(*tensors(K, Q, Q), is_causal=True)
    np.testing.assert_allclose(one.numpy(), formula(K, Q, Q, causal=True), rtol=1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("most", [1, 12, 40, 1 << 20])
def test_tiles_of_all_sizes_give_the_same_numbers(monkeypatch, most, causal):
    monkeypatch.setattr(attention.tiles, "__defaults__", (most,))
    leaves = tensors(Q, K, V, grad=True)
    mask = None if causal else lineal.tensor(SEEN)
    weight = lineal.tensor(rng.normal(size=(2, 3, 5, 7)))
    (F.scaled_dot_product_attention(*leaves, mask, is_causal=causal) * weight).sum().backward()
    others = tensors(Q, K, V, grad=True)
    added = lineal.zeros(5, 6, dtype=lineal.float64)
    added = added.masked_fill(lineal.tensor(~np.tri(5, 6, dtype=bool) if causal else ~SEEN), -math.inf)
    p = attention.weights(others[0], others[1], added, 0.5, False)
    ((p @ others[2]) * weight).sum().backward()
    for leaf, other in zip(leaves, others):
        np.testing.assert_allclose(leaf.grad.numpy(), other.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": lineal.tensor(SEEN[:3, :2])}])
def test_derivatives_of_attention(options):
    small = [x[0, 0, :rows, :2] for x, rows in ((Q, 3), (K, 2), (V, 2))]
    leaves = tensors(*small, grad=True)
    function = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options)
    assert lineal.autograd.gradcheck(function, leaves)
    assert lineal.autograd.gradgradcheck(function, leaves)


def test_a_mask_of_numbers_has_a_derivative():
    mask = lineal.tensor(MASKS["numbers"][0, :2, :3], requires_grad=True)
    q, k, v = tensors(Q[0, 0, :2], K[0, 0, :3], V[0, 0, :3])
    assert lineal.autograd.gradcheck(lambda mask: F.scaled_dot_product_attention(q, k, v, mask), [mask])


def test_attention_compiled_and_mapped():
    function = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    xs = tensors(Q, K, V)
    expected = function(*xs)
    compiled = lineal.compile(function)
    for found in (compiled(*xs), compiled(*xs), lineal.vmap(function)(*xs)):
        lineal.testing.assert_close(found, expected)


LARGE = [rng.normal(size=(4, 140, 16)).astype(np.float32) for _ in range(4)]
HIDDEN = rng.random((140, 140)) < 0.4


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(arrays, "worth", lambda *given: True)


@pytest.mark.parametrize("mask", [None, ~HIDDEN, (HIDDEN * -1.0).astype(np.float32)], ids=["causal", "bool", "numbers"])
def test_large_attention_compiled_is_eager(mask, large):
    *leaves, weight = tensors(*LARGE)
    mask = None if mask is None else lineal.tensor(mask)

    def step(q, k, v, mask):
        return (F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None) * weight).sum()

    gradients = lineal.func.grad_and_value(step, (0, 1, 2))
    expected = gradients(*leaves, mask)
    with lineal.compiler.checking():
        compiled = lineal.compile(gradients)
        for _ in range(3):
            found = compiled(*leaves, mask)
    for one, other in zip(found[0], expected[0]):
        assert lineal.equal(one, other)
    lineal.testing.assert_close(found[1], expected[1])


def dropping(seed, **options):
    """Return an attention that drops weights, always the same ones."""

    def function(*factors):
        lineal.manual_seed(seed)
        return F.scaled_dot_product_attention(*factors, dropout_p=0.4, **options)

    return function


@pytest.mark.parametrize("options", [{"is_causal": True}, {"attn_mask": lineal.tensor(SEEN[:3, :2])}])
def test_derivatives_of_attention_that_drops_weights(options, large):
    leaves = tensors(*(x[0, 0, :rows, :2] for x, rows in ((Q, 3), (K, 2), (V, 2))), grad=True)
    assert lineal.autograd.gradcheck(dropping(1, **options), leaves)
    assert lineal.autograd.gradgradcheck(dropping(1, **options), leaves)


def test_attention_that_drops_weights_compiled_is_eager(large):
    *factors, weight = tensors(*LARGE)
    generator, found = lineal.default_generator, []

    def step(q, k, v):
        return (F.scaled_dot_product_attention(q, k, v, dropout_p=0.1, is_causal=True) * weight).sum()

    gradients = lineal.func.grad(step, (0, 1, 2))
    for function in (gradients, *[lineal.compile(gradients)] * 3):
        generator.manual_seed(7)
        found.append([*function(*factors), *function(*factors), generator.get_state()])
    for other in found[1:]:
        assert all(lineal.equal(x, y) for x, y in zip(found[0], other))
    assert not lineal.equal(*found[0][:6:3])


def test_checkpointed_attention_drops_the_same_weights(large):
    leaves, found = tensors(*LARGE[:3], grad=True), []
    for way in (dropping(2), lambda *xs: lineal.utils.checkpoint.checkpoint(dropping(2), *xs, use_reentrant=False)):
        y = way(*leaves)
        found.append([y, *lineal.autograd.grad(y.square().sum(), leaves)])
    assert all(lineal.equal(*each) for each in zip(*found))


def test_each_slice_drops_weights_of_its_own(large):
    q, k, v, _ = tensors(*LARGE)
    function = lineal.vmap(lambda v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.3), randomness="different")
    first, second = function(lineal.stack([v, v]))
    assert not lineal.equal(first, second)


@pytest.mark.parametrize("widths", [(256, 40), (24, 200)])
def test_wide_heads_are_made_by_tiles(widths, large):
    q, k, v, g = (rng.normal(size=(140, width)) for width in (widths[0], *widths, widths[1]))
    by_ops = lambda q, k, v: attention.weights(q, k, None, widths[0] ** -0.5, False) @ v
    found, wanted = [], []
    for way, made in ((F.scaled_dot_product_attention, found), (by_ops, wanted)):
        leaves = tensors(q, k, v, grad=True)
        y = way(*leaves)
        made += [y, *lineal.autograd.grad(y, leaves, lineal.tensor(g))]
    for one, other in zip(found, wanted):
        lineal.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_large_attention_mapped_is_a_stack(large):
    q, k, v, weight = tensors(*[np.stack([each, each[::-1]]) for each in LARGE])
    step = lambda q, k, v, weight: (F.scaled_dot_product_attention(q, k, v, is_causal=True) * weight).sum()
    gradients = lineal.func.grad(step, (0, 1, 2))
    for one, other in zip(lineal.vmap(gradients)(q, k, v, weight), gradients(q, k, v, weight)):
        lineal.testing.assert_close(one, other)


def test_second_derivatives_of_large_attention(large):
    q, k, v, weight = tensors(*[each.astype(np.float64) for each in LARGE])
    direction = lineal.tensor(rng.normal(size=q.shape))
    slope = lambda q, k, v: lineal.func.grad(lambda q: (F.scaled_dot_product_attention(q, k, v) * weight).square().sum())(q)
    found = lineal.func.grad(lambda q, k, v: (slope(q, k, v) * direction).sum(), (0, 1, 2))(q, k, v)
    step = 1e-5
    for place, by in enumerate(found):
        moved = [[x + way * step * direction if n == place else x for n, x in enumerate((q, k, v))] for way in (1, -1)]
        ahead, behind = ((slope(*each) * direction).sum() for each in moved)
        lineal.testing.assert_close((by * direction).sum(), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-5)


def test_half_precision_is_computed_in_single():
    narrow = [each.to(lineal.bfloat16) for each in tensors(Q, K, V)]
    found = F.scaled_dot_product_attention(*narrow)
    expected = F.scaled_dot_product_attention(*[each.float() for each in narrow])
    assert lineal.equal(found, expected.to(lineal.bfloat16))


def test_heads_are_shared():
    q, k, v = tensors(rng.normal(size=(1, 6, 3, 2)), rng.normal(size=(1, 2, 4, 2)), rng.normal(size=(1, 2, 4, 2)))
    found = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    expected = F.scaled_dot_product_attention(q, k.repeat_interleave(3, 1), v.repeat_interleave(3, 1))
    assert lineal.equal(found, expected)
    with pytest.raises(RuntimeError, match="must divide the number of heads in query, got 2 and 5"):
        F.scaled_dot_product_attention(q[:, :5], k, v, enable_gqa=True)


def test_nothing_to_attend_to():
    q, k, v = lineal.ones(2, 3, 4), lineal.ones(2, 0, 4), lineal.ones(2, 0, 5)
    assert F.scaled_dot_product_attention(q, k, v).tolist() == lineal.zeros(2, 3, 5).tolist()
    assert F.scaled_dot_product_attention(q[:, :0], q, q).shape == (2, 0, 4)


def test_attention_refuses_what_does_not_fit():
    q = lineal.ones(2, 3, 4)
    for options, message in [
        ({"attn_mask": lineal.ones(3, 3), "is_causal": True}, "should not be set when is_causal"),
        ({"attn_mask": lineal.ones(3, 3, dtype=lineal.float64)}, "Expected attn_mask dtype"),
        ({"attn_mask": lineal.ones(4, 3)}, r"broadcast"),
        ({"dropout_p": 1.5}, "between 0 and 1"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            F.scaled_dot_product_attention(q, q, q, **options)
    with pytest.raises(RuntimeError, match=r"\[2, 3, 4\], \[2, 3, 5\]"):
        F.scaled_dot_product_attention(q, lineal.ones(2, 3, 5), q)
    with pytest.raises(RuntimeError, match="at least 2 dimensional"):
        F.scaled_dot_product_attention(q[0, 0], q[0, 0], q[0, 0])


def test_heads_and_masks_of_a_layer():
    lineal.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = lineal.randn(3, 5, 4)
    padding = lineal.tensor([[False] * 5, [False] * 3 + [True] * 2, [True] + [False] * 4])
    y, p = layer(x, x, x, key_padding_mask=padding)
    assert y.shape == (3, 5, 4)
    assert lineal.equal(p == 0, padding[:, None].expand(3, 5, 5))
    without, nothing = layer(x, x, x, key_padding_mask=padding, need_weights=False)
    assert nothing is None
    lineal.testing.assert_close(without, y)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    hinted = layer(x, x, x, attn_mask=causal, is_causal=True, need_weights=False)[0]
    lineal.testing.assert_close(hinted, layer(x, x, x, attn_mask=causal)[0])
    alone = layer(x[0], x[0], x[0])[0]
    lineal.testing.assert_close(alone, layer(x, x, x)[0][0])


def test_a_transformer_learns_and_sees_nothing_ahead():
    lineal.manual_seed(0)
    model = nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, batch_first=True)
    source, target = lineal.randn(2, 4, 8), lineal.randn(2, 3, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    y = model(source, target, tgt_mask=mask, tgt_is_causal=True)
    changed = target.clone()
    changed[:, 2] += 1
    lineal.testing.assert_close(model(source, changed, tgt_mask=mask)[:, :2], y[:, :2])
    y.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_hints_are_kept_within_their_block():
    before = lineal.backends.cuda.math_sdp_enabled()
    with nn.attention.sdpa_kernel(nn.attention.SDPBackend.FLASH_ATTENTION):
        assert not lineal.backends.cuda.math_sdp_enabled()
    assert lineal.backends.cuda.math_sdp_enabled() == before


@pytest.mark.parametrize("sizes", [(3, 5), (5, 5), (5, 3)])
def test_causal_masks_of_both_corners(sizes):
    q, k, v = (lineal.randn(2, size, 4) for size in (sizes[0], sizes[1], sizes[1]))
    left = bias.causal_upper_left(*sizes)
    assert_close(F.scaled_dot_product_attention(q, k, v, left), F.scaled_dot_product_attention(q, k, v, is_causal=True))
    if sizes[0] <= sizes[1]:
        seen = lineal.ones(sizes).tril(sizes[1] - sizes[0]).bool()
        right = bias.causal_lower_right(*sizes)
        assert_close(F.scaled_dot_product_attention(q, k, v, right), F.scaled_dot_product_attention(q, k, v, seen))
    else:
        with pytest.warns(UserWarning, match="will produce NaNs"):
            bias.causal_lower_right(*sizes)


def test_implementations_are_activated_and_restored():
    heard = []

    class Handle:
        def remove(self):
            heard.append("removed")

    attention_hints.register_flash_attention_impl("own", register_fn=Handle)
    try:
        assert attention_hints.list_flash_attention_impls() == ["own"]
        attention_hints.activate_flash_attention_impl("own")
        assert attention_hints.current_flash_attention_impl() == "own"
        attention_hints.restore_flash_attention_impl()
        assert (heard, attention_hints.current_flash_attention_impl()) == (["removed"], None)
        with pytest.raises(ValueError, match="Unknown flash attention impl 'other'"):
            attention_hints.activate_flash_attention_impl("other")
        with pytest.warns(UserWarning, match="no other was activated"):
            attention_hints.restore_flash_attention_impl()
    finally:
        attention_hints.implementations.registered.clear()
