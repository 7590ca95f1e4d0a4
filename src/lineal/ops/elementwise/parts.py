"""Complex numbers: their parts, their conjugates, their angles, and how they are made of real ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply, renamed
from lineal.core.calling import no_tensor, public
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.elementwise.masks import drop
from lineal.ops.elementwise.trigonometry import cos, sin
from lineal.ops.front import require_tensor, store, unary
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import broadcast

__all__ = [
    "real",
    "imag",
    "conj",
    "conj_physical",
    "resolve_conj",
    "resolve_neg",
    "is_conj",
    "is_neg",
    "complex",
    "polar",
    "angle",
    "view_as_real",
    "view_as_complex",
]


class Real(Op):
    """y = Re x, over the same memory; x̄ = ȳ."""

    aliasing = "view"
    no_lowering = "host step: complex numbers"

    def eager(self, xp, x):
        return x.real

    def vjp(self, needs, g, y, x):
        return (cast(g, dtypes.of(x.storage)),)


class Imag(Op):
    """y = Im x, over the same memory; x̄ = i ȳ."""

    aliasing = "view"
    no_lowering = "host step: complex numbers"

    def eager(self, xp, x):
        return x.imag

    def vjp(self, needs, g, y, x):
        return (mul(g, 1j),)


_real, _imag = Real(), Imag()


def real(input: Tensor) -> Tensor:
    """Return the real parts of a complex tensor as a view; a real tensor itself."""
    return apply(_real, input) if require_tensor("real", input).dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    """Return the imaginary parts of a complex tensor as a view; RuntimeError for a real one."""
    if require_tensor("imag", input).dtype.kind != "c":
        raise RuntimeError("imag: imag is not implemented for tensors with non-complex dtypes.")
    return apply(_imag, input)


_conj = unary("conj", lambda m, x: m.conjugate(x), lambda g: g.conj(), domain="any")


def conj(input: Tensor) -> Tensor:
    """Return the complex conjugate, a copy, so that `is_conj` is never true; a real tensor itself.

    PyTorch's looks into the memory of `input`: there a write to the one is seen in the other.
    """
    try:
        return _conj(input) if input.value.dtype.kind == "c" else input
    except AttributeError:
        raise no_tensor("conj", input) from None


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the complex conjugate; a real tensor itself."""
    require_tensor("conj_physical", input)
    y = conj(input) if out is not None or input.value.dtype.kind != "c" else renamed(conj(input), "ConjPhysicalBackward0")
    return y if out is None else store(y, out, "conj_physical", input)


def resolve_conj(input: Tensor) -> Tensor:
    """Return input itself: conjugates are computed at once here, never marked for later."""
    require_tensor("resolve_conj", input)
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """Return input itself: negatives are computed at once here, never marked for later."""
    require_tensor("resolve_conj", input)
    return input


def is_conj(input: Tensor) -> bool:
    """Return whether input is marked to be conjugated later: never."""
    require_tensor("is_conj", input)
    return False


def is_neg(input: Tensor) -> bool:
    """Return whether input is marked to be negated later: never."""
    require_tensor("is_neg", input)
    return False


def _joined(m: Any, a: Any, b: Any) -> Any:
    y = m.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a.dtype, np.complex64))
    y.real, y.imag = a, b
    return y


_complex = Elementwise("complex", lambda m, a, b: a + 1j * b, (lambda g: g.real, lambda g: g.imag), "complex", _joined)
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def check_parts(name: str, first: AbstractTensor, second: AbstractTensor) -> None:
    """Raise unless both are float32 or both float64."""
    require_tensor(name, first)
    require_tensor(name, second)
    given = dtype_of(first), dtype_of(second)
    if any(each.numpy not in _FLOATS for each in given):
        raise RuntimeError(f"{name}: Expected both inputs to be Float or Double tensors but got {given[0]} and {given[1]}")
    if given[0] is not given[1]:
        raise RuntimeError(
            f"{name}: Expected object of scalar type {given[0]} but got scalar type {given[1]} for second argument"
        )


