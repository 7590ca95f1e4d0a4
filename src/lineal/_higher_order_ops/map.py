"""`map`, where PyTorch has it."""

from lineal.transforms.control import map

__all__ = ["map"]
