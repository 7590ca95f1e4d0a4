"""For tests, yours and ours: assert_close, gradcheck, the contract of an op; and the doctor of compiled functions."""

from lineal.testing.comparison import assert_allclose, assert_close
from lineal.testing.contract import Sample, check_op
from lineal.testing.doctor import Doctor
from lineal.testing.making import make_tensor
from lineal.transforms.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "Doctor",
    "GradcheckError",
    "Sample",
    "assert_allclose",
    "assert_close",
    "check_op",
    "gradcheck",
    "gradgradcheck",
    "make_tensor",
]
