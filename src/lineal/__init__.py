"""lineal: PyTorch's programming model on NumPy, SciPy and LLVM; `import lineal as torch` runs a PyTorch tutorial's code."""

# ruff: noqa: E402
import gc
from math import e, inf, nan, pi
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import environment as _environment  # isort: skip

# Nothing that the imports make is garbage: looking for some takes a tenth of their time.
_collects = gc.isenabled()
gc.disable()

from lineal.base import dtypes as _dtypes
from lineal.base import later as _later
from lineal.base.blas import get_bfloat16_products as get_bfloat16_products
from lineal.base.blas import get_blas as get_blas
from lineal.base.blas import get_recurrent_layers as get_recurrent_layers
from lineal.base.blas import set_bfloat16_products as set_bfloat16_products
from lineal.base.blas import set_blas as set_blas
from lineal.base.blas import set_recurrent_layers as set_recurrent_layers
from lineal.base.config import *
from lineal.base.devices import *
from lineal.base.dtypes import *
from lineal.base.errors import *
from lineal.base.formats import *
from lineal.base.limits import *
from lineal.base.spec import *
from lineal.base.threads import *
from lineal.base.version import __version__ as __version__
from lineal.core.modes import *
from lineal.core.opening import get_eager_calls as get_eager_calls
from lineal.core.opening import set_eager_calls as set_eager_calls
from lineal.ops import __all__ as _ops
from lineal.ops.conversion import result_type as result_type
from lineal.tensors import *

# What a first tensor does not need is imported when it is first named: see __getattr__ below.
if _TYPE_CHECKING:
    # a type checker takes `from . import x`, `x as x` and stars for exports, and no other imports
    from lineal.amp import autocast as autocast
    from lineal.amp.state import *
    from lineal.backends import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
    from lineal.backends import get_deterministic_debug_mode as get_deterministic_debug_mode
    from lineal.backends import get_float32_matmul_precision as get_float32_matmul_precision
    from lineal.backends import is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled
    from lineal.backends import set_deterministic_debug_mode as set_deterministic_debug_mode
    from lineal.backends import set_float32_matmul_precision as set_float32_matmul_precision
    from lineal.backends import use_deterministic_algorithms as use_deterministic_algorithms
    from lineal.compiler import compile as compile
    from lineal.compiler import explain as explain
    from lineal.func import vmap as vmap
    from lineal.insight import advise as advise
    from lineal.insight import draw as draw
    from lineal.insight import summary as summary
    from lineal.nn.functional import adaptive_avg_pool1d as adaptive_avg_pool1d
    from lineal.nn.functional import avg_pool1d as avg_pool1d
    from lineal.nn.functional import celu as celu
    from lineal.nn.functional import celu_ as celu_
    from lineal.nn.functional import cosine_similarity as cosine_similarity
    from lineal.nn.functional import hardshrink as hardshrink
    from lineal.nn.functional import pairwise_distance as pairwise_distance
    from lineal.nn.functional import pdist as pdist
    from lineal.nn.functional import prelu as prelu
    from lineal.nn.functional import rms_norm as rms_norm
    from lineal.nn.functional import rrelu as rrelu
    from lineal.nn.functional import rrelu_ as rrelu_
    from lineal.nn.functional import selu as selu
    from lineal.nn.functional import selu_ as selu_
    from lineal.nn.functional import threshold as threshold
    from lineal.nn.functional import threshold_ as threshold_
    from lineal.nn.functional.cells import *
    from lineal.nn.functional.native import *
    from lineal.nn.functional.native_losses import *
    from lineal.nn.functional.recurrent import *
    from lineal.ops import *
    from lineal.serialization import load as load
    from lineal.serialization import save as save
    from lineal.sparse import smm as smm
    from lineal.sparse import sparse_bsc_tensor as sparse_bsc_tensor
    from lineal.sparse import sparse_bsr_tensor as sparse_bsr_tensor
    from lineal.sparse import sparse_compressed_tensor as sparse_compressed_tensor
    from lineal.sparse import sparse_coo_tensor as sparse_coo_tensor
    from lineal.sparse import sparse_csc_tensor as sparse_csc_tensor
    from lineal.sparse import sparse_csr_tensor as sparse_csr_tensor
    from lineal.sparse import spmm as spmm
    from lineal.tensors.inplace import *
    from lineal.tensors.older import *
    from lineal.transforms.control import cond as cond
    from lineal.transforms.control import while_loop as while_loop

    from . import (
        accelerator,
        amp,
        array_api,
        autograd,
        backends,
        cpu,
        cuda,
        data,
        distributed,
        distributions,
        fft,
        func,
        futures,
        hub,
        jit,
        library,
        linalg,
        memory,
        models,
        mps,
        multiprocessing,
        nn,
        onnx,
        optim,
        overrides,
        profiler,
        quasirandom,
        random,
        serialization,
        signal,
        solvers,
        sparse,
        special,
        testing,
        train,
        types,
        utils,
        version,
        xpu,
    )

bool = _dtypes.bool_
float = _dtypes.float32
double = _dtypes.float64
half = _dtypes.float16
short = _dtypes.int16
int = _dtypes.int32
long = _dtypes.int64
cfloat = _dtypes.complex64
cdouble = _dtypes.complex128
newaxis = None

