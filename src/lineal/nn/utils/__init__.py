"""Functions on parameters: how they are computed, pruned, fused, clipped, and all of them as one vector."""

import lazy_loader

from lineal.nn.utils import parametrizations, parametrize, prune, rnn, stateless
from lineal.nn.utils.clipping import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from lineal.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from lineal.nn.utils.memory_format import convert_conv2d_weight_memory_format, convert_conv3d_weight_memory_format
from lineal.nn.utils.skipping import skip_init
from lineal.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from lineal.nn.utils.vectors import parameters_to_vector, vector_to_parameters
from lineal.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "convert_conv2d_weight_memory_format",
    "convert_conv3d_weight_memory_format",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]

# PyTorch's paths
__getattr__, _, _ = lazy_loader.attach(__name__, ["clip_grad", "convert_parameters", "init"])
