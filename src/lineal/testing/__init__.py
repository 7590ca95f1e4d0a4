"""For tests, yours and ours: assert_close, gradcheck, and the contract of an op."""

from lineal.testing.comparison import assert_allclose, assert_close
from lineal.testing.contract import Sample, check_op
from lineal.testing.making import make_tensor
from lineal.transforms.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "GradcheckError",
    "Sample",
    "assert_allclose",
    "assert_close",
    "check_op",
    "gradcheck",
    "gradgradcheck",
    "make_tensor",
]
