"""Transforms that move the pixels of each image in another way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.data.vision import geometry
from lineal.data.vision.geometry import InterpolationMode
from lineal.data.vision.transforms.transform import Transform, chance, check_probability, uniform, whole
from lineal.ops import empty
from lineal.tensors import Tensor, tensor

__all__ = [
    "GaussianBlur",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
]

TRIES = 10
"""How many rectangles are drawn until one fits into the image."""


class RandomHorizontalFlip(Transform):
    """Left and right swapped, with probability `p`."""

    SHOWN = ("p",)

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = check_probability(type(self).__name__, p)

    def transform(self, image: Tensor) -> Tensor:
        return geometry.horizontal_flip(image) if chance(self.p) else image


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top and bottom swapped, with probability `p`."""

    def transform(self, image: Tensor) -> Tensor:
        return geometry.vertical_flip(image) if chance(self.p) else image


class RandomCrop(Transform):
    """A part of an image, of a size; around the image there may be put pixels before, as `Pad` does."""

    SHOWN = ("size", "padding", "pad_if_needed", "fill", "padding_mode")

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ):
        super().__init__()
        self.size = geometry.both(size)
        self.padding = None if padding is None else list(geometry.edges(padding))
        self.pad_if_needed, self.fill, self.padding_mode = pad_if_needed, fill, padding_mode

    def transform(self, image: Tensor) -> Tensor:
        height, width = self.size
        image = self.padded(image)
        rows, columns = image.shape[-2:]
        if rows < height or columns < width:
            raise ValueError(f"RandomCrop: Required crop size {self.size} is larger than input image size {(rows, columns)}")
        top = whole(rows - height + 1) if rows > height else 0
        left = whole(columns - width + 1) if columns > width else 0
        return geometry.crop(image, top, left, height, width)

    def padded(self, image: Tensor) -> Tensor:
        """Return an image with the pixels that are put around it."""
        if self.padding is not None:
            image = geometry.pad(image, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            rows, columns = (max(size - n, 0) for size, n in zip(self.size, image.shape[-2:]))
            if rows or columns:
                image = geometry.pad(image, [columns, rows], self.fill, self.padding_mode)
        return image


class RandomResizedCrop(Transform):
    """A part of an image, in a size: `scale` is how much of the area, `ratio` how wide for its height."""

    SHOWN = ("size", "scale", "ratio", "interpolation", "antialias")

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ):
        super().__init__()
        self.size = geometry.both(size)
        self.scale, self.ratio = scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    def transform(self, image: Tensor) -> Tensor:
        rows, columns = image.shape[-2:]
        part = rectangle(rows, columns, self.scale, self.ratio) or self.middle(rows, columns)
        top, left, height, width = part
        return geometry.resized_crop(image, top, left, height, width, self.size, self.interpolation, self.antialias)

    def middle(self, rows: int, columns: int) -> tuple[int, int, int, int]:
        """Return the largest part in the middle of an image whose ratio is allowed."""
        height, width = rows, columns
        if columns / rows < min(self.ratio):
            height = round(columns / min(self.ratio))
        elif columns / rows > max(self.ratio):
            width = round(rows * max(self.ratio))
        return (rows - height) // 2, (columns - width) // 2, height, width


def rectangle(
    rows: int, columns: int, scale: Sequence[float], ratio: Sequence[float], within: bool = False
) -> tuple[int, int, int, int] | None:
    """Draw top, left, height and width of a part of an image; None if none of some tries fits into it, or `within` it."""
    low, high = math.log(ratio[0]), math.log(ratio[1])
    for _ in range(TRIES):
        area = rows * columns * uniform(*scale)
        # so that wide and high ones are as likely
        wide = math.exp(uniform(low, high))
        width, height = round(math.sqrt(area * wide)), round(math.sqrt(area / wide))
        if within and (width >= columns or height >= rows):
            continue
        if 0 < width <= columns and 0 < height <= rows:
            return whole(rows - height + 1), whole(columns - width + 1), height, width
    return None


class RandomRotation(Transform):
    """An image turned by an angle of at most `degrees`, or between two, counter-clockwise."""

    SHOWN = ("degrees", "interpolation", "expand", "fill")

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ):
        super().__init__()
        self.degrees = span("degrees", degrees)
        self.interpolation, self.expand, self.center, self.fill = interpolation, expand, center, fill

    def transform(self, image: Tensor) -> Tensor:
        angle = uniform(*self.degrees)
        return geometry.rotate(image, angle, self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(Transform):
    """An image turned, moved by at most parts of its width and height, scaled and sheared by angles."""

    SHOWN = ("degrees", "translate", "scale", "shear", "interpolation", "fill", "center")

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ):
        super().__init__()
        self.degrees = span("degrees", degrees)
        if translate is not None and not all(0.0 <= each <= 1.0 for each in translate):
            raise ValueError(f"RandomAffine: translation values should be between 0 and 1, got {list(translate)}")
        if scale is not None and not all(each > 0 for each in scale):
            raise ValueError(f"RandomAffine: scale values should be positive, got {list(scale)}")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else span("shear", shear)
        self.interpolation, self.fill, self.center = interpolation, fill, center

    def transform(self, image: Tensor) -> Tensor:
        rows, columns = image.shape[-2:]
        angle = uniform(*self.degrees)
        reach = [part * size for part, size in zip(self.translate or (), (columns, rows))]
        move = [float(round(uniform(-each, each))) for each in reach] or [0.0, 0.0]
        scale = 1.0 if self.scale is None else uniform(*self.scale)
        bounds = self.shear or ()
        shear = [uniform(*bounds[start : start + 2]) for start in range(0, len(bounds), 2)] or [0.0, 0.0]
        return geometry.affine(image, angle, move, scale, shear, self.interpolation, self.fill, self.center)


def span(name: str, given: float | Sequence[float]) -> list[float]:
    """Return the bounds of an angle: of one number, it and its negative."""
    if isinstance(given, (int, float)):
        if given < 0:
            raise ValueError(f"{name}: If {name} is a single number, it must be positive, got {given}")
        given = (-given, given)
    return [float(each) for each in given]


class GaussianBlur(Transform):
    """An image blurred by windows of odd widths, whose sigma is drawn between two numbers."""

    SHOWN = ("kernel_size", "sigma")

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)):
        super().__init__()
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.sigma = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else list(sigma)

    def transform(self, image: Tensor) -> Tensor:
        sigma = uniform(*self.sigma)
        return geometry.gaussian_blur(image, self.kernel_size, [sigma, sigma])


class RandomErasing(Transform):
    """A rectangle of an image overwritten, with probability `p`: by a number, a number for each channel, or "random" ones."""

    SHOWN = ("p", "scale", "ratio", "value", "inplace")

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0.0,
        inplace: bool = False,
    ):
        super().__init__()
        self.p = check_probability("RandomErasing", p)
        if isinstance(value, str) and value != "random":
            raise ValueError(f"RandomErasing: If value is str, it should be 'random', got {value!r}")
        self.scale, self.ratio, self.value, self.inplace = scale, ratio, value, inplace

    def transform(self, image: Tensor) -> Tensor:
        rows, columns = image.shape[-2:]
        part = rectangle(rows, columns, self.scale, self.ratio, within=True) if chance(self.p) else None
        if part is None:
            return image
        top, left, height, width = part
        value = self.value
        if isinstance(value, str):
            value = empty(image.shape[-3], height, width).normal_()
        elif isinstance(value, Sequence):
            value = tensor(list(value)).reshape(-1, 1, 1)
        return geometry.erase(image, top, left, height, width, value, self.inplace)
