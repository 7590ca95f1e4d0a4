"""`Module`: parameters, buffers and submodules with a `forward`; the base of all layers and models."""

from __future__ import annotations

import itertools
import textwrap
from typing import Any, TypeVar

from lineal.base import later
from lineal.nn.calling import Forward
from lineal.nn.conversion import Convertible
from lineal.nn.state import Stateful

T = TypeVar("T", bound="Module")

notebook: Any = later.module("lineal.nn.notebook")


class Module(Stateful, Convertible, Forward):
    """The base of all layers and models: define `__init__` (after `super().__init__()`) and `forward`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = nn.Parameter(torch.ones(1))
    ...     def forward(self, x):
    ...         return self.slope * x
    """

    def train(self: T, mode: bool = True) -> T:
        """Set training mode (dropout and the like are active) in this module and all below it."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: expected mode to be a bool, got {mode!r}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: T) -> T:
        """Set evaluation mode, that is `train(False)`."""
        return self.train(False)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Let all parameters require grad, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' grads, or set them to zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach()
                parameter.grad.zero_()

    def share_memory(self: T) -> T:
        """Move parameters and buffers to memory that other processes see."""
        for each in itertools.chain(self.parameters(), self.buffers()):
            each.share_memory_()
        return self

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return what `repr` shows between the brackets; layers override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {module!r}" for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        body = textwrap.indent("\n".join(lines + children), "  ")
        return f"{self._get_name()}(\n{body}\n)"

    def _repr_html_(self) -> str:
        return notebook.module_html(self)
