"""Export rules: how an op is written in ONNX, by families as in `ops`."""

from lineal.onnx.rules import (
    broadcasting,
    contraction,
    conversion,
    convolution,
    creation,
    directions,
    distributed,
    elementwise,
    indexing,
    inplace,
    normalisation,
    patches,
    reductions,
    sorting,
    spatial,
    structural,
    tensors,
)
from lineal.onnx.rules.table import OPERATORS, RULES, reason_of, rule_of

__all__ = ["OPERATORS", "RULES", "reason_of", "rule_of"]
