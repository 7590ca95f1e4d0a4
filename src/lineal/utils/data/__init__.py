"""`lineal.utils.data`: datasets and loaders, where PyTorch's users look for them."""

from typing import NoReturn

from lineal.data import *
from lineal.utils.data import dataloader, dataset, distributed, sampler

PIPES = frozenset(
    """
    DFIterDataPipe DataChunk IterDataPipe MapDataPipe argument_validation datapipes functional_datapipe graph graph_settings
    guaranteed_datapipes_determinism non_deterministic runtime_validation runtime_validation_disabled
""".split()
)


def __getattr__(name: str) -> NoReturn:
    if name in PIPES:
        raise AttributeError(
            f"utils.data.{name}: data pipes are not in lineal, nor developed any more in PyTorch: "
            "write a Dataset, or an IterableDataset that reads from another"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
