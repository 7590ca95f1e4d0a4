"""What is imported when it is first asked for, from whichever thread: modules, the names of a package, the methods of a class.

`lazy_loader.load` is not used, because before Python 3.11.9 and 3.12.3 the standard library's LazyLoader, on which it builds,
shows a second thread a module whose import has only begun (https://github.com/python/cpython/issues/114763).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["Method", "loaded", "method", "module", "names"]

F = TypeVar("F")


class Later:
    """Stands for a module; its import takes the interpreter's lock for it, so that other threads wait.

    Once it is there its names are this object's own, in one dictionary: to find one takes no longer than in the module.
    """

    __slots__ = ("__dict__", "imported_from")

    def __init__(self, path: str):
        self.imported_from = path

    def __getattr__(self, name: str) -> Any:
        found = import_module(self.imported_from)
        self.__dict__ = vars(found)
        return getattr(found, name)

    def __repr__(self) -> str:
        return f"<module {self.imported_from!r}, imported when it is used>"


def module(path: str) -> Any:
    """Return what stands for the module of this name."""
    return Later(path)


def loaded(stand_in: Any) -> ModuleType:
    """Return the module that something stands for."""
    return import_module(stand_in.imported_from)


def names(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], list[str]]:
    """Return `__getattr__` of a package, which keeps what it has found, and the names it finds.

    `places` has the names, parted by blanks, by the module within the package that defines them; by "" those of modules.
    """
    found = {name: place for place, text in places.items() for name in text.split()}
    space = vars(sys.modules[package])

    def look(name: str) -> Any:
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        place = found[name]
        value = getattr(import_module(f"{package}.{place}"), name) if place else import_module(f"{package}.{name}")
        space[name] = value
        return value

    return look, [*found]


class Method:
    """Stands in a class for a method, and gives it the place when it is first asked for."""

    __slots__ = ("find", "name", "owner")

    def __init__(self, find: Callable[[], Any]):
        self.find = find

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        found = self.find()
        setattr(self.owner, self.name, found)
        return found.__get__(instance, owner)


def method(find: Callable[[], F]) -> F:
    """Return what stands in a class for the method that `find` gives: `sort = method(lambda: ops.sort)`."""
    return Method(find)  # type: ignore[return-value]
