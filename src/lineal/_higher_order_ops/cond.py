"""`cond`, where PyTorch has it."""

from lineal.transforms.control import cond

__all__ = ["cond"]
