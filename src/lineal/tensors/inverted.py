"""Inverses that nobody has looked at: known by the factors of their matrix, and formed only on first sight."""

from __future__ import annotations

from typing import Any

from lineal.base import dtypes
from lineal.base.spec import Size
from lineal.core import AbstractTensor, apply, modes
from lineal.ops.linalg.inverses import solve_factored, unseen
from lineal.ops.linalg.systems import Inverse
from lineal.tensors.tensor import TAKEN_PLAIN, Tensor

__all__: list[str] = []

SLOTS = ("value", "node", "index", "memory", "origin")


class Unseen:
    """A⁻¹ by A's factors, or with `turn` ("T" or "H") the transpose of the inverse that `base` holds."""

    def __init__(self, A: Any, factors: tuple[Any, Any], turn: str = "", base: Any = None):
        self.A = A
        self.factors = factors
        self.turn = turn
        self.base = base

    def made(self) -> Any:
        """Return the inverse as an ordinary tensor with its history, or the view of the one that `base` has become."""
        with modes.Setting((modes.grad_enabled, True), (modes.recorder, None)):
            if not self.turn:
                return apply(Inverse(), self.A, *self.factors)
            if isinstance(self.base, InvertedTensor):
                settle(self.base)
            return self.base.mT if self.turn == "T" else self.base.mH

    def times(self, B: Any) -> Any:
        """Return the product with B, of one or two dimensions, by substitution."""
        if B.value.ndim == 1:
            return self.times(B[:, None])[:, 0]
        if self.turn == "T" and B.value.dtype.kind == "c":
            return solve_factored(self.A, B.conj(), self.factors, True).conj()
        return solve_factored(self.A, B, self.factors, bool(self.turn))

    def turned(self, tensor: Any, turn: str) -> Any:
        """Return the transpose ("T") or adjoint ("H") of the inverse that `tensor` is, unseen too where that can be."""
        if not self.turn:
            return wrapped(Unseen(self.A, self.factors, turn, tensor))
        if self.turn == turn:
            return self.base
        settle(tensor)
        return tensor.mT if turn == "T" else tensor.mH

    def fits(self, B: Any) -> bool:
        """Return whether the product with B is one that substitution computes."""
        if not isinstance(B, AbstractTensor) or modes.recorder.get() is not None:
            return False
        x, A = B.value, self.A.value
        return 1 <= x.ndim <= 2 and x.dtype == A.dtype and x.shape[0] == A.shape[0]


def seen(name: str) -> property:
    """Return the slot of a tensor, for which the inverse must be formed first."""
    slot = AbstractTensor.__dict__[name]

    def read(self: Any) -> Any:
        settle(self)
        return slot.__get__(self)

    def write(self: Any, value: Any) -> None:
        settle(self)
        slot.__set__(self, value)

    return property(read, write)


def settle(x: Any) -> None:
    """Make of an unseen inverse the ordinary tensor it stands for, the same Python object."""
    inverse = x.__dict__.pop("unseen")
    y = inverse.made()
    x.__class__ = Tensor
    for name in SLOTS:
        setattr(x, name, getattr(y, name))


class InvertedTensor(Tensor):
    """An inverse nobody has looked at: its products are solved, and any other use makes an ordinary Tensor of it."""

    __torch_function__ = TAKEN_PLAIN
    value, node, index, memory, origin = (seen(name) for name in SLOTS)

    @property
    def shape(self) -> Size:
        return Size(self.__dict__["unseen"].A.value.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.BY_NUMPY[self.__dict__["unseen"].A.value.dtype]

    @property
    def ndim(self) -> int:
        return 2

    def __matmul__(self, other: Any) -> Any:
        inverse = self.__dict__["unseen"]
        return inverse.times(other) if inverse.fits(other) else Tensor.__matmul__(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        inverse = self.__dict__["unseen"]
        if isinstance(other, Tensor) and 1 <= other.value.ndim <= 2:
            turned = other.value.ndim == 2
            flipped = Unseen(inverse.A, inverse.factors, {"": "T", "T": ""}.get(inverse.turn, "?"))
            right = other.mT if turned else other
            if flipped.turn != "?" and flipped.fits(right):
                y = flipped.times(right)
                return y.mT if turned else y
        return Tensor.__matmul__(other, self) if isinstance(other, Tensor) else Tensor.__rmatmul__(self, other)

    matmul = mm = mv = __matmul__

    @property
    def mT(self) -> Any:
        return self.__dict__["unseen"].turned(self, "T")

    @property
    def mH(self) -> Any:
        return self.__dict__["unseen"].turned(self, "H")

    T: Any = mT
    H: Any = mH

    def t(self) -> Any:
        """Return the transpose."""
        return self.mT


def wrapped(inverse: Unseen) -> Any:
    """Return the tensor that stands for an unseen inverse."""
    y = object.__new__(InvertedTensor)
    y.__dict__["unseen"] = inverse
    return y


@unseen.enter
def from_factors(A: Any, LU: Any, pivots: Any) -> Any:
    """Return A⁻¹, not formed yet."""
    return wrapped(Unseen(A, (LU, pivots)))
