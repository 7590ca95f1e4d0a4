"""What a worker knows of itself, where PyTorch keeps it."""

from lineal.data.workers import WorkerInfo, get_worker_info

__all__ = ["WorkerInfo", "get_worker_info"]
