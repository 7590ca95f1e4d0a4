"""`skip_init`, where PyTorch keeps it."""

from lineal.nn.utils.skipping import skip_init

__all__ = ["skip_init"]
