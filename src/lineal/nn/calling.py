"""Calling a module: `forward` with the hooks around it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

from lineal.base import later
from lineal.core import modes
from lineal.core.hooks import RemovableHandle
from lineal.nn.handles import everywhere, hooks_of
from lineal.nn.registry import Registry
from lineal.nn.watching import BackwardWatch

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_compiler: Any = later.module("lineal.compiler")
_recorder = modes.recorder.get


class ForwardHook(NamedTuple):
    """A hook around `forward`, whether it takes the keyword arguments, whether it runs after an error too."""

    function: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False

    def __call__(self, module: Any, args: tuple, kwargs: dict, *result: Any) -> Any:
        """Call the hook with the arguments it asked for."""
        return self.function(module, args, *((kwargs,) if self.with_kwargs else ()), *result)


class Forwarding(Protocol[P, R_co]):
    """What has a `forward`, and is called with its arguments."""

    @property
    def forward(self) -> Callable[P, R_co]: ...


def tell(listener: modes.Recorder, module: Any) -> None:
    """Let a listener hear that a module is called."""
    listener.saw(module)
    listener.relies(everywhere, "held")


class Forward(Registry):
    """A module that is called: hooks before, `forward`, hooks after."""

    _compiled_call_impl: Callable[..., Any] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the module makes of its inputs; every module defines its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self: Forwarding[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        module: Any = self
        listener = _recorder()
        if listener is not None:
            tell(listener, module)
        elif module._compiled_call_impl is not None:
            return module._compiled_call_impl(*args, **kwargs)
        own = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
        if own or everywhere:
            return module._call_with_hooks_(args, kwargs)
        return module.forward(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """Do what a call does that no program replaces."""
        listener = _recorder()
        if listener is not None:
            tell(listener, self)
        return self._call_with_hooks_(args, kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Let calls of this module run as native programs; the options are those of `lineal.compile`."""
        self._compiled_call_impl = _compiler.compile(self._call_impl, *args, **kwargs)

    def _call_with_hooks_(self, args: tuple, kwargs: dict) -> Any:
        done = 0
        result: Any = None
        try:
            args, kwargs = self._before_(args, kwargs)
            watched = hooks_of(self, "_backward_hooks") or hooks_of(self, "_backward_pre_hooks")
            watch = BackwardWatch(self) if watched else None
            if watch is not None:
                args = watch.inputs(args)
            result = self.forward(*args, **kwargs)
            for hook in hooks_of(self, "_forward_hooks"):
                done += 1
                changed = hook(self, args, kwargs, result)
                result = result if changed is None else changed
            return result if watch is None else watch.outputs(result)
        except Exception:
            self._after_error_(args, kwargs, result, done)
            raise

    def _before_(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        for hook in hooks_of(self, "_forward_pre_hooks"):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not hook.with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                raise RuntimeError(f"forward pre-hook: expected None or (new_args, new_kwargs), got {changed!r}")
        return args, kwargs

    def _after_error_(self, args: tuple, kwargs: dict, result: Any, done: int) -> None:
        for hook in hooks_of(self, "_forward_hooks")[done:]:
            if hook.always_call:
                try:
                    hook(self, args, kwargs, result)
                except Exception as error:
                    warnings.warn(f"forward hook: {error!r} in a hook with always_call=True; raising the first error")

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns replaces the arguments."""
        return self._forward_pre_hooks.add(ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns replaces the output."""
        return self._forward_hooks.add(ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's backward; what it returns replaces grad_output."""
        return self._backward_pre_hooks.add(hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Do what `register_full_backward_hook` does, which is newer; PyTorch shows such a hook the module's last op alone."""
        return self._backward_hooks.add(hook)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` in backward; what it returns replaces grad_input."""
        return self._backward_hooks.add(hook, prepend)
