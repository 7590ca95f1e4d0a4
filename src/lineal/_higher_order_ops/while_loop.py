"""`while_loop`, where PyTorch has it."""

from lineal.transforms.control import while_loop

__all__ = ["while_loop"]
