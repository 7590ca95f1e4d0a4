"""Products of matrices and vectors; the file of the methods is imported when it is first named."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import later as _later

if _TYPE_CHECKING:
    from lineal.ops.contraction import matmul

__getattr__, __all__ = _later.names(__name__, {"": "matmul"})
