"""lineal: PyTorch's programming model on NumPy, SciPy and LLVM."""

from lineal.base.config import get_default_dtype, set_default_dtype
from lineal.base.devices import device
from lineal.base.dtypes import (
    bfloat16,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from lineal.base.dtypes import bool_ as bool
from lineal.base.spec import Size
from lineal.base.version import __version__
from lineal.core.modes import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from lineal.ops import *
from lineal.tensors import *
from lineal.tensors import Tensor
