"""`DataLoader`, where PyTorch keeps it."""

from lineal.data.collate import default_collate, default_convert
from lineal.data.loader import DataLoader
from lineal.data.workers import get_worker_info

__all__ = ["default_collate", "default_convert", "DataLoader", "get_worker_info"]