_elsewhere = {
    "": """
        _higher_order_ops accelerator amp array_api autograd backends cpu cuda data distributed distributions fft func futures
        fx hub jit library linalg memory models mps multiprocessing nn onnx optim overrides profiler quasirandom random
        serialization signal solvers sparse special testing train types utils version xpu
    """,
    "amp": "autocast",
    "amp.state": """
        autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache get_autocast_cpu_dtype get_autocast_dtype
        get_autocast_gpu_dtype is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled
        set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled
        set_autocast_gpu_dtype
    """,
    "backends": """
        are_deterministic_algorithms_enabled get_deterministic_debug_mode get_float32_matmul_precision
        is_deterministic_algorithms_warn_only_enabled set_deterministic_debug_mode set_float32_matmul_precision
        use_deterministic_algorithms
    """,
    "compiler": "compile explain",
    "serialization": "load save",
    "sparse": """
        smm sparse_bsc_tensor sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor
        sparse_csr_tensor spmm
    """,
    "func": "vmap",
    "insight": "advise draw summary",
    "nn.functional": """
        adaptive_avg_pool1d avg_pool1d celu celu_ cosine_similarity hardshrink pairwise_distance pdist prelu rms_norm rrelu
        rrelu_ selu selu_ threshold threshold_
    """,
    "nn.functional.cells": "gru_cell lstm_cell rnn_relu_cell rnn_tanh_cell",
    "nn.functional.native": """
        adaptive_max_pool1d affine_grid_generator batch_norm dropout dropout_ embedding grid_sampler grid_sampler_2d
        grid_sampler_3d group_norm instance_norm layer_norm max_pool1d max_pool1d_with_indices max_pool2d max_pool3d
        native_batch_norm native_group_norm native_layer_norm
    """,
    "nn.functional.native_losses": """
        binary_cross_entropy_with_logits cosine_embedding_loss ctc_loss hinge_embedding_loss kl_div margin_ranking_loss
        poisson_nll_loss triplet_margin_loss
    """,
    "nn.functional.recurrent": "gru lstm rnn_relu rnn_tanh",
    "ops": " ".join(_ops),
    "ops.random.gammas": "_dirichlet_grad _sample_dirichlet _standard_gamma _standard_gamma_grad",
    "tensors.foreach": """
        _foreach_abs _foreach_abs_ _foreach_acos _foreach_acos_ _foreach_add _foreach_add_ _foreach_addcdiv
        _foreach_addcdiv_ _foreach_addcmul _foreach_addcmul_ _foreach_asin _foreach_asin_ _foreach_atan _foreach_atan_
        _foreach_ceil _foreach_ceil_ _foreach_clamp_max _foreach_clamp_max_ _foreach_clamp_min _foreach_clamp_min_
        _foreach_clone _foreach_copy_ _foreach_cos _foreach_cos_ _foreach_cosh _foreach_cosh_ _foreach_div
        _foreach_div_ _foreach_erf _foreach_erf_ _foreach_erfc _foreach_erfc_ _foreach_exp _foreach_exp_
        _foreach_expm1 _foreach_expm1_ _foreach_floor _foreach_floor_ _foreach_frac _foreach_frac_ _foreach_lerp
        _foreach_lerp_ _foreach_lgamma _foreach_lgamma_ _foreach_log _foreach_log10 _foreach_log10_ _foreach_log1p
        _foreach_log1p_ _foreach_log2 _foreach_log2_ _foreach_log_ _foreach_max _foreach_maximum _foreach_maximum_
        _foreach_minimum _foreach_minimum_ _foreach_mm _foreach_mul _foreach_mul_ _foreach_neg _foreach_neg_
        _foreach_norm _foreach_pow _foreach_pow_ _foreach_reciprocal _foreach_reciprocal_ _foreach_round
        _foreach_round_ _foreach_rsqrt _foreach_rsqrt_ _foreach_sigmoid _foreach_sigmoid_ _foreach_sign _foreach_sign_
        _foreach_sin _foreach_sin_ _foreach_sinh _foreach_sinh_ _foreach_sqrt _foreach_sqrt_ _foreach_sub
        _foreach_sub_ _foreach_tan _foreach_tan_ _foreach_tanh _foreach_tanh_ _foreach_trunc _foreach_trunc_
        _foreach_zero_
    """,
    "tensors.inplace": """
        abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ as_strided_ asin_ asinh_ atan_ atanh_
        ceil_ clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ detach_ erf_ erfc_ exp2_ exp_ expm1_ fix_
        floor_ frac_ gcd_ lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_ rad2deg_ reciprocal_ relu_
        resize_as_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ xlogy_
    """,
    "tensors.older": """
        detach from_file get_default_device get_device get_num_interop_threads is_distributed is_same_size is_signed
        is_storage is_warn_always_enabled range set_default_tensor_type set_flush_denormal set_num_interop_threads
        set_warn_always typename
    """,
    "transforms.control": "cond while_loop",
}
__getattr__, _names = _later.names(__name__, _elsewhere)
_here = [name for name, each in globals().items() if name[0] != "_" and not isinstance(each, _ModuleType)]
__all__ = [*_here, *(name for name in _names if name[0] != "_")]  # pyright: ignore[reportUnsupportedDunderAll]

if _collects:
    if not gc.get_freeze_count():
        # what was made goes to the oldest generation unsearched
        gc.freeze()
        gc.unfreeze()
    gc.enable()


def __dir__():
    return sorted({*globals(), *_names})
