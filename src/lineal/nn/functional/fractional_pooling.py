"""The largest elements of windows that lie at random, so many that the size shrinks by a fraction."""

from __future__ import annotations

import math
from typing import Any, Literal, overload

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Dims, Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.max_pooling import orderable
from lineal.ops.spatial.windows import check_spatial, several


def fractional(n: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any) -> tuple:
    """Return the largest elements of windows at random places over the last `n` dimensions, and where they are."""
    name = f"fractional_max_pool{n}d"
    shape = orderable(name, input)
    check_spatial(name, shape, n)
    sizes = shape[len(shape) - n :]
    kernels = several(name, "kernel_size", kernel_size, n)
    counts = wanted(name, sizes, output_size, output_ratio)
    for size, kernel, count in zip(sizes, kernels, counts):
        if count < 1 or kernel + count - 1 > size:
            raise RuntimeError(f"{name}: pool size {kernel} too large relative to input size {size} for {count} windows")
    lead = shape[: len(shape) - n]
    if samples is None:
        samples = ops.rand(1 if len(lead) == 1 else lead[0], lead[-1], n, dtype=input.dtype, device=input.device)
    check_samples(name, samples, input, lead, n)
    index = ops.zeros((), dtype=dtypes.int64, device=input.device)
    # the first of a plane's samples is for its width, of a volume's for its depth
    order = (1, 0) if n == 2 else tuple(range(n))
    for axis, (size, kernel, count) in enumerate(zip(sizes, kernels, counts)):
        starts = intervals(samples[: math.prod(lead[:-1]), :, order[axis]].reshape(*lead, 1), size, kernel, count)
        around = [1] * (2 * n)
        around[axis], around[n + axis] = count, kernel
        places = starts.unsqueeze(-1) + ops.arange(kernel, device=input.device)
        index = index * size + places.reshape(*lead, *around)
    return taken(input, index, n, f"FractionalMaxPool{n}DBackward0")


def taken(input: Any, index: Any, n: int, node: str) -> tuple:
    """Return the largest of the elements at `index`, whose last `n` axes are those of each window, and where they are."""
    shape = index.shape[: index.ndim - n]
    flat = index.flatten(-n).flatten(input.ndim - n, -2)
    read = input.flatten(-n).gather(-1, flat.flatten(-2)).reshape(flat.shape)
    y, best = read.max(-1)
    return renamed(y.reshape(shape), node), flat.gather(-1, best.unsqueeze(-1)).reshape(shape)


def intervals(sample: Any, size: int, kernel: int, count: int) -> Any:
    """Return where `count` windows begin.   Graham (2015), Fractional max-pooling, section 2: ⌊α (i + u)⌋ - ⌊α u⌋."""
    last = ops.full((*sample.shape[:-1], 1), size - kernel, dtype=dtypes.int64, device=sample.device)
    if count == 1:
        return last
    alpha = (size - kernel) / (count - 1)
    number = ops.arange(count - 1, device=sample.device).to(sample.dtype)
    return ops.cat([((number + sample) * alpha).to(dtypes.int64) - (sample * alpha).to(dtypes.int64), last], -1)


def wanted(name: str, sizes: tuple[int, ...], output_size: Any, output_ratio: Any) -> tuple[int, ...]:
    """Return how many windows there are to be in each dimension, told by number or by their share of the size."""
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is not None:
        return several(name, "output_size", output_size, len(sizes))
    ratios = [output_ratio] * len(sizes) if isinstance(output_ratio, (int, float)) else list(output_ratio)
    if len(ratios) != len(sizes):
        raise ValueError(f"{name}: output_ratio must be {len(sizes)} numbers, got {output_ratio}")
    return tuple([int(size * ratio) for size, ratio in zip(sizes, ratios)])


def check_samples(name: str, samples: Any, input: Any, lead: tuple[int, ...], n: int) -> None:
    """Refuse samples that are not `n` for each plane."""
    batch = 1 if len(lead) == 1 else lead[0]
    if samples.ndim != 3 or samples.shape[0] < batch or tuple(samples.shape[1:]) != (lead[-1], n):
        raise RuntimeError(f"{name}: expected _random_samples of shape {[batch, lead[-1], n]}, got {list(samples.shape)}")
    if samples.dtype is not input.dtype:
        raise RuntimeError(f"{name}: expected _random_samples to have the same dtype as input, {input.dtype}")


@public
def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return `fractional_max_pool2d` and the places, in the flattened plane, of what it takes."""
    return fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


@public
def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return `fractional_max_pool3d` and the places, in the flattened volume, of what it takes."""
    return fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


@overload
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    return_indices: Literal[False] = False,
    _random_samples: Tensor | None = None,
) -> Tensor: ...
@overload
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    *,
    return_indices: Literal[True],
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]: ...
@public
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the largest elements of `output_size` windows of (N, C, H, W) or (C, H, W), whose places are drawn.

    Instead of the number of windows, `output_ratio` gives their share of the input's size. Graham (2015), arXiv:1412.6071.
    """
    found = fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


@overload
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    return_indices: Literal[False] = False,
    _random_samples: Tensor | None = None,
) -> Tensor: ...
@overload
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    *,
    return_indices: Literal[True],
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]: ...
@public
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Dims,
    output_size: Dims | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the largest elements of windows of (N, C, D, H, W) or (C, D, H, W), as `fractional_max_pool2d` does."""
    found = fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]
