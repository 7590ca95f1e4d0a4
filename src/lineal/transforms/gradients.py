"""Backward and grad as users call them: single tensors or sequences, batched cotangents, zeros for what was not used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, gradients, lift
from lineal.core import backward as go_back
from lineal.transforms.edges import GradientEdge
from lineal.transforms.vectorize import vmap

__all__ = ["backward", "grad"]

Tensors = Tensor | GradientEdge | Sequence[Tensor | GradientEdge]


def several(given: Any) -> tuple:
    """Return one tensor or edge of the graph, or a sequence of them, as a tuple."""
    return (given,) if isinstance(given, (AbstractTensor, GradientEdge)) or given is None else tuple(given)


def paired(name: str, outputs: tuple, grad_outputs: Any) -> tuple:
    """Return one cotangent, or None, per output."""
    gs = (None,) * len(outputs) if grad_outputs is None else several(grad_outputs)
    if len(gs) != len(outputs):
        raise RuntimeError(f"{name}: got {len(outputs)} tensors and {len(gs)} gradients")
    return gs


def backward(
    tensors: Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Tensor | Sequence[Tensor | None] | None = None,
    inputs: Tensors | dict[str, Tensor] | None = None,
) -> None:
    """Add the derivatives of `tensors`, weighted by `grad_tensors`, to the `.grad` of their leaves, or of `inputs`."""
    if grad_variables is not None:
        warnings.warn("backward: `grad_variables` is deprecated. Use `grad_tensors` instead", FutureWarning)
        if grad_tensors is not None:
            raise RuntimeError("backward: `grad_tensors` and `grad_variables` can't be passed both; use `grad_tensors`")
        grad_tensors = grad_variables
    ys = several(tensors)
    targets = None if inputs is None else several(inputs.values() if isinstance(inputs, dict) else inputs)
    go_back(ys, paired("backward", ys, grad_tensors), retain_graph, create_graph, targets)


@overload
def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]: ...
@overload
def grad(
    outputs: Tensors,
    inputs: dict[str, Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> dict[str, Tensor]: ...
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """Return the derivatives of `outputs`, weighted by `grad_outputs`, by each of `inputs`, as a tuple (a dict for a dict).

    With `is_grads_batched` the cotangents carry a batch dimension first, and so do the results. An unused input gives
    None if `allow_unused`, zeros if `materialize_grads`, otherwise RuntimeError.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "grad: expected allow_unused to be True or not passed when materialize_grads=True, got allow_unused=False"
        )
    if isinstance(inputs, dict):
        options = (retain_graph, create_graph, only_inputs, allow_unused, is_grads_batched, materialize_grads)
        return dict(zip(inputs, grad(outputs, tuple(inputs.values()), grad_outputs, *options)))
    ys, xs = several(outputs), several(inputs)
    if not xs:
        raise RuntimeError("grad: `inputs` argument to `grad()` cannot be empty.")
    gs = paired("grad", ys, grad_outputs)
    unused = materialize_grads or bool(allow_unused)
    if is_grads_batched:
        found = batched(ys, xs, gs, retain_graph, create_graph, unused)
    else:
        found = gradients(ys, xs, gs, retain_graph, create_graph, unused)
    if materialize_grads:
        return tuple(lift(np.zeros_like(x.value)) if g is None else g for x, g in zip(xs, found))
    return found


def batched(ys: tuple, xs: tuple, gs: Sequence[Any], retain: bool | None, create: bool, unused: bool) -> tuple:
    """Return the gradients for cotangents with a batch dimension first."""
    used: list[bool] = []

    def once(*each: AbstractTensor) -> tuple:
        found = gradients(ys, xs, each, retain, create, unused)
        used.extend(g is not None for g in found)
        return tuple(g for g in found if g is not None)

    following = iter(vmap(once, randomness="same")(*gs))
    return tuple([next(following) if each else None for each in used])
