"""Convolutions with what follows them, tile by tile: results, gradients, writes, in the checking build; when it must not be."""

import warnings
from contextlib import nullcontext

import pytest

import lineal as torch
from lineal.compiler import checking, compile, passes
from lineal.nn import functional as F

torch.manual_seed(0)


def kept(x, w, b, beside):
    y = F.conv2d(x, w, b, padding=1)
    return y, y.tanh() * 2 + y


def written(x, w, b, beside):
    beside += F.conv2d(x, w, b, padding=1).detach()
    return beside * 2


PROGRAMS = {
    "bias and relu": lambda x, w, b, beside: F.conv2d(x, w, b, padding=1).relu(),
    "residual": lambda x, w, b, beside: (F.conv2d(x, w, b, padding=1) + beside).relu(),
    "scale and shift": lambda x, w, b, beside: (
        F.conv2d(x, w, None, padding=1) * b.reshape(-1, 1, 1).exp() - b.reshape(-1, 1, 1)
    ),
    "a number for each image": lambda x, w, b, beside: F.conv2d(x, w, b, padding=1) * beside[:, :, :1, :1],
    "a number for each place": lambda x, w, b, beside: F.conv2d(x, w, b, padding=1) * beside[0, 0],
    "flattened": lambda x, w, b, beside: F.conv2d(x, w, b, padding=1).flatten(1).sigmoid(),
    "backwards": lambda x, w, b, beside: F.conv_transpose2d(beside, w, None, padding=1).sin(),
    "kept": kept,
    "written": written,
    "summed": lambda x, w, b, beside: F.conv2d(x, w, b, padding=1).sum((0, 2, 3)),
    "turned": lambda x, w, b, beside: F.conv2d(x, w, b, padding=1).mT.exp(),
}
SIZES = {
    "few places": (3, 40, 33, 5),
    "many places": (2, 36, 10, 17),
    "rows of 16": (2, 3, 7, 16),
    "channel by channel": (3, 1, 1, 9),
}
"""Images, channels, outputs and sides: contractions that run on through images or not, and direct convolutions."""


def numbers(sizes):
    images, channels, outputs, side = sizes
    make = torch.Generator().manual_seed(1)
    shapes = ((images, channels, side, side), (outputs, channels, 3, 3), (outputs,), (images, outputs, side, side))
    return [torch.randn(shape, generator=make) for shape in shapes]


def called(function, sizes, differentiated):
    """Return results, the last argument afterwards, and gradients."""
    given = numbers(sizes)
    for each in given[:3] if differentiated else ():
        each.requires_grad_()
    found = function(*given)
    found = list(found) if isinstance(found, tuple) else [found]
    weight = lambda y: torch.cos(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape)
    loss = sum((each * weight(each)).sum() for each in found if each.requires_grad)
    grads = torch.autograd.grad(loss, given[:3], allow_unused=True) if differentiated and torch.is_tensor(loss) else ()
    return [*found, given[3], *(each for each in grads if each is not None)]


FEW = ("bias and relu", "residual", "kept")
"""What is tried at all sizes."""


@pytest.mark.parametrize("size, name", [(size, name) for size in SIZES for name in (PROGRAMS if size == "few places" else FEW)])
@pytest.mark.slow
def test_results_gradients_and_writes_are_those_of_eager_code(size, name):
    function, sizes = PROGRAMS[name], SIZES[size]
    differentiated = size == "few places"
    wanted = called(function, sizes, differentiated)
    for check, off in ((True, ()), (False, ("tiles",))):
        with warnings.catch_warnings(), passes.without(*off), checking() if check else nullcontext():
            warnings.simplefilter("error")
            compiled = compile(function)
            for _ in range(3):
                found = called(compiled, sizes, differentiated)
        assert compiled.eager is None
        for x, y in zip(found, wanted, strict=True):
            assert torch.allclose(x, y, rtol=2e-5, atol=2e-5 * (1 + float(y.abs().max()))), (x - y).abs().max()


@pytest.mark.parametrize("size", SIZES)
def test_a_layer_of_inference_is_one_loop(size):
    """A convolution, the batch norm of what was learned, what goes around them, and an activation."""
    x, w, _, beside = numbers(SIZES[size])
    norm = torch.nn.BatchNorm2d(len(w)).eval()
    with torch.no_grad():
        text = torch.explain(lambda x, w, beside: (norm(F.conv2d(x, w, padding=1)) + beside).relu())(x, w, beside)
    assert text.count("tile by tile") == 1
    assert f"loop over i < {len(x)}, j" not in text


def test_what_a_convolution_reads_is_not_written_by_what_follows():
    def into(x, w):
        x.copy_(F.conv2d(x, w, padding=1).relu())
        return x * 2

    x, w = torch.randn(2, 16, 9, 9), torch.randn(16, 16, 3, 3)
    wanted, compiled = into(x.clone(), w), compile(into)
    for _ in range(3):
        given = x.clone()
        found = compiled(given, w)
    assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-4)
    assert torch.allclose(given * 2, wanted, rtol=1e-5, atol=1e-4)
