"""What users hold: the final Tensor, how to make one, and how it prints."""

from types import ModuleType as _ModuleType

from lineal.tensors.tensor import *  # isort: skip - first, so that the function `tensor` wins over the module's name
from lineal.tensors.creation import *
from lineal.tensors.interop import *
from lineal.tensors.printoptions import *

__all__ = [name for name, each in globals().items() if name[0] != "_" and not isinstance(each, _ModuleType)]  # pyright: ignore[reportUnsupportedDunderAll]
