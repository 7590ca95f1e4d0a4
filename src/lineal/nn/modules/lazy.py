"""What lazy layers have in common, where PyTorch keeps it."""

from lineal.nn.lazy import LazyModuleMixin

__all__ = ["LazyModuleMixin"]
