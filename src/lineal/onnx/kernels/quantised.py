"""Numbers as whole multiples of a scale."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.limits import iinfo
from lineal.onnx.kernels.arithmetic import dtype_of
from lineal.onnx.kernels.table import Node, operator, refuse

__all__: list[str] = []


def along(node: Node, x: Any, each: Any) -> Any:
    """Return a scale or a zero of each place along an axis so that it broadcasts; one of all as it is."""
    if node.get("block_size", 0):
        raise refuse(node, "blocks")
    if each is None or each.numel() == 1:
        return None if each is None else each.reshape(())
    axis = node.get("axis", 1) % x.ndim
    return each.reshape([-1 if n == axis else 1 for n in range(x.ndim)])


@operator("DequantizeLinear")
def dequantise(node: Node, x: Any, scale: Any, zero: Any = None) -> Any:
    """y = (x - zero) scale."""
    step, origin = along(node, x, scale), along(node, x, zero)
    wide = x.to(dtypes.float32)
    return ((wide if origin is None else wide - origin.to(dtypes.float32)) * step).to(scale.dtype)


@operator("QuantizeLinear")
def quantise(node: Node, x: Any, scale: Any, zero: Any = None) -> Any:
    """y = x / scale, rounded to the nearest whole number, plus zero, and kept within the dtype."""
    step, origin = along(node, x, scale), along(node, x, zero)
    wanted = zero.dtype if zero is not None else dtype_of(node.get("output_dtype", 0) or 2)
    if wanted.is_floating_point:
        raise refuse(node, f"{wanted}")
    rounded = ops.round(x / step).to(dtypes.float64)
    moved = rounded if origin is None else rounded + origin.to(dtypes.float64)
    return ops.clamp(moved, iinfo(wanted).min, iinfo(wanted).max).to(wanted)
