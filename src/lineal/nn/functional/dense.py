"""Functions of the dense layers."""

from __future__ import annotations

from lineal.ops import linear

__all__ = ["linear"]
