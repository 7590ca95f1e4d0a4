"""Making layers without starting values."""

from __future__ import annotations

import inspect
from typing import Any

from lineal.nn.module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """Return a module of the class `module_cls`, which must take `device`, whose parameters nobody relies upon.

    They have the starting values all the same: there is no meta device on which to leave them out.

    RuntimeError unless `module_cls` is a class of modules that takes `device`.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"skip_init: Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("skip_init: Module must support a 'device' arg to skip initialization")
    return module_cls(*args, **kwargs)
