"""What stands for names and modules that lineal has not: importing them is allowed, using them is an error of one line."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from lineal.base.errors import UnsupportedError
from lineal.base.version import __version__
from lineal.porting.usage import imports, names_type, place, usage

__all__ = ["Missing", "MissingNameError", "refuse"]


PACKAGE = "torch.package"
"""What runs code that files bring: the one path that lineal will never have."""


class MissingNameError(UnsupportedError, AttributeError):
    """A program has used a name of PyTorch's that lineal has not."""


def refuse(path: str, imported: str = "") -> NoReturn:
    """Raise the error that says what is missing, and where it was imported, if it was."""
    if not imports():
        usage.missing.setdefault(path, place())
    origin = f", imported at {imported}" if imported else ""
    if path == PACKAGE or path.startswith(f"{PACKAGE}."):
        raise MissingNameError(f"{path} is refused{origin}: it runs code that files bring; save and load state_dict() instead")
    raise MissingNameError(f"{path} is not in lineal {__version__}{origin}")


class Absence(type):
    """The type of what stands for absent classes: nothing is an instance of them, and to derive from one is to use it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 3 and isinstance(args[1], tuple):
            base = next(each for each in args[1] if isinstance(each, Missing))
            refuse(base.__name__, base.__imported__)
        return super().__call__(*args, **kwargs)


class Missing(ModuleType, metaclass=Absence):
    """Stands for one path that lineal has not, be it a module's, a class's or a function's.

    It can be imported, imported from, written into an annotation and asked for by `isinstance`, which is False.
    """

    def __init__(self, name: str):
        super().__init__(name)
        self.__path__: list[str] = []
        self.__imported__ = place()
        usage.imported.setdefault(name, self.__imported__)

    def __getattr__(self, name: str) -> Any:
        full = f"{self.__name__}.{name}"
        if full in sys.modules:
            return sys.modules[full]
        if name.startswith("__"):
            raise AttributeError(name)
        if names_type(name):
            return import_module(full)
        refuse(full, self.__imported__)

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, Missing):
            super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(self.__name__, self.__imported__)

    def __mro_entries__(self, bases: tuple) -> NoReturn:
        refuse(self.__name__, self.__imported__)

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __getitem__(self, parameters: Any) -> Missing:
        return self

    def __or__(self, other: Any) -> Any:
        return Any

    __ror__ = __or__

    def __repr__(self) -> str:
        return f"<{self.__name__}, which lineal has not>"
