"""Attention with changed scores: as what is composed by hand, compiled, differentiated; blocks of masks."""

import pytest

import lineal
import lineal.nn.functional as F
from lineal.nn.attention import blocks as blocks_of
from lineal.nn.attention import flex_attention as flex
from lineal.testing import assert_close, gradcheck


def causal(b, h, q, k):
    return q >= k


def near(b, h, q, k):
    return (q - k).abs() <= 2


def leaning(score, b, h, q, k):
    return score + (k - q) * 0.1 * (h + 1)


def inputs(heads=2, keys=7):
    lineal.manual_seed(0)
    shapes = (2, 2, 6, 4), (2, heads, keys, 4), (2, heads, keys, 3)
    return [lineal.randn(shape, dtype=lineal.float64, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("mask", [None, causal, near, flex.and_masks(causal, near), flex.or_masks(causal, near)])
@pytest.mark.parametrize("heads", [1, 2])
def test_masks_are_those_of_scaled_dot_product_attention(mask, heads):
    q, k, v = inputs(heads)
    blocks = None if mask is None else flex.create_block_mask(mask, None, None, 6, 7, BLOCK_SIZE=2)
    seen = None if mask is None else flex.create_mask(mask, None, None, 6, 7)
    y = flex.flex_attention(q, k, v, block_mask=blocks, enable_gqa=heads == 1)
    assert_close(y, F.scaled_dot_product_attention(q, k, v, seen, enable_gqa=heads == 1))


def test_scores_that_are_changed():
    q, k, v = inputs()
    steps = lineal.arange(7) - lineal.arange(6)[:, None]
    added = steps * 0.1 * lineal.tensor([1.0, 2.0], dtype=lineal.float64)[:, None, None]
    y = flex.flex_attention(q, k, v, leaning)
    assert_close(y, F.scaled_dot_product_attention(q, k, v, added))
    blocks = flex.create_block_mask(causal, None, None, 3, 4, BLOCK_SIZE=2)
    few = tuple(x[:1, :1, :size] for x, size in ((q, 3), (k, 4), (v, 4)))
    assert gradcheck(lambda *xs: flex.flex_attention(*xs, leaning, blocks, 0.3), few)
    blocks = flex.create_block_mask(causal, 2, 2, 6, 7, BLOCK_SIZE=(2, 3))
    compiled = lineal.compile(lambda *xs: flex.flex_attention(*xs, leaning, blocks))
    for _ in range(3):
        assert_close(compiled(q, k, v), flex.flex_attention(q, k, v, leaning, blocks))


def test_what_comes_besides():
    q, k, v = inputs()
    blocks = flex.create_block_mask(lambda b, h, q, k: (q >= k) & (q != 2), None, None, 6, 7, BLOCK_SIZE=2)
    y, aux = flex.flex_attention(q, k, v, block_mask=blocks, return_aux=flex.AuxRequest(True, True))
    scores = (q @ k.mT / 2).masked_fill(~flex.create_mask(blocks.mask_mod, 1, 1, 6, 7), -lineal.inf)
    assert_close(aux.lse, scores.logsumexp(-1))
    assert_close(aux.max_scores, scores.amax(-1))
    assert y[:, :, 2].abs().max().item() == 0.0


def test_blocks():
    blocks = flex.create_block_mask(causal, 1, 2, 6, 6, BLOCK_SIZE=2)
    assert blocks.to_dense().tolist() == [[[[1, 0, 0], [1, 1, 0], [1, 1, 1]]] * 2]
    assert blocks.full_kv_num_blocks.tolist() == [[[0, 1, 2]] * 2]
    assert blocks.q_num_blocks.tolist() == [[[1, 1, 1]] * 2]
    assert blocks.sparsity() == pytest.approx(100 / 3)
    assert blocks[0, -1].shape == (1, 1, 6, 6)
    assert "██" in str(blocks)
    with pytest.raises(RuntimeError, match="sliced BlockMask"):
        flex.flex_attention(*[lineal.ones(1, 1, 6, 2)] * 3, block_mask=blocks[0, 0])
    with pytest.raises(ValueError, match="block_mask was created for"):
        flex.flex_attention(*[lineal.ones(1, 1, 5, 2)] * 3, block_mask=blocks)
    kept = flex.BlockMask.from_kv_blocks(*blocks_of.ordered(lineal.tensor([[[[1, 0], [0, 1]]]])), BLOCK_SIZE=2)
    assert kept.seen((1, 1, 4, 4)).int().tolist() == [[[[1, 1, 0, 0]] * 2 + [[0, 0, 1, 1]] * 2]]
