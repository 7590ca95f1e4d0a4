"""Batch rules: how an op on one example is done to a batch whose dimension stands first, by families as in `ops`."""

from lineal.transforms.batching import (
    broadcasting,
    contraction,
    conversion,
    creation,
    elementwise,
    fourier,
    indexing,
    inplace,
    linalg,
    premise,
    random,
    reductions,
    sorting,
    spatial,
    structural,
    tensors,
    variables,
)
from lineal.transforms.batching.moving import MOVES
from lineal.transforms.batching.table import RULES, rule_of

__all__ = ["MOVES", "RULES", "rule_of"]
