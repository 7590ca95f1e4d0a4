"""Data sets, samplers, loaders, and checkpoints."""

from lineal.data.checkpoint import load, save
from lineal.data.collate import default_collate, default_convert
from lineal.data.dataset import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from lineal.data.handwritten import digits
from lineal.data.loader import DataLoader
from lineal.data.nesting import CheckpointError
from lineal.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from lineal.data.workers import get_worker_info

__all__ = [
    "Dataset",
    "IterableDataset",
    "TensorDataset",
    "Subset",
    "ConcatDataset",
    "random_split",
    "Sampler",
    "SequentialSampler",
    "RandomSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
    "BatchSampler",
    "DataLoader",
    "get_worker_info",
    "default_collate",
    "default_convert",
    "digits",
    "CheckpointError",
    "save",
    "load",
]
