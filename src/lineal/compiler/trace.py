"""A trace: the pure equations of one call, and everything a later call must check, fill in and put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.compiler.capture import Capture, running
from lineal.core import AbstractTensor, Leaf, no_grad
from lineal.core.modes import Structure
from lineal.tracing import Equation, Var

__all__ = ["Trace", "traced"]


@dataclass(eq=False)
class Trace:
    """What one call did to tensors.

    `captured` are the tensors the function reached otherwise than through its arguments; they stay live, as do the numbers in
    `live`. `writes` and `grads` are put into tensors of the user's after each call.
    """

    name: str
    arguments: list[AbstractTensor]
    """The tensors in the arguments of the call that was traced."""
    inputs: list[Var]
    captured: dict[Var, AbstractTensor]
    literals: dict[Var, np.ndarray]
    live: dict[Var, tuple[Any, Any]]
    equations: list[Equation]
    result: Any
    """The function's result, with variables in place of tensors."""
    writes: list[tuple[AbstractTensor, Var]]
    grads: list[tuple[AbstractTensor, Var]]
    steps: dict[Var, tuple[int, ...]] = field(default_factory=dict)
    """How the arrays from outside lie: their strides, in elements."""
    guards: list[Callable[[], bool]] = field(default_factory=list)
    refusal: str | None = None
    differentiable: bool = False
    """Whether somebody may call backward on the result."""

    @property
    def outputs(self) -> list[Var]:
        """The variables in the result, in order."""
        return [each for each in tree.leaves(self.result) if isinstance(each, Var)]

    def holds(self) -> bool:
        """Return whether what the trace relied upon is still so."""
        return all(guard() for guard in self.guards)


def traced(function: Callable[..., Any], args: tuple, kwargs: dict) -> tuple[Any, Trace, Callable[[], int]]:
    """Run `function`; return its result, the trace of what it did, and a count of tensors that it left behind elsewhere."""
    capture = Capture()
    for x in tree.leaves((args, kwargs)):
        if isinstance(x, AbstractTensor):
            capture.argument(x)
    result = running(capture, function, args, kwargs)
    with no_grad():
        found = trace_of(capture, result, getattr(function, "__name__", "function"))
    kept = [each for each in tree.leaves(result) if isinstance(each, AbstractTensor)]
    kept += [leaf.grad for leaf, _ in found.grads]  # type: ignore[attr-defined]
    # a view keeps alive what it looks into
    known = {id(each.value) for x in kept for each in (x, *(() if x.origin is None else (x.origin.root, x.origin.base)))}
    return result, found, capture.survivors(known)


def trace_of(capture: Capture, result: Any, name: str) -> Trace:
    """Return the trace of what a capture heard."""
    places = tree.transform(lambda each: capture.read(each) if isinstance(each, AbstractTensor) else each, result)
    outputs = [each for each in tree.leaves(result) if isinstance(each, AbstractTensor)]
    found = Trace(
        name=name,
        arguments=capture.arguments,
        inputs=capture.inputs,
        captured=capture.captured,
        literals=capture.literals,
        live=capture.live,
        equations=capture.equations,
        result=places,
        writes=capture.written(),
        grads=capture.grads(),
        steps=capture.steps,
        refusal=capture.refusal or rebound(capture),
        differentiable=any(each.node is not None and pending(each.node) for each in outputs),
    )
    found.guards = guards_of(capture, found)
    return found


def pending(node: Any) -> bool:
    """Return whether a result's history has not been gone back through and freed."""
    return isinstance(node, Leaf) or node.kept is not None


def rebound(capture: Capture) -> str | None:
    """Return why a trace cannot be repeated if the function gave a tensor of the user's other memory."""
    for x, array in capture.alive:
        if x.value is not array:
            return f"a tensor of shape {list(x.value.shape)} was given other memory (`.data = …`); write into it with copy_()"
    return None


def guards_of(capture: Capture, found: Trace) -> list[Callable[[], bool]]:
    """Return what must be so for the trace to be what a later call would do."""
    guards: list[Callable[[], bool]] = []
    if capture.modules or capture.relied:
        guards.append(unchanged(list(capture.modules.values()), capture.relied))
    guards += [kept(holder, relied) for holder, relied in capture.assumed.values()]
    fresh = [leaf for leaf, _ in found.grads if id(leaf) in capture.added]
    if fresh:
        guards.append(lambda: all(leaf.grad is None for leaf in fresh))  # type: ignore[attr-defined]
    known = {id(leaf) for leaf in fresh}
    held = [(leaf, leaf.grad) for key, leaf in capture.added.items() if key not in known]  # type: ignore[attr-defined]
    if held:
        guards.append(lambda: all(leaf.grad is grad for leaf, grad in held))  # type: ignore[attr-defined]
    return guards


def kept(holder: Any, relied: dict) -> Callable[[], bool]:
    """Return the guard that `holder` still has the entries `relied`."""
    # one key more than there is, so that itemgetter always returns a tuple
    read = itemgetter(*relied, next(iter(relied)))
    held = read(relied)
    return lambda: read(holder) == held


def unchanged(modules: list[tuple[Any, bool, dict]], relied: list[tuple[Any, str, Any]]) -> Callable[[], bool]:
    """Return the guard that modules and attributes are as they were; it looks closely only after some module has changed."""
    seen = Structure.changes

    def holds() -> bool:
        nonlocal seen
        if Structure.changes == seen:
            return True
        for module, training, own in modules:
            tables = (module._parameters, module._buffers, module._modules)
            if module.training is not training or any(table[name] is not own.get(name) for table in tables for name in table):
                return False
        if any(getattr(holder, name) is not value for holder, name, value in relied):
            return False
        seen = Structure.changes
        return True

    return holds
