"""Random numbers; the file of what is filled with them is imported when it is first named."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import later as _later

if _TYPE_CHECKING:
    from lineal.ops.random import filling

__getattr__, __all__ = _later.names(__name__, {"": "filling"})
