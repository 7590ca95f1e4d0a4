"""Hooks for all modules, which run before those of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.core.hooks import RemovableHandle
from lineal.nn.calling import ForwardHook
from lineal.nn.handles import SharedHook, everywhere

__all__ = [
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, buffer)` whenever a module is given a buffer; what it returns is registered instead."""
    return everywhere.add(SharedHook("buffer", hook))


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, submodule)` whenever a module is given a submodule; what it returns is registered instead."""
    return everywhere.add(SharedHook("module", hook))


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, param)` whenever a module is given a parameter; what it returns is registered instead."""
    return everywhere.add(SharedHook("parameter", hook))


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before the `forward` of every module; what it returns replaces the arguments."""
    return everywhere.add(SharedHook("_forward_pre_hooks", ForwardHook(hook, False)))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the `forward` of every module; what it returns replaces the output."""
    return everywhere.add(SharedHook("_forward_hooks", ForwardHook(hook, with_kwargs, always_call)))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` before the backward of every module; what it returns replaces grad_output."""
    return everywhere.add(SharedHook("_backward_pre_hooks", hook))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in the backward of every module; what it returns replaces grad_input."""
    return everywhere.add(SharedHook("_backward_hooks", hook))
