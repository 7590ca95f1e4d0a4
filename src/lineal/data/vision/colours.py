"""What becomes of the colours of an image: grey, brightness, contrast, saturation, hue."""

from __future__ import annotations

from lineal import ops
from lineal.base import dtypes
from lineal.data.vision.images import to_dtype, white
from lineal.tensors import Tensor

__all__ = ["adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "rgb_to_grayscale"]

WEIGHTS = (0.2989, 0.587, 0.114)
"""Of red, green and blue in the brightness (ITU-R BT.601, as rounded in torchvision)."""


def check_channels(name: str, image: Tensor) -> None:
    """Refuse what has no colours."""
    if image.ndim < 3 or image.shape[-3] not in (1, 3):
        raise TypeError(f"{name}: Input image tensor permitted channel values are 1 or 3, but found shape {list(image.shape)}")


def grey(image: Tensor) -> Tensor:
    """Return the brightness (…, 1, H, W), in floating numbers."""
    if image.shape[-3] == 1:
        return image if image.is_floating_point() else image.to(dtypes.float32)
    red, green, blue = image.unbind(-3)
    return (red * WEIGHTS[0] + green * WEIGHTS[1] + blue * WEIGHTS[2]).unsqueeze(-3)


def rgb_to_grayscale(inpt: Tensor, num_output_channels: int = 1) -> Tensor:
    """Return the brightness of an image, in one channel or in three equal ones."""
    check_channels("rgb_to_grayscale", inpt)
    if num_output_channels not in (1, 3):
        raise ValueError(f"rgb_to_grayscale: num_output_channels must be 1 or 3, got {num_output_channels}")
    made = grey(inpt).to(inpt.dtype)
    return made if num_output_channels == 1 else made.expand(*inpt.shape[:-3], 3, *inpt.shape[-2:])


def blend(image: Tensor, other: Tensor | float, factor: float) -> Tensor:
    """Return factor·image + (1 - factor)·other, between black and white."""
    numbers = image if image.is_floating_point() else image.to(dtypes.float32)
    return (numbers * factor + (1.0 - factor) * other).clamp_(0, white(image.dtype)).to(image.dtype)


def check_factor(name: str, factor: float) -> None:
    """Refuse a negative factor."""
    if factor < 0:
        raise ValueError(f"{name}: factor {factor} is not non-negative.")


def adjust_brightness(inpt: Tensor, brightness_factor: float) -> Tensor:
    """Blend an image with black: 0 is black, 1 the image."""
    check_factor("adjust_brightness", brightness_factor)
    check_channels("adjust_brightness", inpt)
    return blend(inpt, 0.0, brightness_factor)


def adjust_contrast(inpt: Tensor, contrast_factor: float) -> Tensor:
    """Blend an image with the grey of its mean brightness: 0 is that, 1 the image."""
    check_factor("adjust_contrast", contrast_factor)
    check_channels("adjust_contrast", inpt)
    brightness = grey(inpt)
    brightness = brightness if inpt.is_floating_point() else brightness.floor()
    return blend(inpt, brightness.mean((-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(inpt: Tensor, saturation_factor: float) -> Tensor:
    """Blend an image with its brightness: 0 is grey, 1 the image."""
    check_factor("adjust_saturation", saturation_factor)
    check_channels("adjust_saturation", inpt)
    if inpt.shape[-3] == 1:
        return inpt
    brightness = grey(inpt)
    return blend(inpt, brightness if inpt.is_floating_point() else brightness.floor(), saturation_factor)


def adjust_hue(inpt: Tensor, hue_factor: float) -> Tensor:
    """Turn the circle of colours by a part of it between -0.5 and 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"adjust_hue: hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    check_channels("adjust_hue", inpt)
    if inpt.shape[-3] == 1 or 0 in inpt.shape:
        return inpt
    numbers = inpt if inpt.is_floating_point() else to_dtype(inpt, dtypes.float32, scale=True)
    hue, saturation, value = hue_saturation_value(numbers)
    return to_dtype(coloured((hue + hue_factor) % 1.0, saturation, value), inpt.dtype, scale=True)


def hue_saturation_value(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return hue, saturation and value (A. R. Smith 1978, "Color gamut transform pairs")."""
    red, green, blue = image.unbind(-3)
    high, low = image.amax(-3), image.amin(-3)
    spread = high - low
    is_grey = spread == 0
    divisor = ops.where(is_grey, 1.0, spread)
    r, g, b = ((high - each) / divisor for each in (red, green, blue))
    sector = ops.where(red == high, b - g, ops.where(green == high, 2.0 + r - b, 4.0 + g - r))
    hue = ops.where(is_grey, 0.0, (sector / 6.0 + 1.0) % 1.0)
    return hue, spread / ops.where(is_grey, 1.0, high), high


def coloured(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Return the image of a hue, saturation and value."""

    def channel(shift: float) -> Tensor:
        # how far the hue is from where this channel is full, in sixths of the circle
        k = (hue * 6.0 + shift) % 6.0
        return value - value * saturation * ops.minimum(k, 4.0 - k).clamp(0.0, 1.0)

    return ops.stack([channel(shift) for shift in (5.0, 3.0, 1.0)], -3)
