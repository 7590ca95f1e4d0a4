"""The limits of the number types: `finfo` and `iinfo`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base import config, dtypes, later

__all__ = ["finfo", "iinfo"]

ml_dtypes: Any = later.module("ml_dtypes")


class finfo:  # noqa: N801
    """The limits of a floating dtype (of its parts, for a complex one)."""

    def __init__(self, type: dtypes.dtype | None = None):
        given = config.defaults.dtype if type is None else dtypes.as_dtype(type)
        if given.category < dtypes.Category.FLOATING:
            raise TypeError(f"torch.finfo() requires a floating point input type; use torch.iinfo for {given}")
        real = given.to_real()
        info = ml_dtypes.finfo(real.numpy) if real.extension else np.finfo(real.numpy)
        self.dtype = real.name
        self.bits = info.bits
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        # as many decimal digits as every number of so many binary ones holds
        self.resolution = float(f"1e-{int((given.digits - 1) * math.log10(2))}")

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in names)}, dtype={self.dtype})"


class iinfo:  # noqa: N801
    """The limits of an integer dtype."""

    def __init__(self, type: dtypes.dtype):
        given = dtypes.as_dtype(type)
        if given.category is not dtypes.Category.INTEGER:
            raise TypeError(f"torch.iinfo() requires an integer input type; use torch.finfo for {given}")
        info = np.iinfo(given.numpy)
        self.dtype = given.name
        self.bits = info.bits
        self.max = int(info.max)
        self.min = int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
