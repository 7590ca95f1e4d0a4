"""`scan`, where PyTorch has it."""

from lineal.transforms.control import scan

__all__ = ["scan"]
