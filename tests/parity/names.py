"""Which entries of PyTorch's table of ops are held to parity, by family, and where a difference is meant."""

from dataclasses import dataclass

FAMILIES = {
    "structural": """
        as_strided atleast_1d atleast_2d atleast_3d broadcast_shapes broadcast_tensors broadcast_to
        cartesian_prod cat chunk clone column_stack combinations conj constant_pad_nd contiguous diag diag_embed
        diagflat diagonal diagonal_scatter dsplit dstack expand expand_as flatten flip fliplr flipud H hsplit
        hstack imag meshgrid mH movedim mT narrow permute ravel real repeat reshape reshape_as resolve_conj
        resolve_neg roll rot90 select select_scatter slice slice_scatter split split_with_sizes squeeze stack T
        t tensor_split tile transpose tril triu unbind unflatten unfold unsqueeze view view_as view_as_complex
        view_as_real vsplit vstack
    """.split(),
    "indexing": """
        __getitem__ argwhere fill gather index_add index_copy index_fill index_put index_reduce index_select
        item masked_fill masked_scatter masked_select nonzero put repeat_interleave scatter scatter_add
        scatter_reduce take take_along_dim tril_indices triu_indices unravel_index zero_
    """.split(),
    "conversion": """
        bfloat16 bool byte cdouble cfloat chalf char double float half int long short
    """.split(),
    "elementwise": """
        __radd__ __rand__ __rdiv__ __rmod__ __rmul__ __ror__ __rpow__ __rsub__ __rxor__ abs acos acosh add
        addcdiv addcmul angle asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor ceil clamp clamp_max clamp_min complex conj_physical copysign cos cosh
        deg2rad div eq exp exp2 expm1 float_power floor floor_divide fmax fmin fmod frac frexp gcd ge gt
        heaviside hypot isclose isfinite isinf isnan isneginf isposinf isreal lcm ldexp le lerp log log10 log1p
        log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit lt maximum minimum mul
        nan_to_num ne neg nextafter polar positive pow rad2deg reciprocal remainder round rsqrt rsub sgn sigmoid
        sign signbit sin sinh sqrt square sub tan tanh true_divide trunc where xlogy
    """.split(),
    "reductions": """
        all allclose amax amin aminmax any argmax argmin bincount corrcoef count_nonzero cov cummax cummin
        cumprod cumsum cumulative_trapezoid diff dist equal gradient histc histogram log_softmax logcumsumexp
        logsumexp max mean min nanmean nansum norm prod renorm softmax std std_mean sum sum_to_size trace
        trapezoid trapz var var_mean
    """.split(),
    "sorting": """
        argsort bucketize isin kthvalue median mode msort nanmedian nanquantile quantile searchsorted sort topk
        unique unique_consecutive
    """.split(),
    "contraction": """
        __rmatmul__ bmm cross dot einsum inner kron matmul mm mv outer tensordot vdot
        nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d nn.functional.conv_transpose1d
        nn.functional.conv_transpose2d nn.functional.conv_transpose3d nn.functional.fold nn.functional.unfold
    """.split(),
    "attention": """
        nn.functional.multi_head_attention_forward nn.functional.scaled_dot_product_attention
    """.split(),
    "linalg": """
        cholesky cholesky_inverse cholesky_solve geqrf linalg.cholesky linalg.cholesky_ex linalg.cond linalg.cross
        linalg.det linalg.diagonal linalg.eigvals linalg.eigvalsh linalg.householder_product linalg.inv linalg.inv_ex
        linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve linalg.lstsq linalg.lu linalg.lu_factor linalg.lu_factor_ex
        linalg.lu_solve linalg.matrix_norm
        linalg.matrix_power linalg.matrix_rank linalg.multi_dot linalg.norm linalg.pinv linalg.qr linalg.slogdet
        linalg.solve linalg.solve_ex linalg.solve_triangular linalg.svdvals linalg.tensorinv linalg.tensorsolve
        linalg.vander linalg.vecdot linalg.vector_norm logdet lu lu_solve lu_unpack matrix_exp ormqr pinverse qr
        triangular_solve addbmm addmm addmv addr baddbmm block_diag cdist chain_matmul
    """.split(),
    "random": """
        bernoulli multinomial normal rand_like randint randint_like randn randn_like uniform
    """.split(),
    "fourier": """
        fft.fft fft.fft2 fft.fftn fft.fftshift fft.hfft fft.hfft2 fft.hfftn fft.ifft fft.ifft2 fft.ifftn fft.ifftshift
        fft.ihfft fft.ihfft2 fft.ihfftn fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn istft
        signal.windows.bartlett signal.windows.blackman signal.windows.cosine signal.windows.exponential
        signal.windows.gaussian signal.windows.general_cosine signal.windows.general_hamming signal.windows.hamming
        signal.windows.hann signal.windows.kaiser signal.windows.nuttall stft
    """.split(),
    "special": """
        digamma erf erfc erfinv i0 igamma igammac lgamma mvlgamma polygamma sinc special.airy_ai special.bessel_j0
        special.bessel_j1 special.bessel_y0 special.bessel_y1 special.chebyshev_polynomial_t
        special.chebyshev_polynomial_u special.chebyshev_polynomial_v special.chebyshev_polynomial_w special.entr
        special.erfcx special.hermite_polynomial_h special.hermite_polynomial_he special.i0e special.i1 special.i1e
        special.laguerre_polynomial_l special.legendre_polynomial_p special.log_ndtr special.modified_bessel_i0
        special.modified_bessel_i1 special.modified_bessel_k0 special.modified_bessel_k1 special.ndtr special.ndtri
        special.polygamma special.scaled_modified_bessel_k0 special.scaled_modified_bessel_k1
        special.shifted_chebyshev_polynomial_t special.shifted_chebyshev_polynomial_u
        special.shifted_chebyshev_polynomial_v special.shifted_chebyshev_polynomial_w special.spherical_bessel_j0
        special.xlog1py special.zeta
    """.split(),
    "spatial": """
        nn.functional.adaptive_avg_pool1d nn.functional.adaptive_avg_pool2d nn.functional.adaptive_avg_pool3d
        nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d nn.functional.adaptive_max_pool3d
        nn.functional.avg_pool1d nn.functional.avg_pool2d nn.functional.avg_pool3d nn.functional.channel_shuffle
        nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d nn.functional.grid_sample
        nn.functional.interpolate nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.max_pool3d
        nn.functional.max_unpool1d nn.functional.max_unpool2d nn.functional.max_unpool3d nn.functional.pad
        nn.functional.pixel_shuffle nn.functional.pixel_unshuffle nn.functional.upsample_bilinear
        nn.functional.upsample_nearest
    """.split(),
    "nn": """
        nn.functional.alpha_dropout nn.functional.batch_norm nn.functional.bilinear nn.functional.binary_cross_entropy
        nn.functional.binary_cross_entropy_with_logits nn.functional.celu nn.functional.cosine_embedding_loss
        nn.functional.cosine_similarity nn.functional.cross_entropy nn.functional.ctc_loss nn.functional.dropout
        nn.functional.dropout2d nn.functional.dropout3d nn.functional.elu nn.functional.embedding nn.functional.embedding_bag
        nn.functional.feature_alpha_dropout nn.functional.gaussian_nll_loss nn.functional.gelu nn.functional.glu
        nn.functional.group_norm nn.functional.hardshrink nn.functional.hardsigmoid nn.functional.hardswish
        nn.functional.hardtanh nn.functional.hinge_embedding_loss nn.functional.huber_loss nn.functional.instance_norm
        nn.functional.kl_div nn.functional.l1_loss nn.functional.layer_norm nn.functional.leaky_relu nn.functional.linear
        nn.functional.linear_cross_entropy nn.functional.local_response_norm nn.functional.logsigmoid
        nn.functional.margin_ranking_loss nn.functional.mish nn.functional.mse_loss nn.functional.multi_margin_loss
        nn.functional.multilabel_margin_loss nn.functional.multilabel_soft_margin_loss nn.functional.nll_loss
        nn.functional.normalize nn.functional.one_hot nn.functional.pairwise_distance nn.functional.pdist
        nn.functional.poisson_nll_loss nn.functional.prelu nn.functional.relu nn.functional.relu6 nn.functional.rms_norm
        nn.functional.rrelu nn.functional.selu nn.functional.silu nn.functional.smooth_l1_loss nn.functional.soft_margin_loss
        nn.functional.softmin nn.functional.softplus nn.functional.softshrink nn.functional.softsign nn.functional.tanhshrink
        nn.functional.threshold nn.functional.triplet_margin_loss nn.functional.triplet_margin_with_distance_loss
        native_batch_norm native_layer_norm
    """.split(),
    "creation": """
        arange empty empty_like empty_strided eye full full_like linspace logspace new_empty new_empty_strided
        new_full new_ones new_zeros ones ones_like scalar_tensor zeros zeros_like
    """.split(),
}
FAMILY_OF = {name: family for family, members in FAMILIES.items() for name in members}

