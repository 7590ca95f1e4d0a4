"""Convolutions as users call them: images of one, two or three axes, in batches or alone, and what is refused."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.codegen.contract.geometry import Geometry
from lineal.core.calling import public
from lineal.ops.contraction.convolution import by_image, convolution_op
from lineal.ops.contraction.products import require_same_dtype
from lineal.ops.conversion import dtype_of
from lineal.ops.promotion import unsupported
from lineal.ops.structural.axes import permute, squeeze, unsqueeze
from lineal.ops.structural.reshape import contiguous

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution",
]  # fmt: skip

Ints = tuple[int, ...]


class Way(NamedTuple):
    """How a kernel goes over an image: one number for each axis, zeros in front of and behind it, and the groups."""

    stride: Ints
    dilation: Ints
    front: Ints
    behind: Ints
    groups: int


@public
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return Σ weight[o, c, r] input[n, c, i · stride + r · dilation - padding] + bias[o].

    `input` (N, C, L) or (C, L), `weight` (O, C / groups, K), `bias` (O,); `padding` is a number of zeros, "valid" or "same".
    """
    return direct("conv1d", 1, (input, weight, bias), (stride, padding, dilation, groups))


@public
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return what `conv1d` does, of images of two axes.

    `input` (N, C, H, W) or (C, H, W), `weight` (O, C / groups, K, L), `bias` (O,).
    """
    return direct("conv2d", 2, (input, weight, bias), (stride, padding, dilation, groups))


@public
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return what `conv1d` does, of images of three axes.

    `input` (N, C, D, H, W) or (C, D, H, W), `weight` (O, C / groups, K, L, M), `bias` (O,).
    """
    return direct("conv3d", 3, (input, weight, bias), (stride, padding, dilation, groups))


@public
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Return Σ weight[o, c, r] input[n, o, i] + bias[c] over all i · stride + r · dilation - padding = j: conv1d's adjoint.

    `input` (N, O, L) or (O, L), `weight` (O, C / groups, K), `bias` (C,). The result is (L - 1) · stride - 2 · padding +
    dilation · (K - 1) + output_padding + 1 long.
    """
    return transposed("conv_transpose1d", 1, (input, weight, bias), (stride, padding, dilation, groups), output_padding)


@public
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Return what `conv_transpose1d` does, of images of two axes.

    `input` (N, O, H, W) or (O, H, W), `weight` (O, C / groups, K, L), `bias` (C,).
    """
    return transposed("conv_transpose2d", 2, (input, weight, bias), (stride, padding, dilation, groups), output_padding)


@public
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Return what `conv_transpose1d` does, of images of three axes.

    `input` (N, O, D, H, W) or (O, D, H, W), `weight` (O, C / groups, K, L, M), `bias` (C,).
    """
    return transposed("conv_transpose3d", 3, (input, weight, bias), (stride, padding, dilation, groups), output_padding)


@public
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Return Σ weight[r, c, o] input[t + r - pad, n, c] + bias[o]: conv1d of time, batch and channels, in this order.

    `input` (T, N, C), `weight` (K, C, O), `bias` (O,); the result is T + 2 · pad - K + 1 long.
    """
    require_same_dtype("conv_tbc", input, weight, bias)
    x, w, b = (each.value.shape for each in (input, weight, bias))
    if len(x) != 3 or len(w) != 3 or len(b) != 1:
        raise RuntimeError(
            f"conv_tbc: expected input (time, batch, channels), weight (kernel, channels, outputs) and bias (outputs,), "
            f"but got shapes {list(x)}, {list(w)} and {list(b)}"
        )
    if x[2] != w[1] or w[2] != b[0]:
        raise RuntimeError(f"conv_tbc: channels of input {list(x)}, weight {list(w)} and bias {list(b)} do not match")
    length = x[0] + 2 * pad - w[0] + 1
    if length < 0:
        raise RuntimeError(f"conv_tbc: a kernel of {w[0]} moments is longer than input {list(x)} with {pad} zeros on each side")
    geometry = Geometry((x[0],), (w[0],), (length,), (1,), (1,), (pad,))
    y = convolution_op(geometry, permute(input, (1, 2, 0)), permute(weight, (2, 1, 0)), bias)
    return contiguous(permute(y, (2, 0, 1)))


