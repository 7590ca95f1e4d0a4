"""Names that PyTorch keeps under `utils`."""

from lineal.utils import data, hooks

__all__ = ["data", "hooks"]
