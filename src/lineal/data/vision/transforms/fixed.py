"""Transforms that do the same to every image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.signatures import DType
from lineal.data.vision import colours, geometry, images
from lineal.data.vision.geometry import InterpolationMode
from lineal.data.vision.transforms.transform import Transform
from lineal.tensors import Tensor

__all__ = [
    "CenterCrop",
    "ConvertImageDtype",
    "Grayscale",
    "Normalize",
    "PILToTensor",
    "Pad",
    "Resize",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToTensor",
]


class Reading(Transform):
    """The base of what takes arrays as well."""

    def forward(self, *inputs: Any) -> Any:
        if isinstance(inputs[0], np.ndarray):
            inputs = (images.to_image(inputs[0]), *inputs[1:])
        return super().forward(*inputs)


class ToImage(Reading):
    """A PIL image, or an array (H, W, C), as a tensor (C, H, W), with its numbers."""

    def transform(self, image: Tensor) -> Tensor:
        return image


class PILToTensor(ToImage):
    """A PIL image as a tensor (C, H, W), with its numbers."""


class ToTensor(Reading):
    """A PIL image, or an array (H, W, C), as a tensor (C, H, W); of uint8, as float32 from 0 to 1."""

    def transform(self, image: Tensor) -> Tensor:
        return images.to_tensor(image)


class ToPILImage(Transform):
    """A tensor (C, H, W), or an array (H, W, C), as a PIL image."""

    SHOWN = ("mode",)

    def __init__(self, mode: str | None = None):
        super().__init__()
        self.mode = mode

    def forward(self, *inputs: Any) -> Any:
        found = (images.to_pil_image(inputs[0], self.mode), *inputs[1:])
        return found if len(found) > 1 else found[0]


class ToDtype(Transform):
    """An image in another dtype; if `scale`, black and white stay black and white."""

    SHOWN = ("scale",)

    def __init__(self, dtype: DType, scale: bool = False):
        super().__init__()
        self.dtype, self.scale = dtype, scale

    def transform(self, image: Tensor) -> Tensor:
        return images.to_dtype(image, self.dtype, self.scale)


class ConvertImageDtype(ToDtype):
    """An image in another dtype, in which black and white stay black and white."""

    SHOWN = ()

    def __init__(self, dtype: DType = dtypes.float32):
        super().__init__(dtype, True)


class Normalize(Transform):
    """(image - mean) / std, for each channel."""

    SHOWN = ("mean", "std", "inplace")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False):
        super().__init__()
        self.mean, self.std, self.inplace = list(mean), list(std), inplace

    def transform(self, image: Tensor) -> Tensor:
        return images.normalize(image, self.mean, self.std, self.inplace)


class Resize(Transform):
    """An image in another size: height and width, or the length of the shorter edge."""

    SHOWN = ("size", "interpolation", "antialias")

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ):
        super().__init__()
        self.size = [size] if isinstance(size, int) else list(size)
        self.interpolation, self.max_size, self.antialias = interpolation, max_size, antialias

    def transform(self, image: Tensor) -> Tensor:
        return geometry.resize(image, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """The middle of an image, with zeros around it if it is smaller."""

    SHOWN = ("size",)

    def __init__(self, size: int | Sequence[int]):
        super().__init__()
        self.size = geometry.both(size)

    def transform(self, image: Tensor) -> Tensor:
        return geometry.center_crop(image, self.size)


class Pad(Transform):
    """Pixels around an image: left and right, top and bottom, or left, top, right, bottom."""

    SHOWN = ("padding", "fill", "padding_mode")

    def __init__(self, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant"):
        super().__init__()
        geometry.edges(padding)
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def transform(self, image: Tensor) -> Tensor:
        return geometry.pad(image, self.padding, self.fill, self.padding_mode)


class Grayscale(Transform):
    """The brightness of an image, in one channel or in three equal ones."""

    SHOWN = ("num_output_channels",)

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, image: Tensor) -> Tensor:
        return colours.rgb_to_grayscale(image, self.num_output_channels)
