"""The front of elementwise ops: what users may pass (numbers, arrays, mixed dtypes and shapes) becomes what `apply` takes.

Promotion and broadcasting happen here, once, so that no kernel promotes and no derivative un-broadcasts. An operand that needs no
derivative is left to NumPy's broadcasting, unless a recorder listens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import config, dtypes
from lineal.base.dtypes import Category, dtype
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, modes, write
from lineal.core.door import binary_door, unary_door
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import as_operand, cast, constant, result_type
from lineal.ops.pattern import Elementwise, Rule

_recorder = modes.recorder.get
_grad_enabled = modes.grad_enabled.get


def unary(
    name: str, scalar: Rule, derivative: Rule | None = None, *, domain: str = "float", result: str = "same", doc: str = ""
) -> Callable[..., Any]:
    """Make the public function of an elementwise op of one input.

    `domain` is "float" (integers are taken as the default dtype), "any", "real" (no complex) or "number" (no bool).
    """
    op = Elementwise(name, scalar, (derivative,), result)
    floats = domain == "float"
    refused = {"real": "c", "number": "b"}.get(domain, "")
    door = unary_door(op, op.kernel())

    def front(input: AbstractTensor, *, out: AbstractTensor | None = None) -> Any:  # noqa: A002
        kind = require_tensor(name, input).dtype.kind
        if floats and kind in "iub":
            input = cast(input, config.defaults.dtype)  # noqa: A001
        elif kind in refused:
            raise RuntimeError(f"{name}: expected a tensor that is not {dtypes.of(input.value.dtype)}")
        y = door(input)
        return y if out is None else store(y, out, name)

    return named(front, name, op, doc)


def binary(
    name: str,
    scalar: Rule,
    by_first: Rule | None = None,
    by_second: Rule | None = None,
    *,
    domain: str = "any",
    result: str = "same",
    doc: str = "",
) -> Callable[..., Any]:
    """Make the public function of an elementwise op of two inputs; see `align` for the domains."""
    op = Elementwise(name, scalar, (by_first, by_second), result)
    plain = "fc" if domain in ("float", "any", "number", "compare") else "f" if domain == "real" else ""
    door = binary_door(op, op.kernel())
    usual = np.dtype(np.float32) if domain != "integer" else None
    integers = plain + ("iu" if domain in ("any", "number", "real", "integer", "compare") else "")

    def front(input: Any, other: Any, *, out: AbstractTensor | None = None) -> Any:  # noqa: A002
        if isinstance(other, AbstractTensor) and isinstance(input, AbstractTensor):
            a, b = input.value, other.value
            storage = a.dtype
            if storage is b.dtype and (storage is usual or storage.kind in integers) and out is None:
                if (
                    (input.node is None and other.node is None and input.view is None and other.view is None)
                    and _recorder() is None
                ) or a.shape == b.shape:
                    return door(input, other)
        elif isinstance(input, AbstractTensor) and input.value.dtype.kind in plain and other.__class__ in _SIMPLE:
            y = door(input, constant(other, dtypes.BY_NUMPY[input.value.dtype]))
            return y if out is None else store(y, out, name)
        y = door(*align(name, domain, input, other))
        return y if out is None else store(y, out, name)

    return named(front, name, op, doc)


_SIMPLE = frozenset((int, float))


def named(front: Callable[..., Any], name: str, op: Elementwise, doc: str) -> Callable[..., Any]:
    """Give a function made from a row its name, its documentation and its op."""
    front.__name__ = front.__qualname__ = name
    front.__doc__ = doc or None
    front.op = op  # type: ignore[attr-defined]
    return front


def require_tensor(name: str, x: Any) -> np.ndarray:
    """Return the array of a tensor; TypeError names the op if it is something else."""
    try:
        return x.value
    except AttributeError:
        raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}") from None


def align(name: str, domain: str, *operands: Any) -> list[Any]:
    """Return the operands as tensors of one dtype and of shapes that `apply` takes.

    Domains: "any"; "float" (integers are taken as the default dtype); "real" (no complex); "number" (no bool); "integer"
    (integers and bool); "compare" (as "any").
    """
    for operand in operands:
        if not isinstance(operand, (AbstractTensor, np.ndarray, np.generic, bool, int, float, complex)):
            raise TypeError(f"{name}: expected a tensor or a number, got {type(operand).__name__}")
    target = result_type(*operands)
    target = check_domain(name, domain, target)
    xs = [cast(x, target) if isinstance(x, AbstractTensor) else as_constant(x, target) for x in operands]
    return broadcast(name, *xs)


def as_constant(given: Any, target: dtype) -> Any:
    """Return a number or array as a constant tensor of dtype `target`."""
    if isinstance(given, np.ndarray):
        return cast(as_operand(given), target)
    return constant(given, target)


def check_domain(name: str, domain: str, target: dtype) -> dtype:
    """Return the dtype in which an op of this domain computes; RuntimeError if it does not take `target`."""
    if domain == "float" and target.category < Category.FLOATING:
        return config.defaults.dtype
    if (
        (domain == "integer" and target.category >= Category.FLOATING)
        or (domain == "real" and target.is_complex)
        or (domain == "number" and target is dtypes.bool_)
    ):
        raise RuntimeError(f"{name}: not implemented for {target}")
    return target


def broadcast(name: str, *xs: Any) -> list[Any]:
    """Expand the inputs to their common shape, except constants of no dimensions, and others where nobody would notice."""
    shapes = [x.value.shape for x in xs]
    if all(shape == shapes[0] for shape in shapes):
        return list(xs)
    shape = broadcast_shapes(name, *shapes)
    everywhere = _recorder() is not None
    grads = _grad_enabled()
    return [
        expand(x, shape) if (everywhere and x.value.ndim) or (grads and (x.node is not None or x.view is not None)) else x
        for x in xs
    ]


def store(y: Any, out: AbstractTensor, name: str) -> Any:
    """Put the result `y` into `out` (resized if it has another shape) and return `out`."""
    if not isinstance(out, AbstractTensor):
        raise TypeError(f"{name}: expected out to be a tensor, got {type(out).__name__}")
    if modes.grad_enabled.get() and (y.node is not None or out.node is not None):
        raise RuntimeError(f"{name}: functions with out=... arguments don't support automatic differentiation")
    given, wanted = dtypes.BY_NUMPY[y.value.dtype], dtypes.BY_NUMPY[out.value.dtype]
    if not dtypes.can_cast(given, wanted):
        raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
    if out.value.shape != y.value.shape:
        out.value = np.empty(y.value.shape, out.value.dtype)
    return write(out, cast(y, wanted), name)


def assign(target: AbstractTensor, y: Any, name: str) -> Any:
    """Let `target` take the result `y` in place, in its own dtype; RuntimeError if y's category is higher."""
    given, wanted = dtypes.BY_NUMPY[y.value.dtype], dtypes.BY_NUMPY[target.value.dtype]
    if given is not wanted:
        if given.category > wanted.category:
            raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
        y = cast(y, wanted)
    return write(target, y, name)


def in_place(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """Return the method `name` (by default the function's name and "_") that writes the function's result into its tensor."""
    label = name or f"{function.__name__}_"

    def method(self: AbstractTensor, *args: Any, **kwargs: Any) -> Any:
        return assign(self, function(self, *args, **kwargs), label)

    method.__name__ = method.__qualname__ = label
    method.__doc__ = f"Write the result of `{function.__name__}` into this tensor and return it."
    return method
