"""Derivatives: the names PyTorch users expect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.core import AbstractTensor, gradients
from lineal.core import backward as _backward


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=None, is_grads_batched=False, materialize_grads=False):
    """Placeholder until the whole façade stands."""
    outs = (outputs,) if isinstance(outputs, AbstractTensor) else tuple(outputs)
    ins = (inputs,) if isinstance(inputs, AbstractTensor) else tuple(inputs)
    if grad_outputs is None:
        gs = (None,) * len(outs)
    else:
        gs = (grad_outputs,) if isinstance(grad_outputs, AbstractTensor) else tuple(grad_outputs)
    return gradients(outs, ins, gs, retain_graph, create_graph, bool(allow_unused))
