"""How each op is lowered, by families as in `ops`; what has no rule is left to the host."""

from lineal.compiler.lowering.rules import (
    attention,
    broadcasting,
    contraction,
    conversion,
    convolution,
    creation,
    elementwise,
    exponentials,
    indexing,
    inplace,
    likelihood,
    linalg,
    normalisation,
    packing,
    premise,
    random,
    reductions,
    scanning,
    sorting,
    spatial,
    structural,
    taping,
    tensors,
    turns,
)
from lineal.compiler.lowering.rules.shapes import changing
from lineal.compiler.lowering.rules.table import RULES

__all__ = ["RULES", "changing"]
