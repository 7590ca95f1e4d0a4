"""Names that PyTorch keeps under `utils`."""

from lineal.utils import data

__all__ = ["data"]
