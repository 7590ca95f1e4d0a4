"""Tensors print as PyTorch prints them, to the character."""

import numpy as np
import pytest
from convert import to_subject
from reference import subject, torch

pytestmark = pytest.mark.parity

SHAPES = [(), (0,), (2, 0), (1,), (3,), (7, 2), (2, 3, 4), (40,), (1001,), (30, 40), (2, 3, 2, 2), (12, 90), (1, 1, 300, 5)]
DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool", "complex64", "complex128"]
SCALES = [1.0, 1e-6, 1e5, 1e12]


def drawn(shape, dtype, scale, kind):
    numbers = np.random.default_rng(len(shape)).normal(size=shape) * scale
    if kind == "whole":
        numbers = np.round(numbers)
    if kind == "special" and numbers.size:
        numbers = np.where(np.arange(numbers.size).reshape(shape) % 5 == 0, np.nan, numbers)
        numbers.flat[0] = np.inf
    if dtype.startswith("complex"):
        real, numbers = numbers, np.empty(shape, complex)
        numbers.real, numbers.imag = real, real[::-1] if shape else -2 * real
    elif not dtype.startswith(("float", "bfloat")):
        numbers = np.nan_to_num(numbers).clip(0, 200)
    return torch.from_numpy(np.array(numbers)).to(getattr(torch, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_repr_is_pytorchs(shape, dtype):
    for scale in SCALES:
        for kind in ("plain", "whole", "special"):
            x = drawn(shape, dtype, scale, kind)
            assert repr(to_subject(x)) == repr(x)


@pytest.mark.parametrize("shape", [(3,), (4, 9), (2, 2)])
def test_suffixes_are_pytorchs(shape):
    theirs = torch.linspace(0, 1, int(np.prod(shape)), dtype=torch.float64).reshape(shape).requires_grad_()
    ours = to_subject(theirs.detach()).requires_grad_()
    assert repr(ours) == repr(theirs)
    for f in (lambda x: x * 2, lambda x: x.exp().sum(), lambda x: x.reshape(-1), lambda x: x.mean(), lambda x: -x + 1):
        assert repr(f(ours)) == repr(f(theirs))


OPTIONS = [
    {"precision": 2},
    {"threshold": 5},
    {"edgeitems": 1, "threshold": 4},
    {"linewidth": 40},
    {"sci_mode": True},
    {"profile": "short"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_are_pytorchs(options):
    x = torch.linspace(-3, 1000, 60, dtype=torch.float64).reshape(5, 12)
    try:
        torch.set_printoptions(**options)
        subject.set_printoptions(**options)
        assert repr(to_subject(x)) == repr(x)
    finally:
        torch.set_printoptions(profile="default")
        subject.set_printoptions(profile="default")
