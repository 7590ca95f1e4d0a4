"""Convolutions: the routine and NumPy agree to the last digit on whole numbers; adjoints, threads, batches, compiled steps."""

import itertools

import numpy as np
import pytest

import lineal as torch
import lineal.nn.functional as F
from lineal.codegen.contract import convolutions

RNG = np.random.default_rng(0)
WAYS = [
    ((2, 6, 9), (4, 3, 4), (2, 1, 3, 2)),
    ((3, 4, 7, 9), (6, 2, 3, 2), ((2, 3), (1, 0), 1, 2)),
    ((2, 3, 5, 6), (5, 3, 3, 3), (1, "same", (2, 1), 1)),
    ((1, 2, 4, 5, 3), (3, 2, 2, 3, 1), ((1, 2, 1), (1, 1, 0), 1, 1)),
    ((2, 3, 8, 8), (3, 1, 3, 3), (3, 1, 2, 3)),
    ((2, 2, 7, 35), (6, 1, 3, 5), ((1, 2), (1, 2), (2, 1), 2)),
    ((2, 1, 5, 3, 18), (4, 1, 2, 3, 4), (1, 1, 1, 1)),
    ((2, 3, 11, 37), (20, 3, 3, 3), (1, 1, 1, 1)),
    ((0, 3, 8), (2, 3, 3), (1, 0, 1, 1)),
]
"""Shapes of image and kernel; stride, padding, dilation, groups."""
FUNCTIONS = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}


def whole(*shape, dtype=torch.float64):
    return torch.tensor(RNG.integers(-3, 4, shape)).to(dtype)


def everything(x, w, bias, way):
    """Return a convolution, and its derivatives by all that goes in, of a cotangent of whole numbers."""
    xs = [x.clone().requires_grad_(), w.clone().requires_grad_(), bias.clone().requires_grad_()]
    y = FUNCTIONS[x.ndim](*xs, *way)
    g = torch.tensor(np.arange(y.numel()).reshape(tuple(y.shape)) % 5 - 2.0).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, xs, g)]


@pytest.mark.parametrize(
    "dtype", [torch.float32, *[pytest.param(each, marks=pytest.mark.slow) for each in (torch.float64, torch.bfloat16)]]
)
def test_the_routine_and_numpy_agree(dtype, monkeypatch):
    for shape, kernel, way in WAYS:
        given = whole(*shape, dtype=dtype), whole(*kernel, dtype=dtype), whole(kernel[0], dtype=dtype)
        found = []
        for least in (0, 1 << 62):
            monkeypatch.setattr(convolutions, "LEAST", least)
            found.append(everything(*given, way))
        for one, other in zip(*found):
            assert one.dtype is dtype and torch.equal(one, other), (shape, kernel, way)


@pytest.mark.parametrize("least", [0, 1 << 62])
def test_integers_are_convolved_exactly(least, monkeypatch):
    monkeypatch.setattr(convolutions, "LEAST", least)
    x, w = whole(2, 3, 8, 8), whole(4, 3, 3, 3)
    for dtype in (torch.int64, torch.int32, torch.int8):
        y = F.conv2d(x.to(dtype), w.to(dtype), padding=1)
        assert y.dtype is dtype and torch.equal(y, F.conv2d(x, w, padding=1).to(dtype))


def test_a_transposed_convolution_is_the_adjoint():
    """(y, x * w) = (x, y *ᵀ w), of complex numbers too, whatever memory they lie in."""
    for dtype in (torch.float64, torch.complex128):
        x, w = torch.randn(9, 2, 8, 4, dtype=dtype).permute(1, 3, 0, 2), torch.randn(6, 2, 3, 3, dtype=dtype).flip(0)
        y = F.conv2d(x, w, None, 2, 1, 1, 2)
        g = torch.randn_like(y)
        back = F.conv_transpose2d(g, w, None, 2, 1, (0, 1), 2)
        assert back.shape == x.shape
        torch.testing.assert_close((g * y).sum(), (back * x).sum())


def test_a_convolution_is_a_product_with_what_unfold_sees():
    x, w = whole(2, 3, 7, 8), whole(4, 3, 3, 2)
    way = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}
    seen = F.unfold(x, (3, 2), **way)
    y = F.conv2d(x, w, **way)
    assert torch.equal(w.flatten(1) @ seen, y.flatten(2))
    counts = F.fold(torch.ones_like(seen), (7, 8), (3, 2), **way)
    assert torch.equal(F.fold(F.unfold(x, (3, 2), **way), (7, 8), (3, 2), **way), x * counts)