def finish(name: str, y: Any, out: AbstractTensor | None) -> Any:
    """Return `y`, put into `out` if there is one, which must have y's dtype."""
    if out is None:
        return y
    if dtype_of(out) is not dtype_of(y):
        raise RuntimeError(
            f"{name}: Expected object of scalar type {dtype_of(y)} but got scalar type {dtype_of(out)} for argument 'out'"
        )
    return store(y, out, name)


@public
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return real + i × imag, two tensors of float32 or of float64."""
    check_parts("complex", real, imag)
    return finish("complex", apply(_complex, *broadcast("complex", real, imag)), out)


@public
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return abs × (cos(angle) + i sin(angle)), of two tensors of float32 or of float64."""
    check_parts("polar", abs, angle)
    return renamed(finish("polar", complex(mul(abs, cos(angle)), mul(abs, sin(angle))), out), "PolarBackward0")


def _angle_numeric(m: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return m.arctan2(x.imag, x.real)
    return m.where(x < 0, x.dtype.type(m.pi), m.where(x == x, x.dtype.type(0), x))


def _turn(g: Any, x: Any) -> Any:
    """How the angle turns with x: across its direction, and the faster the nearer x is to 0."""
    if x.value.dtype.kind != "c":
        return mul(g, 0)
    return drop(mul(g, 1j) / conj(x), x == 0)


angle = unary(
    "angle",
    lambda m, x: m.where(x < 0, m.pi, m.where(x == x, 0, x)),
    _turn,
    result="real",
    numeric=_angle_numeric,
    doc="Return the angle of complex numbers, in (-π, π]; of real ones 0, or π where they are negative.",
)


class ViewAsReal(Op):
    """y = x with its parts along a new last axis of size 2, over the same memory; x̄ = ȳ read back as complex."""

    aliasing = "view"
    no_lowering = "host step: complex numbers"

    def eager(self, xp, x):
        return x[..., None].view(x.real.dtype)

    def vjp(self, needs, g, y, x):
        return (view_as_complex(g.contiguous()),)


class ViewAsComplex(Op):
    """y = x with the pairs along its last axis as complex numbers, over the same memory; x̄ = ȳ read back as pairs."""

    aliasing = "view"
    no_lowering = "host step: complex numbers"

    def eager(self, xp, x):
        return x.view(np.result_type(x.dtype, np.complex64))[..., 0]

    def vjp(self, needs, g, y, x):
        return (view_as_real(g),)


_view_as_real, _view_as_complex = ViewAsReal(), ViewAsComplex()


def view_as_real(input: Tensor) -> Tensor:
    """Return a complex tensor as a view of its parts, along a new last dimension of size 2."""
    if require_tensor("view_as_real", input).dtype.kind != "c":
        raise RuntimeError("view_as_real: view_as_real is only supported for complex tensors")
    return apply(_view_as_real, input)


@public
def view_as_complex(input: Tensor) -> Tensor:
    """Return a real tensor whose last dimension holds real and imaginary parts as a complex view."""
    value = require_tensor("view_as_complex", input)
    if value.dtype not in _FLOATS:
        raise RuntimeError(f"view_as_complex: expected a float32 or float64 tensor, got {dtype_of(input)}")
    if value.ndim == 0 or value.shape[-1] != 2:
        raise RuntimeError(f"view_as_complex: Tensor must have a last dimension of size 2, got shape {list(value.shape)}")
    if value.strides[-1] != value.itemsize:
        raise RuntimeError("view_as_complex: Tensor must have a last dimension with stride 1")
    if any(step % (2 * value.itemsize) for step in value.strides[:-1]):
        raise RuntimeError("view_as_complex: Tensor must have a stride divisible by 2 for all but last dimension")
    return apply(_view_as_complex, input)
