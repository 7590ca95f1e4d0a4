"""What a model does, heard for an export: pure equations, with the places in the user's code that they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, modes
from lineal.core.sites import Site, describe, site
from lineal.onnx.errors import OnnxExporterError
from lineal.ops.premise import Premise
from lineal.tracing import Equation, PureRecorder, Var, record

__all__ = ["Recording", "recorded", "tensors"]


class Recording(NamedTuple):
    """A model's call: the variables of its inputs and results, and the equations between them that the results need."""

    inputs: list[Var]
    outputs: list[Var]
    equations: list[Equation]
    sites: list[str]
    """For every equation, the line of the user's that it comes from."""
    constants: dict[Var, np.ndarray]
    captured: dict[Var, AbstractTensor]
    written: list[AbstractTensor]
    """The tensors from outside that the call wrote to."""
    clipped: list[tuple[int, slice, Site]]
    """The slices that reached beyond an axis, with its size and the place."""
    results: Any
    """What the model returned."""


class ExportRecorder(PureRecorder):
    """Hears where equations come from, and refuses what makes a trace true for some numbers only."""

    takes_layers = True

    def __init__(self) -> None:
        super().__init__()
        self.sites: list[Site] = []
        self.clipped: list[tuple[int, slice, Site]] = []
        """The slices that reached beyond an axis, its size, and where."""
        self.dependent: set[Var] = set()
        """The variables that depend on inputs."""

    def append(self, equation: Equation) -> None:
        """Put down an equation, and where it comes from."""
        super().append(equation)
        self.sites.append(site())
        if any(each in self.dependent or each in self.inputs for each in equation.inputs):
            self.dependent.update(equation.outputs)

    def clips(self, piece: slice, size: int) -> None:
        """Called when a slice reaches beyond an axis of this size."""
        self.clipped.append((size, piece, site()))

    def refuse(self, why: str) -> None:
        """Raise OnnxExporterError: the equations would not do what the model does."""
        raise OnnxExporterError(f"onnx.export: {why}; at {describe(site())}")

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Refuse a look of Python's at a number that depends on an input: the file could not look again."""
        var = self.read(tensor)
        if var in self.dependent or var in self.inputs:
            raise OnnxExporterError(
                f"onnx.export: Python reads a tensor of shape {list(tensor.value.shape)} that depends on an input, as "
                f"{kind.__name__}, and what follows would be so for these numbers only; use ops such as where(); "
                f"at {describe(site())}"
            )


def tensors(nest: Any) -> list[AbstractTensor]:
    """Return the tensors in a nest, in order."""
    return [each for each in tree.leaves(nest) if isinstance(each, AbstractTensor)]


def recorded(call: Callable[[], Any], inputs: Sequence[AbstractTensor]) -> Recording:
    """Return what `call()` does, in which `inputs` are variables."""
    listener = ExportRecorder()
    for x in inputs:
        listener.argument(x)
    with modes.Setting((modes.grad_enabled, False)):
        results = record(listener, call)
        own = listener.own()
        outputs = [own.get(id(y)) or listener.result(y) for y in tensors(results)]
    if not outputs:
        raise OnnxExporterError("onnx.export: the model returns no tensor")
    equations, places = needed(listener.equations, listener.sites, outputs)
    wanted = {*outputs, *(var for each in equations for var in each.inputs)}
    return Recording(
        listener.inputs,
        outputs,
        equations,
        [describe(each) for each in places],
        {var: array for var, array in listener.literals.items() if var in wanted},
        {var: x for var, x in listener.captured.items() if var in wanted},
        [
            each.captured
            for each in listener.storages()
            if each.captured is not None and each.written and lasting(each.captured)
        ],
        listener.clipped,
        results,
    )


def lasting(written: AbstractTensor) -> bool:
    """Return whether what was written stays after the call as part of the model: the state of a generator is not."""
    return written.value.dtype != np.uint64


def needed(equations: Sequence[Equation], sites: Sequence[Site], outputs: Sequence[Var]) -> tuple[list[Equation], list[Site]]:
    """Return the equations on which outputs depend, with their sites.

    Premises are left out: where one does not hold, eager code raises (an index is out of bounds), and what runs the file
    looks itself.
    """
    wanted, kept = set(outputs), []
    for each, place in zip(reversed(equations), reversed(sites)):
        if each.op.effect:
            raise OnnxExporterError(f"onnx.export: `{each.op.key}` does something besides computing; at {describe(place)}")
        if not isinstance(each.op, Premise) and not wanted.isdisjoint(each.outputs):
            kept.append((each, place))
            wanted.update(each.inputs)
    return [each for each, _ in kept[::-1]], [place for _, place in kept[::-1]]
