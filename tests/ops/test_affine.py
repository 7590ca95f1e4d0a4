"""Affine maps: the op that gives all cotangents at once, against those that are made of ops and can be derived."""

import itertools

import pytest

import lineal as torch

SHAPES = [((5, 4), 3), ((2, 3, 4), 7), ((4,), 3), ((0, 4), 3), ((2, 3, 0), 3), ((2, 150, 130), 70)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex128, torch.bfloat16])
@pytest.mark.parametrize("needs", [each for each in itertools.product((False, True), repeat=3) if any(each)])
def test_cotangents_are_those_that_can_be_derived(dtype, needs):
    for shape, outputs in SHAPES:
        made = [torch.randn(size, dtype=dtype) for size in (shape, (outputs, shape[-1]), (outputs,))]
        given = [each.requires_grad_(need) for each, need in zip(made, needs)]
        y = torch.nn.functional.linear(*given)
        wanted = [each for each, need in zip(given, needs) if need]
        g = torch.randn(y.shape, dtype=dtype)
        plain = torch.autograd.grad(y, wanted, g, retain_graph=True)
        derived = torch.autograd.grad(y, wanted, g, create_graph=True)
        for one, other in zip(plain, derived):
            assert one.dtype is dtype and one.shape == other.shape and not one.requires_grad
            torch.testing.assert_close(one, other.detach())
