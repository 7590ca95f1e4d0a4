"""The shuffling of pixels, where PyTorch keeps it."""

from lineal.nn.resizing import PixelShuffle, PixelUnshuffle

__all__ = ["PixelShuffle", "PixelUnshuffle"]
