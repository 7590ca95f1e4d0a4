"""Following a function as it runs: which ops it does, and in which module."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Self

from lineal.core import AbstractTensor, Op, modes
from lineal.nn import Module
from lineal.nn.shared_hooks import register_module_forward_hook, register_module_forward_pre_hook

__all__ = ["Follower"]


class Follower(modes.Recorder):
    """A context that hears the ops of this thread, and when calls of modules begin and end; `within` are the open ones."""

    def __init__(self) -> None:
        self.within: list[Module] = []
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        self.stack.enter_context(register_module_forward_pre_hook(self.begin))
        self.stack.enter_context(register_module_forward_hook(self.end, always_call=True))
        self.stack.enter_context(modes.Setting((modes.recorder, self)))
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()
        self.within.clear()

    def begin(self, module: Module, args: tuple) -> None:
        """Note that a call of a module begins."""
        self.within.append(module)
        self.entered(module, args)

    def end(self, module: Module, args: tuple, output: Any) -> None:
        """Note that a call of a module ends."""
        self.left(module, output)
        self.within.pop()

    def entered(self, module: Module, args: tuple) -> None:
        """Called when a call of a module begins, which is the last of `within`."""

    def left(self, module: Module, output: Any) -> None:
        """Called when the call of the last module of `within` ends."""

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Called when `op` made `ys` of `xs`."""

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Called when a tensor is written."""

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Called when Python reads a number."""
