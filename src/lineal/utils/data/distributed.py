"""`DistributedSampler`, where PyTorch keeps it."""

from lineal.data.sampler import DistributedSampler

__all__ = ["DistributedSampler"]