def test_all_numbers_of_threads_give_the_same():
    x, w = torch.randn(5, 16, 20, 20), torch.randn(24, 16, 3, 3)
    before, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(everything(x, w, torch.randn(24) * 0, (1, 1, 1, 1)))
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        assert all(torch.equal(one, other) for one, other in zip(found[0], others))


def test_batches_of_images_and_of_kernels():
    x, w, bias = torch.randn(3, 2, 4, 6), torch.randn(3, 4, 2, 3), torch.randn(3, 4)
    function = lambda x, w, b: F.conv1d(x, w, b, 2, 1, 1, 2)
    for dims in itertools.product((0, None), repeat=3):
        if dims == (None, None, None):
            continue
        given = [each if dim == 0 else each[0] for each, dim in zip((x, w, bias), dims)]
        slices = [[each[n] if dim == 0 else each for each, dim in zip(given, dims)] for n in range(3)]
        torch.testing.assert_close(torch.vmap(function, dims)(*given), torch.stack([function(*each) for each in slices]))


def test_a_compiled_training_step_is_native():
    """Forward and both derivatives, with strides, groups and a transposed convolution."""
    first, second = torch.nn.Conv2d(4, 6, 3, 2, 1, groups=2), torch.nn.ConvTranspose2d(6, 2, 3, 2, 1, bias=False)
    x = torch.randn(3, 4, 9, 8)

    def step(x):
        y = second(first(x).relu()).square().mean()
        return y, torch.autograd.grad(y, [x, first.weight, first.bias, second.weight])

    compiled = torch.compile(step)
    x.requires_grad_()
    y, grads = step(x)
    for _ in range(3):
        found, others = compiled(x)
    assert "host step " not in torch.explain(compiled)(x)
    torch.testing.assert_close(found, y)
    for one, other in zip(grads, others):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("kernel", "options", "words"),
    [
        ((6, 3, 3, 3), {}, r"conv2d: .*weight of size \[6, 3, 3, 3\], expected input\[2, 4, 5, 5\] to have 3 channels"),
        ((6, 2, 3, 3), {"groups": 4}, "conv2d: .*divisible by 4 at dimension 0"),
        ((6, 4, 7, 3), {}, r"conv2d: Calculated padded input size per channel: \(5 x 5\)\. Kernel size: \(7 x 3\)"),
        ((6, 4, 3, 3), {"bias": torch.ones(5)}, "conv2d: .*expected bias to be 1-dimensional with 6 elements"),
        ((6, 4, 3, 3), {"stride": 0}, "conv2d: non-positive stride"),
        ((6, 4, 3, 3), {"padding": -1}, "conv2d: negative padding"),
        ((6, 4, 3, 3), {"groups": 0}, "conv2d: non-positive groups"),
        ((6, 4, 3, 3), {"padding": "same", "stride": 2}, "conv2d: padding='same' is not supported for strided"),
        ((6, 4, 3, 3), {"padding": (1, 1, 1)}, "conv2d: expected padding to be a single integer value or a list of 2"),
        ((6, 4, 3), {}, "conv2d: expected weight of 4 dimensions"),
    ],
)
def test_what_does_not_fit_is_refused(kernel, options, words):
    with pytest.raises(RuntimeError, match=words):
        F.conv2d(torch.ones(2, 4, 5, 5), torch.ones(kernel), **options)


def test_layers_draw_within_their_bounds_and_say_what_they_are():
    layer = torch.nn.Conv2d(4, 6, (3, 2), 2, 1, 2, 2, False, "reflect")
    assert repr(layer) == (
        "Conv2d(4, 6, kernel_size=(3, 2), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2, bias=False, "
        "padding_mode=reflect)"
    )
    assert layer.weight.shape == (6, 2, 3, 2) and layer.weight.abs().max() <= 12**-0.5
    assert layer(torch.randn(2, 4, 8, 8)).shape == (2, 6, 3, 4)
    turned = torch.nn.ConvTranspose2d(4, 6, 3, 2, 1)
    assert turned(torch.randn(4, 5, 5), output_size=[10, 10]).shape == (6, 10, 10)
    with pytest.raises(ValueError, match=r"valid sizes range from \[9, 9\] to \[10, 10\]"):
        turned(torch.randn(4, 5, 5), output_size=[12, 10])
    assert (
        F.conv2d(torch.ones(4, 5, 5, requires_grad=True)[None], layer.weight, groups=2).grad_fn.name() == "ConvolutionBackward0"
    )
