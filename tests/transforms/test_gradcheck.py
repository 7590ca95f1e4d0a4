"""gradcheck finds wrong derivatives and lets right ones pass."""

import pytest

import lineal as torch
from lineal.autograd import Function, gradcheck, gradgradcheck
from lineal.testing import GradcheckError


class WrongSquare(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0] * 2.1


class WrongSecond(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].detach() * 2


def leaf(*numbers, dtype=torch.float64):
    return torch.tensor(numbers, dtype=dtype, requires_grad=True)


def test_right_derivatives_pass():
    x, y = leaf(0.5, 1.5), leaf(2.0, 3.0)
    assert gradcheck(lambda x, y: (x * y, x.exp().sum()), (x, y), check_grad_dtypes=True, check_batched_grad=True)
    assert gradgradcheck(lambda x, y: (x * y, x.exp().sum()), (x, y))


def test_wrong_derivative_is_found():
    with pytest.raises(GradcheckError, match=r"Jacobian mismatch for output 0 with respect to input 0,\nnumerical"):
        gradcheck(WrongSquare.apply, (leaf(1.0, 2.0),))
    assert gradcheck(WrongSquare.apply, (leaf(1.0, 2.0),), raise_exception=False) is False


def test_wrong_second_derivative_is_found():
    assert gradcheck(WrongSecond.apply, (leaf(1.0, 2.0),))
    with pytest.raises(GradcheckError):
        gradgradcheck(WrongSecond.apply, (leaf(1.0, 2.0),))


def test_complex():
    z = leaf(1 + 2j, 0.5 - 1j, dtype=torch.complex128)
    assert gradcheck(lambda z: z * z.conj() + z.exp(), (z,))
    assert gradcheck(lambda z: z.abs(), (z,))
    assert gradgradcheck(lambda z: (z * z).real, (z,))
    with pytest.raises(GradcheckError):
        gradcheck(WrongSquare.apply, (z,))


def test_numbers_and_constants_pass_through():
    assert gradcheck(lambda x, c, k: x * c * k, (leaf(1.0), torch.ones(1, dtype=torch.float64), 3))


def test_nothing_to_check_is_refused():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(torch.exp, (torch.ones(2),))


def test_single_precision_warns():
    with pytest.warns(UserWarning, match="not a double precision"):
        gradcheck(torch.exp, (torch.ones(1, requires_grad=True),), raise_exception=False)


def test_empty_input():
    assert gradcheck(torch.exp, (torch.ones(0, dtype=torch.float64, requires_grad=True),))
