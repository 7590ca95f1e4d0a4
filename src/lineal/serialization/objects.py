"""Whole modules and plain objects in PyTorch's files: by the names of their classes, and their attributes.

Nobody's code is in a file. A class is looked up, by its name, among the modules that the program has imported, where
`load(…, weights_only=False)` asks for it; what is made of it is a new object that is given attributes.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from types import SimpleNamespace
from typing import Any

from lineal.nn import Module

__all__ = ["found", "global_name", "is_creatable", "is_plain", "state_of"]

REDUCING = ("__reduce__", "__reduce_ex__", "__getstate__")
"""The methods by which a class says that its objects are more than their attributes."""
STANDARD = (Namespace, SimpleNamespace)
"""The classes of the standard library whose objects programs keep beside their tensors."""
LIBRARIES = ("lineal", "torch", "numpy", "scipy")
"""Whose objects, but for modules, are more than attributes: memory, state of the process."""

TENSORS = ("lineal.nn.", "lineal.ops.")
"""Where functions stand that modules keep as attributes, as their activation."""


def is_plain(cls: type) -> bool:
    """Return whether objects of a class are their attributes, and no more."""
    return all(getattr(cls, each) is getattr(object, each) for each in REDUCING)


def is_creatable(cls: Any) -> bool:
    """Return whether a class is one of modules, or a program's own whose objects are their attributes."""
    if not isinstance(cls, type) or issubclass(cls, Module):
        return isinstance(cls, type)
    root = cls.__module__.partition(".")[0]
    if root in sys.stdlib_module_names or root in LIBRARIES:
        return cls in STANDARD
    return is_plain(cls) and cls.__dictoffset__ != 0 and cls.__new__ is object.__new__


def state_of(value: Any) -> dict[str, Any] | None:
    """Return the attributes of a module or a plain object; None if it is neither."""
    if not is_creatable(type(value)):
        return None
    return value.__getstate__() if isinstance(value, Module) else dict(vars(value))


def is_function(thing: Any) -> bool:
    """Return whether something is a function, or what stands for one and has its name."""
    return callable(thing) and not isinstance(thing, type) and isinstance(getattr(thing, "__qualname__", None), str)


def global_name(thing: Any) -> str | None:
    """Return the full name under which a class or a function is found again; None if there is none."""
    if not isinstance(thing, type) and not is_function(thing):
        return None
    name = f"{thing.__module__}.{thing.__qualname__}"
    return name if looked_up(name) == thing else None


def looked_up(name: str) -> Any:
    """Return what an imported module has under a full name; None if nothing."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        if found is not None:
            for each in parts[cut:]:
                found = getattr(found, each, None)
            return found
    return None


def found(name: str) -> Any:
    """Return the class or the function of a full name, None if a file may not name it: functions are not called, but kept."""
    thing = looked_up(name)
    return thing if (is_harmless(thing) if is_function(thing) else is_creatable(thing)) else None


def is_harmless(function: Any) -> bool:
    """Return whether a function is one of tensors, or of a package that is neither Python's nor one of `LIBRARIES`."""
    module = function.__module__ or "builtins"
    root = module.partition(".")[0]
    return module.startswith(TENSORS) or not (root in sys.stdlib_module_names or root in LIBRARIES)
