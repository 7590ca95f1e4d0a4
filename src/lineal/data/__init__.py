"""Data sets, samplers, loaders, and checkpoints."""

from typing import TYPE_CHECKING

from lineal.base import later
from lineal.data.collate import default_collate, default_convert
from lineal.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from lineal.data.handwritten import digits
from lineal.data.loader import DataLoader
from lineal.data.sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from lineal.data.tables import TableDataset, from_arrow, read_csv, read_npy, read_npz, read_parquet
from lineal.data.workers import get_worker_info
from lineal.serialization import CheckpointError, load, save

if TYPE_CHECKING:
    from lineal.data import vision as vision

__getattr__, _ = later.names(__name__, {"": "vision"})

__all__ = [
    "Dataset",
    "IterableDataset",
    "TensorDataset",
    "Subset",
    "ConcatDataset",
    "ChainDataset",
    "StackDataset",
    "TableDataset",
    "random_split",
    "Sampler",
    "SequentialSampler",
    "RandomSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
    "BatchSampler",
    "DistributedSampler",
    "DataLoader",
    "get_worker_info",
    "default_collate",
    "default_convert",
    "digits",
    "from_arrow",
    "read_csv",
    "read_npy",
    "read_npz",
    "read_parquet",
    "CheckpointError",
    "save",
    "load",
    "vision",
]