@public
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """Return the convolution of a batch of images of as many axes as `weight` has behind its first two, or its adjoint."""
    axes = weight.value.ndim - 2
    given, way = (input, weight, bias), (stride, padding, dilation, groups)
    if axes < 1 or input.value.ndim != axes + 2:
        raise RuntimeError(
            f"convolution: Expected {axes + 2}-dimensional input for {axes + 2}-dimensional weight {list(weight.value.shape)}, "
            f"but got {input.value.ndim}-dimensional input of size {list(input.value.shape)} instead"
        )
    return adjoint("convolution", axes, given, way, output_padding) if transposed else forward("convolution", axes, given, way)


def direct(name: str, axes: int, given: tuple, way: tuple) -> Any:
    """Return the convolution of a batch, or of one image."""
    return (
        forward(name, axes, given, way) if batched(name, axes, *given) else squeeze(forward(name, axes, alone(given), way), 0)
    )


def transposed(name: str, axes: int, given: tuple, way: tuple, output_padding: Any) -> Any:
    """Return the transposed convolution of a batch, or of one image."""
    if batched(name, axes, *given):
        return adjoint(name, axes, given, way, output_padding)
    return squeeze(adjoint(name, axes, alone(given), way, output_padding), 0)


def alone(given: tuple) -> tuple:
    """Return the inputs with the image as a batch of one."""
    return (unsqueeze(given[0], 0), *given[1:])


def batched(name: str, axes: int, x: Tensor, w: Tensor, bias: Tensor | None) -> bool:
    """Return whether there is a batch of images; raise unless the dtypes are one and the dimensions as they must be."""
    require_same_dtype(name, x, w, *(() if bias is None else (bias,)))
    dimensions, shape = x.value.ndim, list(x.value.shape)
    if dimensions not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"{name}: Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to {name}, but got input of size: {shape}"
        )
    if w.value.ndim != axes + 2:
        raise RuntimeError(f"{name}: expected weight of {axes + 2} dimensions, got weight of size {list(w.value.shape)}")
    return dimensions == axes + 2


