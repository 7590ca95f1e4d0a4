"""Images: the transforms and data sets of courses, by torchvision's names, on lineal's tensors.

An image is a tensor (…, C, H, W), of uint8 from 0 to 255 or floating from 0 to 1. A PIL image becomes one, of uint8, at the
first transform that meets it.
"""

from lineal.base import later

__getattr__, __all__ = later.names(__name__, {"": "datasets transforms"})
