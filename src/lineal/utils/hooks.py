"""Handles of hooks, as in `torch.utils.hooks`."""

from lineal.core.hooks import RemovableHandle

__all__ = ["RemovableHandle"]
