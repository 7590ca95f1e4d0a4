"""What autocast makes of tensors before a function computes with them.

Functions that are short enough to notice look at `USED`, as doors look at `UNUSUAL`: it is empty until the first autocast of
the process. What stands behind other functions is exchanged then (`amp/casting.py`), so that they look at nothing.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from lineal.base.dtypes import bfloat16, dtype, float32, float64
from lineal.core import AbstractTensor, Leaf, modes
from lineal.core.apply import memory_of
from lineal.ops.conversion import cast, dtype_of

__all__ = ["USED", "Cache", "cache", "is_eligible", "is_on", "lowered", "narrow", "within"]

USED: set[str] = set()
"""Not empty once an autocast has been on: until then nobody need ask."""
narrow = bfloat16
"""The dtype of products in autocast on the CPU, unless another is asked for."""


class Cache:
    """The weights that the outermost autocast has cast: leaves, in float32, that require grad.

    One that was written since is cast again. What was cast while somebody listened is only for who listened, since a trace has
    to hold whatever the weights will be; and a copy without a history is only for those that need none.
    """

    def __init__(self) -> None:
        self.known: dict[tuple, tuple[Any, int, Any, Any]] = {}

    def cast(self, x: Any, target: dtype) -> Any:
        """Return a tensor in the dtype `target`."""
        if not (x.node.__class__ is Leaf and x.origin is None and dtype_of(x) is float32):
            return cast(x, target)
        key, version, listener = (id(x), target, modes.grad_enabled.get()), memory_of(x).version, modes.recorder.get()
        found = self.known.get(key)
        if found is None or found[0].value is not x.value or found[1] != version or found[2] is not listener:
            found = self.known[key] = (x, version, listener, cast(x, target))
        return found[3]

    def clear(self) -> None:
        """Forget them all."""
        self.known.clear()


cache: ContextVar[Cache | None] = ContextVar("autocast_cache", default=None)


def is_eligible(x: Any) -> bool:
    """Return whether autocast casts something: real floating tensors, but for those in float64."""
    if not isinstance(x, AbstractTensor):
        return False
    given = dtype_of(x)
    return given.is_floating_point and given is not float64


def within(x: Any, target: dtype) -> Any:
    """Return what autocast makes of an argument, a tensor or a sequence of some, for a function that computes in `target`."""
    if isinstance(x, (list, tuple)):
        return type(x)([within(each, target) for each in x]) if type(x) in (list, tuple) else x
    if not is_eligible(x) or dtype_of(x) is target:
        return x
    known = cache.get()
    return cast(x, target) if known is None or target is float32 else known.cast(x, target)


def is_on() -> bool:
    """Return whether autocast is on."""
    return bool(USED) and modes.autocast.get() is not None


def lowered(*xs: Any) -> tuple:
    """Return the factors of a product in the dtype that autocast computes products in; as they are where it is off."""
    target = modes.autocast.get()
    return xs if target is None else tuple([within(x, target) for x in xs])
