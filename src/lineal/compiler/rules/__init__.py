"""How each op is lowered, by families; what is in no table is left to the host."""

from lineal.compiler.rules import (
    conditions,
    contraction,
    decompositions,
    elementwise,
    indexing,
    likelihood,
    linalg,
    packing,
    reductions,
    sampling,
    softmax,
    sorting,
    structural,
)
from lineal.compiler.rules.shapes import changing
from lineal.compiler.rules.table import RULES

__all__ = ["RULES", "changing"]
