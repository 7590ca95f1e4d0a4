"""The functions behind the layers, without state: `import lineal.nn.functional as F`."""

from lineal.nn.functional.activation import log_softmax, relu, sigmoid, softmax, tanh
from lineal.nn.functional.alignment import ctc_loss
from lineal.nn.functional.attention import scaled_dot_product_attention
from lineal.nn.functional.average_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
)
from lineal.nn.functional.bags import embedding_bag
from lineal.nn.functional.bilinear import bilinear
from lineal.nn.functional.binary import binary_cross_entropy, binary_cross_entropy_with_logits
from lineal.nn.functional.classification import cross_entropy, nll_loss
from lineal.nn.functional.counts import gaussian_nll_loss, poisson_nll_loss
from lineal.nn.functional.dense import linear
from lineal.nn.functional.divergence import kl_div
from lineal.nn.functional.encoding import one_hot
from lineal.nn.functional.folding import fold, unfold
from lineal.nn.functional.fractional_pooling import (
    fractional_max_pool2d,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d,
    fractional_max_pool3d_with_indices,
)
from lineal.nn.functional.grids import affine_grid, grid_sample
from lineal.nn.functional.lookup import embedding
from lineal.nn.functional.margins import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from lineal.nn.functional.max_pooling import (
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from lineal.nn.functional.multihead import multi_head_attention_forward
from lineal.nn.functional.normalisation import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    normalize,
    rms_norm,
)
from lineal.nn.functional.projection import linear_cross_entropy
from lineal.nn.functional.rectifiers import celu, elu, hardsigmoid, hardswish, hardtanh, leaky_relu, prelu, relu6, selu
from lineal.nn.functional.regression import l1_loss, mse_loss
from lineal.nn.functional.regularisation import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from lineal.nn.functional.resizing import interpolate, upsample, upsample_bilinear, upsample_nearest
from lineal.nn.functional.robust import huber_loss, smooth_l1_loss
from lineal.nn.functional.similarity import cosine_similarity, pairwise_distance
from lineal.nn.functional.smooth import gelu, glu, logsigmoid, mish, silu, softmin, softplus, softsign, tanhshrink
from lineal.nn.functional.thresholds import gumbel_softmax, hardshrink, rrelu, softshrink, threshold
from lineal.nn.functional.unpooling import max_unpool1d, max_unpool2d, max_unpool3d
from lineal.ops.contraction.convolving import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from lineal.ops.structural.padding import pad
from lineal.ops.structural.shuffling import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle

__all__ = [
    "linear",
    "bilinear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "log_softmax",
    "dropout",
    "one_hot",
    "mse_loss",
    "l1_loss",
    "nll_loss",
    "cross_entropy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "relu6",
    "leaky_relu",
    "prelu",
    "elu",
    "selu",
    "celu",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "silu",
    "gelu",
    "mish",
    "softplus",
    "softsign",
    "logsigmoid",
    "tanhshrink",
    "softmin",
    "glu",
    "layer_norm",
    "batch_norm",
    "group_norm",
    "instance_norm",
    "rms_norm",
    "local_response_norm",
    "normalize",
    "cosine_similarity",
    "pairwise_distance",
    "pad",
    "embedding",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "scaled_dot_product_attention",
    "multi_head_attention_forward",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "affine_grid",
    "grid_sample",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "interpolate",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "channel_shuffle",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
    "alpha_dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "ctc_loss",
    "embedding_bag",
    "gaussian_nll_loss",
    "poisson_nll_loss",
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "linear_cross_entropy",
    "gumbel_softmax",
    "hardshrink",
    "rrelu",
    "softshrink",
    "threshold",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]
