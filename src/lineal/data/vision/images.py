"""Images as tensors: what becomes of PIL images and arrays, and of their dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.signatures import DType
from lineal.tensors import Tensor, as_tensor, from_numpy, tensor

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["get_dimensions", "get_size", "normalize", "to_dtype", "to_image", "to_pil_image", "to_tensor"]

pillow: Any = later.module("PIL.Image")
ALMOST_ONE = 1e-3
"""What floating numbers up to 1 are scaled by is so much below the next power of 2, as in torchvision."""


def is_pillow(image: Any) -> bool:
    """Return whether something is an image of Pillow's."""
    return type(image).__module__.startswith("PIL.")


def to_image(inpt: Any) -> Tensor:
    """Return a PIL image, or an array (H, W) or (H, W, C), as a tensor (C, H, W); a tensor as it is."""
    if isinstance(inpt, Tensor):
        return inpt
    if is_pillow(inpt):
        inpt = np.array(inpt.convert("RGB") if inpt.mode in ("P", "CMYK", "YCbCr") else inpt)
        inpt = inpt.astype(np.uint8) * 255 if inpt.dtype == bool else inpt
    if not isinstance(inpt, np.ndarray):
        raise TypeError(f"to_image: expected a tensor, a PIL image or an array, got {type(inpt).__name__}")
    if inpt.ndim not in (2, 3):
        raise ValueError(f"to_image: expected an array of 2 or 3 dimensions, got shape {list(inpt.shape)}")
    planes = inpt[None] if inpt.ndim == 2 else inpt.transpose(2, 0, 1)
    return from_numpy(np.ascontiguousarray(planes))


def to_tensor(pic: Any) -> Tensor:
    """Return an image as a tensor (C, H, W): of uint8, as float32 from 0 to 1."""
    image = to_image(pic)
    return to_dtype(image, dtypes.float32, scale=True) if image.dtype is dtypes.uint8 else image


def to_dtype(inpt: Tensor, dtype: DType = dtypes.float32, scale: bool = False) -> Tensor:
    """Convert an image; if `scale`, so that black and white stay black and white."""
    wanted = dtypes.as_dtype(dtype)
    if inpt.dtype is wanted or not scale:
        return inpt.to(wanted)
    if wanted.is_floating_point:
        return inpt.to(wanted) if inpt.is_floating_point() else inpt.to(wanted).div_(white(inpt.dtype))
    if inpt.is_floating_point():
        if white(wanted).bit_length() > np.finfo(inpt.dtype.numpy).nmant:
            raise RuntimeError(f"to_dtype: The conversion from {inpt.dtype} to {wanted} cannot be performed safely.")
        return (inpt * (white(wanted) + 1.0 - ALMOST_ONE)).to(wanted)
    shift = white(wanted).bit_length() - white(inpt.dtype).bit_length()
    return inpt.to(wanted) * 2**shift if shift > 0 else (inpt // 2**-shift).to(wanted)


def white(dtype: Any) -> int:
    """Return the number that is white."""
    return 1 if dtype.is_floating_point or dtype is dtypes.bool_ else int(np.iinfo(dtype.numpy).max)


def normalize(inpt: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """Return (image - mean) / std, for each channel."""
    if not inpt.is_floating_point():
        raise TypeError(f"normalize: Input tensor should be a float tensor. Got {inpt.dtype}.")
    if inpt.ndim < 3:
        raise ValueError(f"normalize: Expected tensor to be a tensor image of size (..., C, H, W). Got {list(inpt.shape)}")
    middle, width = (as_tensor(each, dtype=inpt.dtype).reshape(-1, 1, 1) for each in (mean, std))
    if (width.value == 0).any():
        raise ValueError("normalize: std evaluated to zero, leading to division by zero.")
    return (inpt.sub_(middle) if inplace else inpt - middle).div_(width)


def to_pil_image(pic: Any, mode: str | None = None) -> Image:
    """Return a tensor (C, H, W), or an array (H, W, C), as a PIL image; of floating numbers, 0 to 1 become 0 to 255."""
    image = to_image(pic)
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[0] not in (1, 2, 3, 4):
        raise ValueError(f"to_pil_image: expected an image of 1 to 4 channels, got shape {list(image.shape)}")
    if image.is_floating_point():
        image = image.mul(255).to(dtypes.uint8)
    planes = image.detach().numpy()
    found = pillow.fromarray(planes[0] if len(planes) == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0)))
    return found if mode is None else found.convert(mode)


def get_dimensions(inpt: Any) -> list[int]:
    """Return the number of channels, the height and the width of an image."""
    shape = to_image(inpt).shape
    return [1 if len(shape) == 2 else shape[-3], *shape[-2:]]


def get_size(inpt: Any) -> list[int]:
    """Return the height and the width of an image."""
    return get_dimensions(inpt)[1:]


def filled(fill: Any, image: Tensor) -> Tensor:
    """Return a fill as one number for each channel, in the image's dtype."""
    numbers = tensor([0 if fill is None else fill] if not isinstance(fill, Sequence) else list(fill))
    return numbers.to(image.dtype).reshape(-1, 1, 1)
