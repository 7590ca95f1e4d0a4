"""Transforms of images, by the names of torchvision's `transforms.v2`; random ones draw from lineal's default generator.

Each is a module: of several inputs it transforms the first that is an image, and returns the others as they are.
"""

from lineal.data.vision.geometry import InterpolationMode
from lineal.data.vision.transforms import functional
from lineal.data.vision.transforms.chains import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from lineal.data.vision.transforms.colours import ColorJitter, RandomGrayscale
from lineal.data.vision.transforms.fixed import (
    CenterCrop,
    ConvertImageDtype,
    Grayscale,
    Normalize,
    Pad,
    PILToTensor,
    Resize,
    ToDtype,
    ToImage,
    ToPILImage,
    ToTensor,
)
from lineal.data.vision.transforms.random import (
    GaussianBlur,
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
)
from lineal.data.vision.transforms.transform import Transform

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToTensor",
    "Transform",
    "functional",
]