def forward(name: str, axes: int, given: tuple, way: tuple) -> Any:
    """Return the convolution of a batch of images."""
    x, w, bias = given
    sizes, kernel = x.value.shape[2:], w.value.shape[2:]
    how = understood(name, axes, kernel, *way)
    require_dtype(name, x, dtypes.bool_)
    require_channels(name, x, w, bias, how.groups, False)
    if 0 in sizes:
        raise RuntimeError(
            f"{name}: Only zero batch or zero channel inputs are supported, but got input shape: {list(x.shape)}"
        )
    whole = [size + front + behind for size, front, behind in zip(sizes, how.front, how.behind)]
    reach = [far * (side - 1) + 1 for far, side in zip(how.dilation, kernel)]
    if any(far > size for far, size in zip(reach, whole)):
        raise RuntimeError(
            f"{name}: Calculated padded input size per channel: ({by(whole)}). Kernel size: ({by(reach)}). "
            "Kernel size can't be greater than actual input size"
        )
    places = tuple([(size - far) // step + 1 for size, far, step in zip(whole, reach, how.stride)])
    geometry = Geometry(tuple(sizes), tuple(kernel), places, how.stride, how.dilation, how.front, how.groups)
    return convolution_op(geometry, x, w, *(() if bias is None else (bias,)))


def adjoint(name: str, axes: int, given: tuple, way: tuple, output_padding: Any) -> Any:
    """Return the transposed convolution of a batch of images."""
    x, w, bias = given
    places, kernel = x.value.shape[2:], w.value.shape[2:]
    if isinstance(way[1], str):
        raise TypeError(f"{name}(): argument 'padding' must be tuple of ints, not str")
    how = understood(name, axes, kernel, *way)
    require_dtype(name, x, dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32)
    more = for_each(name, "output_padding", output_padding, axes)
    if min(more) < 0:
        raise RuntimeError(f"{name}: negative output_padding is not supported, got {list(more)}")
    if any(each >= max(step, far) for each, step, far in zip(more, how.stride, how.dilation)):
        raise RuntimeError(
            f"{name}: output padding must be smaller than either stride or dilation, but got output_padding {list(more)}, "
            f"stride {list(how.stride)} and dilation {list(how.dilation)}"
        )
    require_channels(name, x, w, bias, how.groups, True)
    if 0 in places:
        raise RuntimeError(
            f"{name}: Only zero batch or zero channel inputs are supported, but got input shape: {list(x.shape)}"
        )
    fields = zip(places, how.stride, how.front, how.dilation, kernel, more)
    image = tuple([(n - 1) * step - 2 * front + far * (side - 1) + each + 1 for n, step, front, far, side, each in fields])
    if min(image) < 1:
        raise RuntimeError(f"{name}: the output would be too small: ({by(image)}) for input ({by(places)})")
    geometry = Geometry(image, tuple(kernel), tuple(places), how.stride, how.dilation, how.front, how.groups)
    return by_image(geometry, x, w, *(() if bias is None else (bias,)))


def understood(name: str, axes: int, kernel: Ints, stride: Any, padding: Any, dilation: Any, groups: int) -> Way:
    """Return how the kernel goes over the image; raise where that makes no sense."""
    stride, dilation = for_each(name, "stride", stride, axes), for_each(name, "dilation", dilation, axes)
    if isinstance(padding, str):
        front, behind = named_padding(name, padding, kernel, stride, dilation)
    else:
        front = behind = for_each(name, "padding", padding, axes)
    for word, what, least in (("non-positive", "stride", min(stride)), ("non-positive", "dilation", min(dilation))):
        if least < 1:
            raise RuntimeError(f"{name}: {word} {what} is not supported, got {least}")
    if min(front) < 0:
        raise RuntimeError(f"{name}: negative padding is not supported, got {list(front)}")
    if groups < 1:
        raise RuntimeError(f"{name}: non-positive groups is not supported, got {groups}")
    if 0 in kernel:
        raise RuntimeError(f"{name}: expected a kernel of at least one element, got kernel size ({by(kernel)})")
    return Way(stride, dilation, front, behind, groups)


def for_each(name: str, argument: str, given: Any, axes: int) -> Ints:
    """Return one whole number for each axis."""
    values = given if isinstance(given, (tuple, list)) else (given,)
    for value in values:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"{name}(): argument '{argument}' must be tuple of ints, not {type(value).__name__}")
    found = tuple(map(operator.index, values))
    if len(found) not in (1, axes):
        raise RuntimeError(
            f"{name}: expected {argument} to be a single integer value or a list of {axes} values to match the convolution "
            f"dimensions, but got {argument}={list(found)}"
        )
    return found if len(found) == axes else found * axes


def named_padding(name: str, padding: str, kernel: Ints, stride: Ints, dilation: Ints) -> tuple[Ints, Ints]:
    """Return the zeros in front and behind that "valid" and "same" mean; of an odd number, one more behind."""
    if padding == "valid":
        return (0,) * len(kernel), (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"{name}: Invalid padding string: '{padding}', should be one of 'valid', 'same'")
    if max(stride) > 1:
        raise RuntimeError(f"{name}: padding='same' is not supported for strided convolutions, got stride {list(stride)}")
    total = [far * (side - 1) for far, side in zip(dilation, kernel)]
    return tuple([each // 2 for each in total]), tuple([each - each // 2 for each in total])


def require_dtype(name: str, x: Tensor, *refused: dtypes.dtype) -> None:
    """Raise if x is of a dtype of which there are no such convolutions."""
    if dtype_of(x) in refused:
        raise unsupported(name, dtype_of(x))


def require_channels(name: str, x: Tensor, w: Tensor, bias: Tensor | None, groups: int, turned: bool) -> None:
    """Raise unless the channels of image, kernel and bias fit."""
    shape, sizes = list(w.value.shape), list(x.value.shape)
    head = f"{name}: Given transposed=1, weight" if turned else f"{name}: Given groups={groups}, weight"
    if shape[0] < groups or shape[0] % groups:
        what = f"divisible by {groups}" if shape[0] >= groups else f"at least {groups}"
        raise RuntimeError(
            f"{name}: Given groups={groups}, expected weight to be {what} at dimension 0, "
            f"but got weight of size {shape} instead"
        )
    expected = shape[0] if turned else shape[1] * groups
    if sizes[1] != expected:
        raise RuntimeError(
            f"{head} of size {shape}, expected input{sizes} to have {expected} channels, but got {sizes[1]} channels instead"
        )
    outputs = shape[1] * groups if turned else shape[0]
    if bias is not None and bias.value.shape != (outputs,):
        raise RuntimeError(
            f"{head} of size {shape}, expected bias to be 1-dimensional with {outputs} elements, but got bias of size "
            f"{list(bias.value.shape)} instead"
        )


def by(sizes: Sequence[int]) -> str:
    """Return sizes as in `5 x 7`."""
    return " x ".join(map(str, sizes))
