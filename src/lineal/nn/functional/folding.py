"""Sliding blocks of images as columns, and columns added up to images."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal.base.dtypes import Category
from lineal.base.signatures import Dims, Tensor
from lineal.codegen.contract.geometry import Geometry
from lineal.core.calling import public
from lineal.ops.contraction.patches import patches, patches_added
from lineal.ops.conversion import dtype_of
from lineal.ops.promotion import unsupported
from lineal.ops.structural.axes import squeeze, unsqueeze

NAMES = ("kernel_size", "dilation", "padding", "stride")


@public
def unfold(input: Tensor, kernel_size: Dims, dilation: Dims = 1, padding: Dims = 0, stride: Dims = 1) -> Tensor:
    """Return the blocks that a kernel sees of images, each as a column.

    `input` (N, C, H, W) or (C, H, W); the result is (N, C · kernel, places) or (C · kernel, places).
    """
    shape = list(input.value.shape)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {shape}"
        )
    require_known("unfold", input)
    geometry = standing("unfold", shape[-2:], kernel_size, dilation, padding, stride)
    if min(geometry.places) < 1:
        raise RuntimeError(
            f"unfold: Given input with spatial size {tuple(shape[-2:])}, {described(geometry)}, calculated shape of the array "
            f"of sliding blocks as {geometry.places}, but its components must be at least one"
        )
    if len(shape) == 4:
        return patches(geometry, input)
    return squeeze(patches(geometry, unsqueeze(input, 0)), 0)


@public
def fold(
    input: Tensor, output_size: Dims, kernel_size: Dims, dilation: Dims = 1, padding: Dims = 0, stride: Dims = 1
) -> Tensor:
    """Return images to which columns are added, each where a kernel would have seen it.

    `input` (N, C · kernel, places) or (C · kernel, places); the result is (N, C, *output_size) or (C, *output_size).
    """
    shape = list(input.value.shape)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {shape}"
        )
    require_known("fold", input)
    geometry = standing("fold", pair("fold", "output_size", output_size), kernel_size, dilation, padding, stride)
    rows, count = math.prod(geometry.kernel), math.prod(geometry.places)
    if shape[-2] % rows:
        raise RuntimeError(
            f"fold: Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[-2]} and kernel_size={geometry.kernel}"
        )
    if min(geometry.places) < 1 or shape[-1] != count:
        raise RuntimeError(
            f"fold: Given output_size={geometry.image}, {described(geometry)}, expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {' * '.join(map(str, geometry.places))}, but got "
            f"input.size(2)={shape[-1]}"
        )
    if len(shape) == 3:
        return patches_added(geometry, input)
    return squeeze(patches_added(geometry, unsqueeze(input, 0)), 0)


def standing(name: str, image: Sequence[int], kernel: Dims, dilation: Dims, padding: Dims, stride: Dims) -> Geometry:
    """Return how a kernel stands on an image; the places are below 1 if it does not fit."""
    given = [pair(name, word, each) for word, each in zip(NAMES, (kernel, dilation, padding, stride))]
    for word, numbers in zip(NAMES, given):
        if min(numbers) < (word != "padding"):
            least = "non-negative" if word == "padding" else "greater than zero"
            raise RuntimeError(f"{name}: {word} should be {least}, but got {numbers}")
    sides, fars, pads, steps = given
    fields = zip(image, sides, fars, pads, steps)
    places = tuple([(size + 2 * pad - far * (side - 1) - 1) // step + 1 for size, side, far, pad, step in fields])
    return Geometry(tuple(image), sides, places, steps, fars, pads)


def pair(name: str, word: str, given: Dims) -> tuple[int, ...]:
    """Return one number for each of the two axes."""
    found = tuple(given) if isinstance(given, Sequence) else (given, given)
    if len(found) != 2:
        raise RuntimeError(f"{name}: It is expected {word} equals to 2, but got size {len(found)}")
    return found


def described(geometry: Geometry) -> str:
    """Return the numbers of a kernel as errors have them."""
    return f"kernel_size={geometry.kernel}, dilation={geometry.dilation}, padding={geometry.padding}, stride={geometry.stride}"


def require_known(name: str, x: Tensor) -> None:
    """Raise for whole numbers, which PyTorch does not fold."""
    if dtype_of(x).category is Category.INTEGER:
        raise unsupported(name, dtype_of(x))
