"""lineal: PyTorch's programming model on NumPy, SciPy and LLVM; `import lineal as torch` runs a PyTorch tutorial's code."""

# ruff: noqa: E402
import gc
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

import lazy_loader

from lineal.base import environment as _environment  # isort: skip

# Nothing that the imports make is garbage: looking for some takes a tenth of their time.
_collects = gc.isenabled()
gc.disable()

from lineal.base.blas import get_blas, set_blas
from lineal.base.config import get_default_dtype, set_default_dtype
from lineal.base.devices import device, set_default_device
from lineal.base.dtypes import (
    bfloat16,
    can_cast,
    complex64,
    complex128,
    dtype,
    float8_e4m3fn,
    float8_e5m2,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    uint8,
    uint16,
    uint32,
    uint64,
)
from lineal.base.dtypes import bool_ as bool
from lineal.base.errors import IllConditionedWarning, UnsupportedError
from lineal.base.formats import channels_last, channels_last_3d, contiguous_format, memory_format, preserve_format
from lineal.base.limits import finfo, iinfo
from lineal.base.spec import Size
from lineal.base.threads import get_num_threads, set_num_threads
from lineal.base.version import __version__
from lineal.core.modes import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from lineal.ops import *
from lineal.ops import LINEAR_ALGEBRA as _LINEAR_ALGEBRA
from lineal.ops.conversion import result_type
from lineal.tensors import *

# What a first tensor does not need is imported when it is first named: see __getattr__ below.
if TYPE_CHECKING:
    from lineal import accelerator, autograd, backends, cuda, func, linalg, models, nn, optim, random, testing, utils, version
    from lineal.backends import (
        are_deterministic_algorithms_enabled,
        get_float32_matmul_precision,
        set_float32_matmul_precision,
        use_deterministic_algorithms,
    )
    from lineal.compiler import compile, explain
    from lineal.data import load, save
    from lineal.func import vmap
    from lineal.nn.functional import celu, cosine_similarity, pairwise_distance, prelu, selu
    from lineal.nn.functional.native import *
    from lineal.tensors.inplace import *
    from lineal.tensors.older import *

float = float32
double = float64
half = float16
short = int16
int = int32
long = int64
cfloat = complex64
cdouble = complex128
newaxis = None

_submodules = [
    "_higher_order_ops",
    "accelerator",
    "autograd",
    "backends",
    "cuda",
    "func",
    "linalg",
    "models",
    "nn",
    "optim",
    "random",
    "testing",
    "utils",
    "version",
]
_elsewhere = {
    "backends": [
        "are_deterministic_algorithms_enabled",
        "get_float32_matmul_precision",
        "set_float32_matmul_precision",
        "use_deterministic_algorithms",
    ],
    "compiler": ["compile", "explain"],
    "data": ["load", "save"],
    "func": ["vmap"],
    "nn.functional": ["celu", "cosine_similarity", "pairwise_distance", "prelu", "selu"],
    "nn.functional.native": ["batch_norm", "celu_", "dropout", "dropout_", "embedding", "layer_norm", "selu_"],
    "ops": _LINEAR_ALGEBRA,
    "tensors.inplace": [
        "abs_",
        "acos_",
        "acosh_",
        "addmv_",
        "arccos_",
        "arccosh_",
        "arcsin_",
        "arcsinh_",
        "arctan_",
        "arctanh_",
        "as_strided_",
        "asin_",
        "asinh_",
        "atan_",
        "atanh_",
        "ceil_",
        "clamp_",
        "clamp_max_",
        "clamp_min_",
        "clip_",
        "conj_physical_",
        "cos_",
        "cosh_",
        "deg2rad_",
        "detach_",
        "erf_",
        "erfc_",
        "exp2_",
        "exp_",
        "expm1_",
        "fix_",
        "floor_",
        "frac_",
        "gcd_",
        "lcm_",
        "ldexp_",
        "log10_",
        "log1p_",
        "log2_",
        "log_",
        "logit_",
        "nan_to_num_",
        "neg_",
        "negative_",
        "rad2deg_",
        "reciprocal_",
        "relu_",
        "resize_as_",
        "round_",
        "rsqrt_",
        "sigmoid_",
        "sin_",
        "sinc_",
        "sinh_",
        "sqrt_",
        "square_",
        "tan_",
        "tanh_",
        "trunc_",
        "xlogy_",
    ],
    "transforms.control": ["cond", "while_loop"],
    "tensors.older": [
        "detach",
        "get_default_device",
        "get_device",
        "get_num_interop_threads",
        "is_same_size",
        "is_signed",
        "is_storage",
        "range",
        "set_default_tensor_type",
        "set_flush_denormal",
        "set_num_interop_threads",
        "typename",
    ],
}
__getattr__, _lazy_dir, _ = lazy_loader.attach(__name__, _submodules, _elsewhere)

if _collects:
    if not gc.get_freeze_count():
        # what was made goes to the oldest generation unsearched
        gc.freeze()
        gc.unfreeze()
    gc.enable()


def __dir__():
    return sorted({*globals(), *_lazy_dir()})
