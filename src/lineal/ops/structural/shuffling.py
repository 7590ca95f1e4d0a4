"""Channels taken for pixels, pixels for channels, and channels dealt out to groups."""

from __future__ import annotations

from typing import Any

from lineal.base.formats import contiguous_format
from lineal.base.layouts import is_last, last_steps, steps_in
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, apply, renamed
from lineal.core.calling import public
from lineal.core.inplace import Copy
from lineal.ops.front import require_tensor
from lineal.ops.structural.axes import permute
from lineal.ops.structural.reshape import clone, laid, reshape

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


@public
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Return (…, C, r h, r w) of (…, C r², h, w): each pixel becomes r × r of them.

    Shi et al. (2016), Real-time single image and video super-resolution, eq. 4.
    """
    *lead, channels, height, width = planes("pixel_shuffle", input, upscale_factor)
    r, n = upscale_factor, len(lead)
    if channels % (r * r):
        raise RuntimeError(
            f"pixel_shuffle: expects its input's 'channel' dimension to be divisible by the square of upscale_factor {r}, "
            f"but got {channels} channels"
        )
    split = reshape(input, (*lead, channels // (r * r), r, r, height, width))
    y = permute(split, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return renamed(
        copied(y, (*lead, channels // (r * r), height * r, width * r), 1 if is_images(input) else 0), "PixelShuffleBackward0"
    )


@public
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Return (…, C r², h, w) of (…, C, r h, r w): r × r pixels become channels of one."""
    *lead, channels, height, width = planes("pixel_unshuffle", input, downscale_factor)
    r, n = downscale_factor, len(lead)
    if height % r or width % r:
        raise RuntimeError(
            f"pixel_unshuffle: expects height and width to be divisible by downscale_factor {r}, but got {height} and {width}"
        )
    split = reshape(input, (*lead, channels, height // r, r, width // r, r))
    y = permute(split, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return renamed(
        copied(y, (*lead, channels * r * r, height // r, width // r), 3 if is_images(input) else 0), "PixelUnshuffleBackward0"
    )


def is_images(x: AbstractTensor) -> bool:
    """Return whether x lies channels last."""
    return is_last(x.value.shape, x.value.strides)


def copied(x: Any, shape: tuple[int, ...], last: int) -> Any:
    """Return x in another shape and memory of its own, also where a view could have the shape.

    So many axes after the first are the channels of images that lie channels last.
    """
    if not last:
        return reshape(clone(x, memory_format=contiguous_format), shape)
    order = (0, *range(last + 1, x.value.ndim), *range(1, last + 1))
    return laid(reshape(apply(Copy(steps_in(x.value.shape, order)), x), shape), last_steps(shape))


def planes(name: str, input: AbstractTensor, factor: int) -> tuple[int, ...]:
    """Return the shape of what is to be shuffled by a factor."""
    shape = require_tensor(name, input).shape
    if len(shape) < 3:
        raise RuntimeError(f"{name}: expects input to have at least 3 dimensions, but got input with {len(shape)} dimension(s)")
    if factor <= 0:
        raise RuntimeError(f"{name}: expects a positive factor, but got {factor}")
    return shape


def dealt(input: Any, groups: int) -> Any:
    """Return the channels, dimension 1, in the order of their place in their group."""
    shape = require_tensor("channel_shuffle", input).shape
    if len(shape) <= 2:
        raise RuntimeError(f"channel_shuffle: expects input with > 2 dims, but got input with sizes {list(shape)}")
    if groups <= 0:
        raise RuntimeError(f"channel_shuffle: Number of groups to divide channels in must be positive, got {groups}")
    if shape[1] % groups:
        raise RuntimeError(f"channel_shuffle: Number of channels must be divisible by groups, got {shape[1]} and {groups}")
    split = reshape(input, (shape[0], groups, shape[1] // groups, *shape[2:]))
    return copied(permute(split, (0, 2, 1, *range(3, len(shape) + 1))), shape, 2 if is_images(input) else 0)


@public
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Return (N, C, …) with the first channel of each of `groups` first, then their second …

    Zhang et al. (2018), ShuffleNet, section 3.1.
    """
    return renamed(dealt(input, groups), "ChannelShuffleBackward0")


@public
def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Return what `channel_shuffle` does."""
    return renamed(dealt(input, groups), "NativeChannelShuffleBackward0")
