"""Words for annotations, as in `torch.types`."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence

from lineal.base.devices import device
from lineal.base.dtypes import dtype
from lineal.base.spec import Size
from lineal.tensors import Layout, Tensor
from lineal.tensors.storages import UntypedStorage

__all__ = ["Device", "FileLike", "IntLikeType", "Number", "Storage", "TensorLikeType"]

_TensorOrTensors = Tensor | Sequence[Tensor]
_dtype, _device, _size, _layout = dtype, device, Size | list[int] | tuple[int, ...], Layout
_bool, _int, _float, _complex = builtins.bool, builtins.int, builtins.float, builtins.complex

Device = device | str | int | None
Number = int | float | bool
IntLikeType = int
TensorLikeType = Tensor
FileLike = str | os.PathLike[str]
Storage = UntypedStorage
