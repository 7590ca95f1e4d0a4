"""Losses of classes."""

from __future__ import annotations

from typing import Any

from lineal.nn import functional as F
from lineal.onnx.kernels.table import Node, operator

__all__: list[str] = []

NONE = -(2**31)
"""A class that no target is."""


@operator("NegativeLogLikelihoodLoss")
def likelihood(node: Node, x: Any, target: Any, weight: Any = None) -> Any:
    return F.nll_loss(
        x, target.long(), weight, ignore_index=node.get("ignore_index", NONE), reduction=node.get("reduction", "mean")
    )


@operator("SoftmaxCrossEntropyLoss")
def cross_entropy(node: Node, x: Any, target: Any, weight: Any = None) -> Any:
    """The loss; and the logarithms of the probabilities, if they are asked for."""
    logarithms = F.log_softmax(x, 1)
    loss = likelihood(node, logarithms, target, weight)
    return (loss, logarithms) if len(node.outputs) > 1 else loss
