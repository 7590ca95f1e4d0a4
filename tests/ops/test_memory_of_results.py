"""Results that are no views have memory of their own at any size, also where a view could have their numbers.

A write to such a result would reach the argument unseen: no version counts it, no history follows it.
"""

import numpy as np
import pytest

import lineal as torch
import lineal.nn.functional as F

IMAGE, PIXEL, ONE = (1, 4, 2, 2), (1, 1, 1, 1), (1,)

CASES = {
    "unfold, one window": (IMAGE, lambda x: F.unfold(x, 2)),
    "unfold, windows of one": (IMAGE, lambda x: F.unfold(x, 1)),
    "fold": ((1, 4, 4), lambda x: F.fold(x, 2, 1)),
    "max_pool2d": (IMAGE, lambda x: F.max_pool2d(x, 1)),
    "avg_pool2d": (IMAGE, lambda x: F.avg_pool2d(x, 1)),
    "adaptive_avg_pool2d": (IMAGE, lambda x: F.adaptive_avg_pool2d(x, 2)),
    "adaptive_max_pool2d": (IMAGE, lambda x: F.adaptive_max_pool2d(x, 2)),
    "max_unpool2d": (PIXEL, lambda x: F.max_unpool2d(x, torch.zeros(PIXEL, dtype=torch.int64), 1)),
    "pad": (IMAGE, lambda x: F.pad(x, (0, 0))),
    **{f"pad, {mode}": (IMAGE, lambda x, mode=mode: F.pad(x, (0,) * 4, mode)) for mode in ("reflect", "replicate", "circular")},
    **{
        f"interpolate, {mode}": (shape, lambda x, mode=mode: F.interpolate(x, scale_factor=1, mode=mode))
        for mode in ("nearest", "bilinear", "bicubic", "area")
        for shape in (IMAGE, PIXEL)
    },
    "pixel_shuffle": (IMAGE, lambda x: F.pixel_shuffle(x, 1)),
    "pixel_unshuffle": (IMAGE, lambda x: F.pixel_unshuffle(x, 1)),
    "channel_shuffle": (IMAGE, lambda x: F.channel_shuffle(x, 1)),
    "native_channel_shuffle": (IMAGE, lambda x: torch.native_channel_shuffle(x, 4)),
    "conv2d": (PIXEL, lambda x: F.conv2d(x, torch.ones(PIXEL))),
    "chain_matmul": ((2, 3), lambda x: torch.chain_matmul(x)),
    "scaled_dot_product_attention": (PIXEL, lambda x: F.scaled_dot_product_attention(x, x, x)),
    "fft": (ONE, lambda x: torch.fft.fft(x + 0j).real),
    "fftshift": (ONE, torch.fft.fftshift),
    "rot90": ((2, 2), lambda x: torch.rot90(x, 0)),
    "roll": (ONE, lambda x: torch.roll(x, 0)),
    "flip": (ONE, lambda x: torch.flip(x, (0,))),
    "sum": (ONE, lambda x: x.sum(0)),
    "cat": (ONE, lambda x: torch.cat([x])),
    "repeat": (ONE, lambda x: x.repeat(1)),
    "repeat_interleave": (ONE, lambda x: torch.repeat_interleave(x, 1)),
    "pad_sequence": (ONE, lambda x: torch.nn.utils.rnn.pad_sequence([x])),
    "pack_padded_sequence": ((1, 1, 1), lambda x: torch.nn.utils.rnn.pack_padded_sequence(x, [1]).data),
}


@pytest.mark.parametrize("name", CASES)
def test_a_result_that_is_no_view_has_memory_of_its_own(name):
    shape, function = CASES[name]
    x = torch.rand(shape) + 0.5
    before = x.numpy().copy()
    y = function(x)
    y.add_(1.0)
    assert np.array_equal(x.numpy(), before)
