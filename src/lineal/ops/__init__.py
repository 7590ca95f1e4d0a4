"""The mathematics, front to back: every public function of tensors, each file using only those before it."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import later as _later

if _TYPE_CHECKING:
    from lineal.ops.contraction.additive import *
    from lineal.ops.contraction.chains import *
    from lineal.ops.contraction.convolving import *
    from lineal.ops.contraction.distances import *
    from lineal.ops.contraction.einsum import *
    from lineal.ops.contraction.matmul import *
    from lineal.ops.contraction.tensordot import *
    from lineal.ops.contraction.vectors import *
    from lineal.ops.creation import *
    from lineal.ops.elementwise.arithmetic import *
    from lineal.ops.elementwise.bessel import *
    from lineal.ops.elementwise.comparison import *
    from lineal.ops.elementwise.exponential import *
    from lineal.ops.elementwise.extremes import *
    from lineal.ops.elementwise.gammas import *
    from lineal.ops.elementwise.integers import *
    from lineal.ops.elementwise.logic import *
    from lineal.ops.elementwise.parts import *
    from lineal.ops.elementwise.powers import *
    from lineal.ops.elementwise.rounding import *
    from lineal.ops.elementwise.selection import *
    from lineal.ops.elementwise.signs import *
    from lineal.ops.elementwise.special import *
    from lineal.ops.elementwise.trigonometry import *
    from lineal.ops.fourier.shorttime import *
    from lineal.ops.fourier.windows import *
    from lineal.ops.indexing.along import *
    from lineal.ops.indexing.filling import *
    from lineal.ops.indexing.gathering import *
    from lineal.ops.indexing.masked import *
    from lineal.ops.indexing.masks import *
    from lineal.ops.indexing.scatter_reduction import *
    from lineal.ops.indexing.subscript import *
    from lineal.ops.linalg.older import *
    from lineal.ops.random.distributions import *
    from lineal.ops.random.generator import *
    from lineal.ops.reductions.cumulative import *
    from lineal.ops.reductions.differences import *
    from lineal.ops.reductions.exponentials import *
    from lineal.ops.reductions.extremes import *
    from lineal.ops.reductions.moments import *
    from lineal.ops.reductions.norms import *
    from lineal.ops.reductions.products import *
    from lineal.ops.reductions.sums import *
    from lineal.ops.reductions.truth import *
    from lineal.ops.sorting.distinct import *
    from lineal.ops.sorting.histograms import *
    from lineal.ops.sorting.middle import *
    from lineal.ops.sorting.order import *
    from lineal.ops.sorting.quantiles import *
    from lineal.ops.sorting.search import *
    from lineal.ops.structural.axes import *
    from lineal.ops.structural.copies import *
    from lineal.ops.structural.diagonals import *
    from lineal.ops.structural.expanding import *
    from lineal.ops.structural.flipping import *
    from lineal.ops.structural.grids import *
    from lineal.ops.structural.joining import *
    from lineal.ops.structural.padding import *
    from lineal.ops.structural.repeating import *
    from lineal.ops.structural.reshape import *
    from lineal.ops.structural.shuffling import *
    from lineal.ops.structural.slicing import *
    from lineal.ops.structural.stacking import *
    from lineal.ops.structural.striding import *
    from lineal.ops.structural.triangles import *

# A file is imported when one of its functions is first named, since most programs use a few of them.
_functions = {
    "contraction.additive": "addmm addmv addbmm baddbmm addr",
    "contraction.chains": "chain_matmul matrix_power",
    "contraction.convolving": """
        conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution
    """,
    "contraction.distances": "cdist",
    "contraction.einsum": "einsum bilinear",
    "contraction.matmul": "matmul mm bmm mv dot vdot inner outer ger linear",
    "contraction.tensordot": "tensordot",
    "contraction.vectors": "cross kron",
    "creation": """
        arange empty empty_like empty_permuted empty_strided eye full full_like linspace logspace ones ones_like
        scalar_tensor zeros zeros_like
    """,
    "elementwise.arithmetic": """
        neg negative positive add sub subtract rsub mul multiply div divide true_divide floor_divide remainder fmod
        reciprocal addcmul addcdiv lerp
    """,
    "elementwise.bessel": "i0",
    "elementwise.comparison": """
        eq ne lt le gt ge greater greater_equal isclose isfinite isinf isnan isneginf isposinf isreal less less_equal
        not_equal signbit
    """,
    "elementwise.exponential": "exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 xlogy sigmoid logit ldexp frexp",
    "elementwise.extremes": "maximum minimum fmax fmin clamp clip clamp_min clamp_max relu",
    "elementwise.gammas": "igamma igammac mvlgamma",
    "elementwise.integers": "gcd lcm",
    "elementwise.logic": """
        logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift
        bitwise_right_shift
    """,
    "elementwise.parts": """
        real imag conj conj_physical resolve_conj resolve_neg is_conj is_neg complex polar angle view_as_real
        view_as_complex
    """,
    "elementwise.powers": "square sqrt rsqrt pow float_power",
    "elementwise.rounding": "ceil floor round trunc fix frac",
    "elementwise.selection": "where",
    "elementwise.signs": "sgn sign abs absolute copysign nextafter heaviside nan_to_num",
    "elementwise.special": "erf erfc erfinv lgamma digamma polygamma",
    "elementwise.trigonometry": """
        sin cos tan asin arcsin acos arccos atan arctan atan2 arctan2 sinh cosh tanh asinh arcsinh acosh arccosh atanh
        arctanh hypot sinc deg2rad rad2deg
    """,
    "fourier.shorttime": "istft stft",
    "fourier.windows": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
    "indexing.along": "index_add index_copy index_fill index_select put take",
    "indexing.filling": "fill fill_ zero_",
    "indexing.gathering": "gather scatter scatter_add take_along_dim",
    "indexing.masked": "argwhere masked_scatter masked_select nonzero unravel_index",
    "indexing.masks": "masked_fill",
    "indexing.scatter_reduction": "index_reduce scatter_reduce",
    "indexing.subscript": "index_put index_put_",
    "linalg.older": """
        cholesky cholesky_inverse cholesky_solve det geqrf inverse lobpcg logdet lu lu_solve lu_unpack matrix_exp orgqr
        ormqr pca_lowrank pinverse qr slogdet svd svd_lowrank triangular_solve vander
    """,
    "random.distributions": """
        bernoulli binomial multinomial normal poisson rand rand_like randint randint_like randn randn_like randperm
    """,
    "random.generator": "Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state",
    "reductions.cumulative": "cumsum cumprod cummax cummin",
    "reductions.differences": "diff gradient trapezoid trapz cumulative_trapezoid",
    "reductions.exponentials": "logsumexp logcumsumexp softmax log_softmax",
    "reductions.extremes": "amax amin aminmax max min argmax argmin",
    "reductions.moments": "var std var_mean std_mean cov corrcoef",
    "reductions.norms": "norm dist renorm",
    "reductions.products": "prod",
    "reductions.sums": "sum mean nansum nanmean trace",
    "reductions.truth": "all any count_nonzero equal allclose",
    "sorting.distinct": "unique unique_consecutive",
    "sorting.histograms": "bincount histc histogram histogramdd",
    "sorting.middle": "median nanmedian mode",
    "sorting.order": "sort argsort msort topk kthvalue",
    "sorting.quantiles": "quantile nanquantile",
    "sorting.search": "searchsorted bucketize isin",
    "structural.axes": "adjoint moveaxis movedim permute squeeze swapaxes swapdims t transpose unsqueeze",
    "structural.copies": """
        alias_copy as_strided_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy slice_copy
        split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsqueeze_copy view_copy
    """,
    "structural.diagonals": "diag diag_embed diagflat diagonal diagonal_scatter",
    "structural.expanding": "broadcast_shapes broadcast_tensors broadcast_to",
    "structural.flipping": "flip fliplr flipud roll rot90",
    "structural.grids": "block_diag cartesian_prod combinations meshgrid",
    "structural.joining": """
        cat chunk concat concatenate dsplit hsplit split split_with_sizes tensor_split unsafe_chunk unsafe_split
        unsafe_split_with_sizes vsplit
    """,
    "structural.padding": "constant_pad_nd",
    "structural.repeating": "repeat_interleave tile",
    "structural.reshape": "clone flatten ravel reshape unflatten",
    "structural.shuffling": "channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle",
    "structural.slicing": "narrow select select_scatter slice_inverse slice_scatter",
    "structural.stacking": "atleast_1d atleast_2d atleast_3d column_stack dstack hstack row_stack stack unbind vstack",
    "structural.striding": "as_strided as_strided_scatter",
    "structural.triangles": "tril tril_indices triu triu_indices",
}
__getattr__, __all__ = _later.names(__name__, _functions)
