"""Element by element: arithmetic, comparisons, logic, conversions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal import ops
from lineal.base import dtypes, later
from lineal.base.errors import UnsupportedError
from lineal.base.limits import finfo
from lineal.onnx.kernels.table import OPERATORS, Node, operator, plain, refuse

__all__ = ["dtype_of"]

proto: Any = later.module("onnx")

UNARY = {
    **{
        name: name.lower()
        for name in "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Log Neg Sigmoid".split()
    },
    **{name: name.lower() for name in "Reciprocal Round Sign Sin Sinh Sqrt Tan Tanh Relu IsNaN".split()},
    "Not": "logical_not",
    "BitwiseNot": "bitwise_not",
}
BINARY = {
    "Add": "add",
    "Sub": "sub",
    "Mul": "mul",
    "And": "logical_and",
    "Or": "logical_or",
    "Xor": "logical_xor",
    "Equal": "eq",
    "Greater": "gt",
    "GreaterOrEqual": "ge",
    "Less": "lt",
    "LessOrEqual": "le",
    "Where": "where",
    "BitwiseAnd": "bitwise_and",
    "BitwiseOr": "bitwise_or",
    "BitwiseXor": "bitwise_xor",
    "MatMul": "matmul",
}
OPERATORS.update({name: plain(getattr(ops, function)) for name, function in {**UNARY, **BINARY}.items()})
OPERATORS["Identity"] = lambda node, x: x


def dtype_of(number: int) -> dtypes.dtype:
    """Return the dtype of one of ONNX's numbers of dtypes; UnsupportedError for one that lineal has not."""
    try:
        return dtypes.of(proto.helper.tensor_dtype_to_np_dtype(number))
    except (TypeError, KeyError):
        raise UnsupportedError(f"onnx.load: lineal does not have the dtype {proto.TensorProto.DataType.Name(number)}") from None


def folded(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return the entry of an operator on any number of inputs."""
    return lambda node, *xs: functools.reduce(function, xs)


OPERATORS.update({"Max": folded(ops.maximum), "Min": folded(ops.minimum), "Sum": folded(ops.add)})


@operator("Mean")
def mean(node: Node, *xs: Any) -> Any:
    return functools.reduce(ops.add, xs) / len(xs)


@operator("Div")
def divide(node: Node, a: Any, b: Any) -> Any:
    """a / b; of whole numbers cut towards 0."""
    return a / b if a.dtype.is_floating_point else ops.div(a, b, rounding_mode="trunc")


@operator("Mod")
def modulo(node: Node, a: Any, b: Any) -> Any:
    return ops.fmod(a, b) if node.get("fmod", 0) else ops.remainder(a, b)


@operator("Pow")
def power(node: Node, a: Any, b: Any) -> Any:
    return ops.pow(a, b).to(a.dtype)


@operator("Clip")
def clip(node: Node, x: Any, low: Any = None, high: Any = None) -> Any:
    low, high = (node.get(word) if each is None else each for word, each in (("min", low), ("max", high)))
    return x if low is None and high is None else ops.clamp(x, low, high)


@operator("IsInf")
def is_infinite(node: Node, x: Any) -> Any:
    above, below = node.get("detect_positive", 1), node.get("detect_negative", 1)
    return ops.isinf(x) & ((x > 0) & bool(above) | (x < 0) & bool(below))


@operator("BitShift")
def shift(node: Node, a: Any, b: Any) -> Any:
    return ops.bitwise_left_shift(a, b) if node.get("direction") == "LEFT" else ops.bitwise_right_shift(a, b)


@operator("Cast")
def cast(node: Node, x: Any) -> Any:
    return converted(node, x, dtype_of(node.get("to")))


@operator("CastLike")
def cast_like(node: Node, x: Any, other: Any) -> Any:
    return converted(node, x, other.dtype)


def converted(node: Node, x: Any, dtype: dtypes.dtype) -> Any:
    """Return x in a dtype; what is too large for one of 8 bits becomes its largest number."""
    if dtype.rank:
        return x.to(dtype)
    if not node.get("saturate", 1):
        raise refuse(node, "saturate 0")
    most = finfo(dtype).max
    return ops.clamp(x.float(), -most, most).to(dtype)


@operator("Dropout")
def dropout(node: Node, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """y = x, as after training; and a mask of all, if it is asked for."""
    if training is not None and bool(training):
        raise refuse(node, "training_mode")
    return (x, ops.ones_like(x, dtype=dtypes.bool_)) if len(node.outputs) > 1 else x
