"""What public programs take from the inner modules of PyTorch's loader."""

from lineal.utils.data._utils import collate, worker

__all__ = ["collate", "worker"]
