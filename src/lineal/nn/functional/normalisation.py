"""Functions that give their input mean 0 and variance 1, or length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.dtypes import promote_types
from lineal.base.limits import finfo
from lineal.base.signatures import Dims, Tensor
from lineal.core import no_grad, renamed
from lineal.core.calling import public
from lineal.ops.front import nary
from lineal.ops.reductions import normalisation
from lineal.ops.reductions.front import is_one_op
from lineal.ops.reductions.standardising import inverse_spread
from lineal.ops.structural.padding import pad

_by_statistics = nary(
    "native_batch_norm",
    lambda m, x, mean, r, w, b: (x - mean) * r * w + b,
    lambda g, r, w: g * (r * w),
    lambda g, r, w: -g * (r * w),
    lambda g, x, mean, w: g * (x - mean) * w,
    lambda g, x, mean, r: g * (x - mean) * r,
    lambda g: g,
    domain="float",
)


def widened(input: Any, *others: Any) -> tuple[Any, ...]:
    """Return the tensors in the dtype in which they are computed together: half precisions as float32; None stays."""
    if are_alike(input, others):
        return input, *others
    dtype = input.dtype
    wide = dtype.computes_in
    if wide is dtype and all(each is None or each.dtype is dtype for each in others):
        return input, *others
    for each in others:
        wide = wide if each is None else promote_types(wide, each.dtype.computes_in)
    return tuple(each if each is None else each.to(wide) for each in (input, *others))


def normalised(input: Any, *others: Any) -> tuple[Any, ...]:
    """Return the tensors that an op of normalisation is given: as they are if large and alike, since it rounds once itself."""
    return (input, *others) if is_one_op(input, *others) else widened(input, *others)


def are_alike(input: Any, others: Sequence[Any]) -> bool:
    """Return whether all tensors are float32, or all float64: nothing has to be asked or converted then."""
    storage = input.value.dtype
    for each in others:
        if each is not None and each.value.dtype is not storage:
            return False
    return storage.char in "fd"


def rounded(y: Any, input: Any) -> Any:
    """Return a result in the dtype of the input."""
    return y if y.value.dtype is input.value.dtype else y.to(input.dtype)


def require_floating(name: str, input: Any, *others: Any) -> None:
    """Refuse whole and complex numbers, and others of another dtype, unless they are float32 beside half precision."""
    if are_alike(input, others):
        return
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"{name}: expected a floating dtype, got {input.dtype}")
    for each in others:
        if each is not None and each.dtype is not input.dtype and each.dtype is not input.dtype.computes_in:
            raise RuntimeError(f"{name}: mixed dtypes: expected parameters of dtype {input.dtype}, got {each.dtype}")


def inner_shape(name: str, input: Any, normalized_shape: int | Sequence[int], **given: Any) -> tuple[int, ...]:
    """Return the shape of the last dimensions that are normalised; RuntimeError unless they, and what is given, have it."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if shape and input.value.shape[-len(shape) :] == shape and have_shape(given, shape):
        return shape
    if not shape:
        raise RuntimeError(f"{name}: expected normalized_shape to have at least one dimension, got ()")
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"{name}: given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], got {list(input.shape)}"
        )
    for what, values in given.items():
        if values is not None and tuple(values.shape) != shape:
            raise RuntimeError(f"{name}: expected {what} of shape {list(shape)}, got {list(values.shape)}")
    return shape


def have_shape(given: dict[str, Any], shape: tuple[int, ...]) -> bool:
    """Return whether all tensors that are given have a shape."""
    return all(each is None or each.value.shape == shape for each in given.values())


