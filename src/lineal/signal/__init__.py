"""`torch.signal`: windows. Names only."""

from lineal.signal import windows

__all__ = ["windows"]
