"""The transforms as functions of an image and their parameters."""

from lineal.data.vision.colours import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, rgb_to_grayscale
from lineal.data.vision.geometry import (
    InterpolationMode,
    affine,
    center_crop,
    crop,
    erase,
    gaussian_blur,
    horizontal_flip,
    pad,
    resize,
    resized_crop,
    rotate,
    vertical_flip,
)
from lineal.data.vision.images import get_dimensions, get_size, normalize, to_dtype, to_image, to_pil_image, to_tensor

hflip, vflip = horizontal_flip, vertical_flip
pil_to_tensor = to_image
convert_image_dtype = to_dtype
get_image_size = get_size

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "erase",
    "gaussian_blur",
    "get_dimensions",
    "get_image_size",
    "get_size",
    "hflip",
    "horizontal_flip",
    "normalize",
    "pad",
    "pil_to_tensor",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "to_dtype",
    "to_image",
    "to_pil_image",
    "to_tensor",
    "vertical_flip",
    "vflip",
]
