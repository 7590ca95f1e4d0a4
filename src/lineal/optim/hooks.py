"""Hooks of optimizers: before and after a step, and on the state's way out and in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from lineal.core import modes
from lineal.core.hooks import RemovableHandle
from lineal.nn.handles import HookTable

__all__ = ["Hooked", "hooked", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

F = TypeVar("F", bound=Callable[..., Any])

BEFORE, AFTER = HookTable(), HookTable()
"""The hooks for all optimizers."""
NONE: dict[int, Any] = {}


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer; it may return other args and kwargs."""
    return BEFORE.add(hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return AFTER.add(hook)


class Hooked:
    """What has hooks. A subclass need not call `__init__`: without a table of its own it has no hooks."""

    _optimizer_step_pre_hooks: dict[int, Any] = NONE
    _optimizer_step_post_hooks: dict[int, Any] = NONE
    _optimizer_state_dict_pre_hooks: dict[int, Any] = NONE
    _optimizer_state_dict_post_hooks: dict[int, Any] = NONE
    _optimizer_load_state_dict_pre_hooks: dict[int, Any] = NONE
    _optimizer_load_state_dict_post_hooks: dict[int, Any] = NONE
    _opt_called = False
    _held_: tuple = ((), ())

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return other args, self first, and kwargs."""
        return register(self, "_optimizer_step_pre_hooks", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return register(self, "_optimizer_step_post_hooks", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict`."""
        return register(self, "_optimizer_state_dict_pre_hooks", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after `state_dict`; what it returns, unless None, is returned instead."""
        return register(self, "_optimizer_state_dict_post_hooks", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before `load_state_dict`; what it returns, unless None, is loaded instead."""
        return register(self, "_optimizer_load_state_dict_pre_hooks", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after `load_state_dict`."""
        return register(self, "_optimizer_load_state_dict_post_hooks", hook, prepend)

    @property
    def _step_hooks_(self) -> tuple:
        """The hooks before and after a step, as the same object as long as they are the same: programs rely upon it."""
        before = (*BEFORE.values(), *self._optimizer_step_pre_hooks.values())
        now = before, (*self._optimizer_step_post_hooks.values(), *AFTER.values())
        if now != self._held_:
            self._held_ = now
        return self._held_


def register(optimizer: Any, name: str, hook: Any, prepend: bool = False) -> RemovableHandle:
    """Put a hook into a table of the optimizer's, made on first need, or when it is a plain dict of a subclass's."""
    table = optimizer.__dict__.get(name)
    if not isinstance(table, HookTable):
        table = optimizer.__dict__[name] = HookTable(table or ())
    return table.add(hook, prepend)


def hooked(step: F) -> F:
    """Return a class's `step` with the hooks around it; it notes that it was called, which schedulers want to know."""

    @functools.wraps(step)
    def with_hooks(self: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not with_hooks:
            # the step of a subclass, which has had the hooks, calls this one
            return step(self, *args, **kwargs)
        self._opt_called = True
        tell(self)
        if not (BEFORE or AFTER or self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks):
            return step(self, *args, **kwargs)
        before, after = self._step_hooks_
        return run(step, before, after, (self, *args), kwargs)

    with_hooks.hooked = True  # type: ignore[attr-defined]
    return with_hooks  # type: ignore[return-value]


def tell(optimizer: Any) -> None:
    """Tell who listens that the hooks must be those that they are."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.relies(optimizer, "_step_hooks_")


def run(step: Callable[..., Any], before: tuple, after: tuple, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what a step gives, `self` being the first of `args`, with hooks before and after it."""
    optimizer = args[0]
    for hook in before:
        result = hook(optimizer, args, kwargs)
        if result is not None:
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {result}")
            args, kwargs = result
    made = step(*args, **kwargs)
    for hook in after:
        hook(optimizer, args, kwargs)
    return made