METHODS = """
    bfloat16 bool byte cdouble cfloat chalf char contiguous double expand expand_as float half int item long new_empty
    new_empty_strided new_full new_ones new_zeros repeat reshape_as short sum_to_size to unfold view view_as
""".split()
PROPERTIES = ("H", "T", "mH", "mT")

# Only shape and dtype are the library's promise: the values are random, or whatever the memory held.
ARBITRARY = """
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    nn.functional.alpha_dropout nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d
    nn.functional.feature_alpha_dropout nn.functional.rrelu
    bernoulli empty empty_like empty_strided multinomial new_empty new_empty_strided normal rand_like randint
    randint_like randn randn_like uniform
""".split()

# Where equal values tie, PyTorch leaves open which index is returned. The number is the position of `dim` in args.
TIES = {"argsort": 0, "kthvalue": 1, "median": 0, "mode": 0, "nanmedian": 0, "sort": 0, "topk": 1}


@dataclass(frozen=True)
class Deviation:
    """A difference from PyTorch that is meant: the op, the reason, and where it holds (everywhere if empty)."""

    op: str
    reason: str
    dtypes: tuple = ()
    kinds: tuple = ()
    text: str = ""

    def covers(self, name, dtype, kind, call):
        named = self.op in (name, name.partition(".")[0])
        held = (not self.dtypes or dtype in self.dtypes) and (not self.kinds or kind in self.kinds)
        return named and held and self.text in call


