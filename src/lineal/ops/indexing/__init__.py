"""Reading and writing places of tensors; these files are imported when one of them is first named."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import later as _later

if _TYPE_CHECKING:
    from lineal.ops.indexing import along, filling, gathering, masked, masks, subscript

__getattr__, __all__ = _later.names(__name__, {"": "along filling gathering masked masks subscript"})
