"""Norms and condition numbers of matrices without elements: 0, the largest of no sizes, or an error that names the norm."""

import math

import numpy as np
import pytest

import lineal as torch
from lineal import linalg

SHAPES = [(0, 0), (0, 3), (3, 0), (2, 0, 3), (2, 3, 0), (0, 3, 3), (2, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("ord", [1, 2, math.inf, "fro", "nuc"])
@pytest.mark.parametrize("shape", SHAPES)
def test_norms_are_zero(shape, ord, keepdim, compiled):
    for call in (linalg.matrix_norm, linalg.norm):
        run = lambda x, call=call: call(x, ord, (-2, -1), keepdim)
        y = (torch.compile(run) if compiled else run)(torch.zeros(shape))
        assert y.shape == (*shape[:-2], 1, 1)[: None if keepdim else len(shape) - 2] and not y.any()


@pytest.mark.parametrize("ord", [1, 2, math.inf, "fro", "nuc"])
def test_derivatives_are_empty(ord):
    x = torch.zeros(0, 3, requires_grad=True)
    assert torch.autograd.grad(linalg.matrix_norm(x, ord), x)[0].shape == (0, 3)


@pytest.mark.parametrize("ord", [-1, -2, -math.inf])
def test_there_is_no_smallest_size(ord):
    with pytest.raises(IndexError, match=rf"linalg.matrix_norm: .* order {ord}"):
        linalg.matrix_norm(torch.zeros(0, 0), ord)
    assert linalg.matrix_norm(torch.zeros(0, 3, 3), ord).shape == (0,)


@pytest.mark.parametrize("ord", [0, 0.5, 1, 2, 3, "largest"])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_vectors(shape, ord):
    if ord == "largest":
        with pytest.raises(RuntimeError, match="vector_norm"):
            linalg.vector_norm(torch.zeros(shape), math.inf)
    else:
        assert linalg.vector_norm(torch.zeros(shape), ord) == 0


@pytest.mark.parametrize("p", [None, 1, -1, 2, -2, math.inf, -math.inf, "fro", "nuc"])
def test_conditions(p):
    for shape in ((0, 0), (2, 0, 0), (0, 3, 3)):
        y = linalg.cond(torch.zeros(shape), p)
        assert y.shape == shape[:-2] and not y.any()


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_conditions_of_singular_matrices(dtype):
    A = torch.from_numpy(np.stack([np.eye(2), np.ones((2, 2)), np.diag([1.0, 4.0])]).astype(dtype)).requires_grad_()
    for p in (1, math.inf):
        y = linalg.cond(A, p)
        assert y.tolist() == [1, math.inf, 4]
        (by_A,) = torch.autograd.grad(y[2], A)
        assert by_A[2].isfinite().all()