UNREAD = "the triangle that is not read has a derivative of zero; PyTorch's is not"
CALIBRATED = "PyTorch's derivative is right behind a log_softmax alone; this one is that by the log probabilities"
ALONE = "the derivative by a number that is its own mean is zero; PyTorch's is not"
ROUGH = "PyTorch's float64 has 6 to 9 digits here; tests/ops/test_special_accuracy.py holds ours to more"
POLES = "beside poles PyTorch computes in float32, where ours is float64 rounded once"
ELSEWHERE = "sums of 108 float32 numbers, rounded elsewhere, no further from float64"
DRAWS = "dropout draws other random numbers"
DEVIATIONS = (
    Deviation("chalf", "NumPy has no half-precision complex type"),
    Deviation(
        "linalg.pinv.hermitian", "PyTorch's derivative reads the triangle that its value does not", kinds=("grad", "grad2")
    ),
    Deviation("fft.hfft2", "a sum of 210 float32 numbers, rounded elsewhere", dtypes=("float32",)),
    Deviation("special.airy_ai", ROUGH, dtypes=("float64",)),
    Deviation("special.bessel_j0", ROUGH, dtypes=("float64",)),
    Deviation("special.bessel_j1", ROUGH, dtypes=("float64",)),
    Deviation("special.bessel_y0", ROUGH, dtypes=("float64",)),
    Deviation("special.bessel_y1", ROUGH, dtypes=("float64",)),
    Deviation("polygamma", POLES, dtypes=("float32",)),
    Deviation("special.polygamma.special_polygamma_n_0", POLES, dtypes=("float32",)),
    Deviation("logcumsumexp", "in float32 PyTorch's derivative loses digits", dtypes=("float32",), kinds=("grad", "method")),
    Deviation("nn.functional.conv3d", "in float32 PyTorch's sum has the larger error", ("float32",), ("value",), "dilation=3"),
    Deviation("nn.functional.conv_transpose3d", ELSEWHERE, ("float32",), ("value",), "float32[4,8,3,3,3]"),
    Deviation("matrix_exp", "float32 is computed in float64; PyTorch's last digits are lost", dtypes=("float32",)),
    Deviation("linalg.norm.subgradients_at_zero", "PyTorch's second derivative of the zero vector is NaN", kinds=("grad2",)),
    Deviation("nn.functional.batch_norm", "an input without a dimension of channels is refused", text="[0]"),
    Deviation("nn.functional.grid_sample", "PyTorch rounds places to bfloat16, and so loses them", ("bfloat16",), ("grad",)),
    Deviation("nn.functional.poisson_nll_loss", "PyTorch's derivative by a count of 0 is NaN", ("bfloat16",), ("grad",)),
    Deviation("nn.functional.ctc_loss", CALIBRATED, kinds=("grad", "grad2")),
    Deviation("nn.functional.linear_cross_entropy.chunked", "PyTorch's pieces have no second derivative", kinds=("grad2",)),
    Deviation("nn.functional.layer_norm", ALONE, ("float32",), ("grad",), "float32[1]"),
    Deviation("native_layer_norm", ALONE, ("float32",), ("grad",), "float32[1]"),
    Deviation("nn.functional.scaled_dot_product_attention", DRAWS, text="dropout_p=0.5"),
    Deviation("nn.functional.multi_head_attention_forward", DRAWS, text=", False, 0.5, "),
    Deviation("cholesky_inverse", UNREAD, kinds=("grad", "method")),
    Deviation("cholesky_solve", UNREAD, kinds=("grad", "method")),
)


def deviation(name, dtype, kind, call):
    """Return why a failure is meant, or None."""
    return next((known.reason for known in DEVIATIONS if known.covers(name, dtype, kind, call)), None)
