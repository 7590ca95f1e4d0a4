"""Transforms that change the colours of each image in another way."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.data.vision import colours
from lineal.data.vision.transforms.transform import Transform, chance, check_probability, uniform
from lineal.ops import randperm
from lineal.tensors import Tensor

__all__ = ["ColorJitter", "RandomGrayscale"]

ADJUST = {
    "brightness": colours.adjust_brightness,
    "contrast": colours.adjust_contrast,
    "saturation": colours.adjust_saturation,
    "hue": colours.adjust_hue,
}


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed, in random order, by factors from 1 - x to 1 + x or between two."""

    SHOWN = tuple(ADJUST)

    def __init__(
        self,
        brightness: float | Sequence[float] | None = None,
        contrast: float | Sequence[float] | None = None,
        saturation: float | Sequence[float] | None = None,
        hue: float | Sequence[float] | None = None,
    ):
        super().__init__()
        self.brightness, self.contrast = bounds("brightness", brightness), bounds("contrast", contrast)
        self.saturation, self.hue = bounds("saturation", saturation), bounds("hue", hue, 0.0, -0.5, 0.5)

    def transform(self, image: Tensor) -> Tensor:
        order = randperm(len(ADJUST)).tolist()
        ranges = {name: getattr(self, name) for name in ADJUST}
        factors = {name: uniform(*given) for name, given in ranges.items() if given is not None}
        for place in order:
            name = self.SHOWN[place]
            if name in factors:
                image = ADJUST[name](image, factors[name])
        return image


def bounds(
    name: str, given: float | Sequence[float] | None, middle: float = 1.0, low: float = 0.0, high: float = float("inf")
) -> tuple[float, float] | None:
    """Return between what a factor is drawn; None if it changes nothing."""
    if given is None:
        return None
    if isinstance(given, (int, float)):
        if given < 0:
            raise ValueError(f"ColorJitter: If {name} is a single number, it must be non negative, got {given}")
        given = (max(middle - given, 0.0) if low == 0.0 else middle - given, middle + given)
    first, last = given
    if not low <= first <= last <= high:
        raise ValueError(f"ColorJitter: {name} values should be between {low} and {high}, but got {list(given)}")
    return None if first == last == middle else (float(first), float(last))


class RandomGrayscale(Transform):
    """An image without colours, in as many channels, with probability `p`."""

    SHOWN = ("p",)

    def __init__(self, p: float = 0.1):
        super().__init__()
        self.p = check_probability("RandomGrayscale", p)

    def transform(self, image: Tensor) -> Tensor:
        return colours.rgb_to_grayscale(image, image.shape[-3]) if chance(self.p) else image
