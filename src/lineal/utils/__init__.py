"""Names that PyTorch keeps under `utils`."""

from lineal.utils import checkpoint, data, hooks

__all__ = ["checkpoint", "data", "hooks"]
