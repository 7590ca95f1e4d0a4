"""How each op is lowered, by families; what is in no table is left to the host."""

from lineal.compiler.rules import contraction, elementwise, indexing, likelihood, reductions, sampling, softmax, structural
from lineal.compiler.rules.shapes import changing
from lineal.compiler.rules.table import RULES

__all__ = ["RULES", "changing"]