@public
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """Return (x - mean) / √(variance + eps) · weight + bias over the last dimensions, which are `normalized_shape`.

    Ba, Kiros and Hinton (2016), arXiv:1607.06450.
    """
    shape = inner_shape("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    require_floating("layer_norm", input, weight, bias)
    x, w, b = normalised(input, weight, bias)
    y, _, _ = normalisation.layer_norm(x, len(shape), w, b, eps)
    return renamed(rounded(y, input), "NativeLayerNormBackward0")


@public
def rms_norm(
    input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Return x / √(mean x² + eps) · weight over the last dimensions, which are `normalized_shape`.

    `eps` is by default the machine epsilon of the dtype of the input, which may be complex. Zhang and Sennrich (2019),
    arXiv:1910.07467.
    """
    shape = inner_shape("rms_norm", input, normalized_shape, weight=weight)
    if not input.dtype.is_complex:
        require_floating("rms_norm", input)
    eps = finfo(input.dtype).eps if eps is None else eps
    x, w = widened(input, weight)
    axes = tuple(range(input.ndim - len(shape), input.ndim))
    y = x * (ops.rsqrt((x * x).mean(axes, True) + eps) if x.dtype.is_complex else inverse_spread(x, axes, eps))
    return (y if w is None else y * w).to(input.dtype)


@public
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Return (x - mean) / √(variance + eps) · weight + bias over each of `num_groups` groups of the channels of (N, C, …).

    Wu and He (2018), arXiv:1803.08494.
    """
    check_channels("group_norm", input, weight=weight, bias=bias)
    if num_groups <= 0 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"group_norm: expected number of channels in input to be divisible by num_groups, got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    if input.numel() == num_groups:
        raise ValueError(f"group_norm: Expected more than 1 value per channel when training, got {list(input.shape)}")
    x, w, b = normalised(input, weight, bias)
    y, _, _ = normalisation.group_norm(x, num_groups, w, b, eps)
    return renamed(rounded(y, input), "NativeGroupNormBackward0")


@public
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Return (x - mean) / √(variance + eps) · weight + bias for each channel of each example of (N, C, …).

    With `use_input_stats`, the running statistics, if given, move by the share `momentum` towards the averages over the
    examples; else they are used.   Ulyanov, Vedaldi and Lempitsky (2016), arXiv:1607.08022.
    """
    check_channels("instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    count = input[0, 0].numel() if input.numel() else 0
    if count == 1:
        raise ValueError(
            f"instance_norm: Expected more than 1 spatial element when training, got input size {list(input.shape)}"
        )
    x, w, b = widened(input, weight, bias)
    y, mean, var = normalisation.group_norm(x.contiguous(), input.shape[1], w, b, eps)
    remember(mean.detach().mean(0), var.detach().mean(0), count, running_mean, running_var, momentum)
    return renamed(y.to(input.dtype), "ViewBackward0")


@public
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Return (x - mean) / √(variance + eps) · weight + bias for each of the channels in dimension 1.

    While training, mean and variance are those of the batch, and the running ones, if given, move towards them by the
    share `momentum` (the variance without bias); else the running ones are used.  Ioffe and Szegedy (2015),
    arXiv:1502.03167.
    """
    if training:
        value = input.value
        count = value.size // max(value.shape[1], 1) if value.ndim > 1 else 0
        if count == 1:
            raise ValueError(f"batch_norm: Expected more than 1 value per channel when training, got {list(input.shape)}")
    y, _, _ = normalised_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)
    return y


def normalised_batch(
    input: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, training: bool, momentum: float, eps: float
) -> tuple[Any, Any, Any]:
    """Return what `batch_norm` does, and the mean and the variance of the batch; None outside training."""
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm: eps must be {'positive during training' if training else 'non-negative'}, got {eps}")
    check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        return by_statistics(input, running_mean, running_var, weight, bias, eps), None, None
    x, w, b = normalised(input, weight, bias)
    y, mean, var = normalisation.batch_norm(x, w, b, eps)
    mean, var = mean.detach(), var.detach()
    if running_mean is not None or running_var is not None:
        remember(mean, var, input.numel() // max(input.shape[1], 1), running_mean, running_var, momentum)
    return renamed(rounded(y, input), "NativeBatchNormBackward0"), mean, var


def by_statistics(input: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Return the input normalised by a given mean and variance of each channel."""
    if mean is None or var is None:
        raise RuntimeError("batch_norm: expected running_mean and running_var to be given outside training")
    shape = (-1, *[1] * (input.ndim - 2))
    r = ops.rsqrt(var.to(var.dtype.computes_in) + eps)
    w, b = (number if each is None else each.reshape(shape) for each, number in ((weight, 1.0), (bias, 0.0)))
    y = _by_statistics(input, mean.reshape(shape), r.reshape(shape), w, b)
    return renamed(y.to(input.dtype), "NativeBatchNormBackward0")


def check_channels(op: str, input: Any, **given: Any) -> None:
    """Refuse an input without channels, and statistics or weights that are not one per channel."""
    if input.value.ndim < 2:
        raise RuntimeError(f"{op}: expected input (N, C, …), got shape {list(input.shape)}")
    for name, values in given.items():
        if values is not None and values.value.shape != (input.value.shape[1],):
            raise RuntimeError(f"{op}: expected {name} for each of {input.shape[1]} channels, got shape {list(values.shape)}")
    require_floating(op, input, *given.values())


@no_grad()
def remember(mean: Any, var: Any, count: int, running_mean: Any, running_var: Any, momentum: float) -> None:
    """Move running statistics towards those of `count` values per channel; of none they learn nothing."""
    if not count:
        return
    if running_mean is not None:
        running_mean.lerp_(mean.to(running_mean.dtype), momentum)
    if running_var is not None:
        unbiased = var * (count / (count - 1) if count > 1 else float("nan"))
        running_var.lerp_(unbiased.to(running_var.dtype), momentum)


@public
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Return x / (k + alpha · mean of x² over `size` neighbouring channels)^beta; channels beyond the ends count as 0.

    Krizhevsky, Sutskever and Hinton (2012), section 3.3, with the mean for the sum.
    """
    if input.ndim < 3:
        raise ValueError(f"local_response_norm: Expected 3D or higher dimensionality input, got {input.ndim} dimensions")
    if size <= 0 or not input.numel():
        if size <= 0:
            raise ValueError(f"local_response_norm: expected a positive size, got {size}")
        return input
    squares = input.square().transpose(1, -1)
    windows = pad(squares, (size // 2, (size - 1) // 2)).unfold(-1, size, 1)
    # the average of whole numbers is a whole number, as that of pooling
    whole = not input.dtype.is_floating_point
    around = (ops.div(windows.sum(-1), size, rounding_mode="trunc") if whole else windows.mean(-1)).transpose(1, -1)
    return renamed(input / (around * alpha + k).pow(beta), "DivBackward0")


@public
def normalize(input: Tensor, p: float = 2.0, dim: Dims = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Return x / max(‖x‖ₚ, eps) along `dim`."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    return ops.div(input, length.expand_as(input), out=out)
