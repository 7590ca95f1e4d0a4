"""`associative_scan`, where PyTorch has it."""

from lineal.transforms.control import associative_scan

__all__ = ["associative_scan"]
