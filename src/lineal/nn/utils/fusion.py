"""A batch normalisation in evaluation mode as part of the layer before it."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from lineal import ops
from lineal.nn.batch_normalisation import ChannelNorm
from lineal.nn.convolution import ConvNd
from lineal.nn.linear import Linear
from lineal.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

C = TypeVar("C", bound=ConvNd)
L = TypeVar("L", bound=Linear)


def require_evaluation(layer: Any, bn: Any) -> None:
    """Raise AssertionError unless both are in evaluation mode and the statistics are there."""
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv: C, bn: ChannelNorm, transpose: bool = False) -> C:
    """Return a copy of a convolution that does what it and the normalisation after it do, both in evaluation mode.

    `transpose` says that its weight has the outputs in dimension 1.
    """
    require_evaluation(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Any, conv_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any, transpose: bool = False
) -> tuple[Parameter, Parameter]:
    """Return W s and (b - mean) s + β, with s = γ / √(variance + eps) for each output, as parameters in their dtypes.

    b and β may be None for 0, γ for 1. RuntimeError if the outputs are not as many as the statistics.
    """
    bias_dtype = conv_w.dtype if conv_b is None else conv_b.dtype
    conv_b = ops.zeros_like(bn_rm) if conv_b is None else conv_b
    bn_w = ops.ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = ops.zeros_like(bn_rm) if bn_b is None else bn_b
    outputs = 1 if transpose else 0
    # with groups, a transposed convolution's weight has the outputs of one group there
    if bn_rm.numel() not in (1, conv_w.shape[outputs]):
        raise RuntimeError(
            f"fuse_conv_bn_weights: expected conv_w with {bn_rm.numel()} outputs in dimension {outputs}, "
            f"got shape {list(conv_w.shape)}"
        )
    each = (bn_rv + bn_eps).rsqrt()
    shape = [1] * conv_w.ndim
    shape[outputs] = -1
    weight = (conv_w * (bn_w * each).reshape(shape)).to(conv_w.dtype)
    bias = ((conv_b - bn_rm) * each * bn_w + bn_b).to(bias_dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(bias, conv_b.requires_grad)


def fuse_linear_bn_eval(linear: L, bn: ChannelNorm) -> L:
    """Return a copy of a linear layer that does what it and the normalisation after it do, both in evaluation mode.

    AssertionError unless the normalisation has as many features as the layer gives, or 1.
    """
    require_evaluation(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, "
            f"got linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """Return W s and (b - mean) s + β, with s = γ / √(variance + eps) for each output, as parameters in their dtypes."""
    bias_dtype = linear_w.dtype if linear_b is None else linear_b.dtype
    linear_b = ops.zeros_like(bn_rm) if linear_b is None else linear_b
    each = bn_w * (bn_rv + bn_eps).rsqrt()
    weight = linear_w * each.unsqueeze(-1).to(linear_w.dtype)
    bias = ((linear_b - bn_rm) * each + bn_b).to(bias_dtype)
    return Parameter(weight, linear_w.requires_grad), Parameter(bias, linear_b.requires_grad)
