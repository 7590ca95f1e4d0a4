"""Dual tensors: numbers that carry a tangent along, as in `torch.autograd.forward_ad`.

A level has one hidden number ε = 0, and a dual tensor is x + ε t. The tangent of whatever comes of it is its derivative by ε,
found by two ways back (`transforms/forward.py`) when it is asked for. So every op that can go back can go forward.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Leaf, Op, apply, lift, modes, synchronize
from lineal.core.backward import nodes_before
from lineal.core.custom import goes_forward
from lineal.core.modes import Setting
from lineal.ops.conversion import dtype_of
from lineal.transforms.forward import push

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class Level:
    """One level of dual tensors: its ε."""

    def __init__(self) -> None:
        self.epsilon: Any = lift(np.zeros(()))
        self.epsilon.requires_grad_()


current: ContextVar[Level | None] = ContextVar("dual_level", default=None)


class Dual(Op):
    """y = x + ε t at ε = 0: x̄ = ȳ, t̄ = ε ȳ, ε̄ = Re Σ t* ȳ."""

    by_arrays = False

    grad_name = "MakeDualBackward0"
    keeps = "1 2"
    no_batch = "looped: a tangent is one example's"
    no_lowering = "host step: the level's hidden number is no argument"

    def eager(self, xp, x, t, epsilon):
        return x.copy()

    def vjp(self, needs, g, y, x, t, epsilon):
        inner = (t.conj() * g).sum() if needs[2] else None
        inner = inner.real if inner is not None and dtype_of(inner).is_complex else inner
        return g, g * epsilon.to(g.dtype) if needs[1] else None, None if inner is None else inner.to(epsilon.dtype)


class UnpackedDualTensor(NamedTuple):
    """A dual tensor in its parts; the tangent is None if there is none."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Begin a level of dual tensors and return its number, which is 0: there is one at a time."""
    if current.get() is not None:
        raise RuntimeError("enter_dual_level: Nested forward mode AD is not supported at the moment")
    current.set(Level())
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level of dual tensors; they lose their tangents."""
    if current.get() is None or level not in (None, 0):
        raise RuntimeError(f"exit_dual_level: there is no level {0 if level is None else level} to be left")
    current.set(None)


class dual_level(Setting):  # noqa: N801
    """Within the block, tensors may be dual."""

    def __init__(self) -> None:
        super().__init__()

    def __enter__(self) -> Any:
        enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()

    def again(self) -> Setting:
        return dual_level()


def tangent_of(tensor: Any, level: Level) -> Any:
    """Return the derivative of a tensor by the ε of a level, or None if it does not depend on it."""
    if tensor.origin is not None:
        synchronize(tensor)
    if tensor.node is None or level.epsilon.node not in nodes_before((tensor.node,)):
        return None
    with Setting((goes_forward, True)):
        return push([tensor], [level.epsilon], [lift(np.ones(()))])[0]


def check_dual(tensor: Any, tangent: Any) -> None:
    """Refuse tangents that are none of a tensor's."""
    for name, each in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(each, AbstractTensor):
            raise TypeError(f"make_dual: expected the {name} to be a tensor, got {type(each).__name__}")
        if dtype_of(each).category < dtypes.Category.FLOATING:
            raise ValueError(f"make_dual: Expected {name} to be floating point or complex, but got: {dtype_of(each)}")
    if tensor.value.shape != tangent.value.shape:
        raise RuntimeError(
            "make_dual: Trying to set a forward gradient that has a different size than that of the original Tensor, this is "
            f"not supported. Tensor is of size {list(tensor.value.shape)} while the given forward gradient is of size "
            f"{list(tangent.value.shape)}."
        )
    if dtype_of(tensor) is not dtype_of(tangent):
        raise RuntimeError(f"make_dual: expected a tangent of {dtype_of(tensor)} like the tensor's, got {dtype_of(tangent)}")


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """Return a tensor of the numbers of `tensor` that carries `tangent`, of the same shape and dtype.

    It requires grad, since tangents are found in its history, so that nothing is carried through `no_grad`.
    """
    now = current.get()
    if now is None or level not in (None, 0):
        raise RuntimeError(
            "make_dual: Trying to create a dual Tensor for forward AD but no level exists; enter_dual_level() first"
        )
    check_dual(tensor, tangent)
    if not modes.grad_enabled.get():
        raise RuntimeError("make_dual: tangents are found in histories, which are not recorded here: enable_grad() first")
    if tensor.node is not None and now.epsilon.node in nodes_before((tensor.node,)):
        raise RuntimeError(
            "make_dual: Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not "
            "supported."
        )
    return apply(Dual(), tensor, tangent, now.epsilon)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """Return a dual tensor as the tensor without tangent, and the tangent, None if it has none."""
    now = current.get()
    tangent = None if now is None else tangent_of(tensor, now)
    if now is None or tangent is None:
        return UnpackedDualTensor(tensor, None)
    before = () if tensor.node is None else nodes_before((tensor.node,))
    others = any(isinstance(each, Leaf) and each is not now.epsilon.node for each in before)
    return UnpackedDualTensor(tensor, tangent) if others else UnpackedDualTensor(tensor.detach(), tangent.detach())
