"""Jacobians, Hessians and their products, as in `torch.autograd.functional`: functions of given inputs, not of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, enable_grad, gradients, lift, synchronize
from lineal.ops.structural.stacking import stack
from lineal.transforms.forward import pusher
from lineal.transforms.jacobians import basis
from lineal.transforms.variables import fresh
from lineal.transforms.vectorize import vmap

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


class Call:
    """One call of a function on fresh variables: inputs and outputs as tuples, and whether they were given so."""

    def __init__(self, name: str, func: Callable[..., Any], inputs: Any, create_graph: bool):
        self.name = name
        self.many_inputs = isinstance(inputs, (tuple, list))
        given = tuple(inputs) if self.many_inputs else (inputs,)
        for place, x in enumerate(given):
            if not isinstance(x, AbstractTensor):
                raise TypeError(f"{name}: expected the inputs to be a tensor or a tuple of them, got {type(x)} at {place}")
        self.create = create_graph
        self.xs, _ = fresh(given, create_graph)
        with enable_grad():
            result = func(*self.xs)
        self.many_outputs = isinstance(result, (tuple, list))
        self.ys = tuple(result) if self.many_outputs else (result,)
        for y in self.ys:
            if not isinstance(y, AbstractTensor):
                raise TypeError(f"{name}: expected the function to return a tensor or a tuple of them, got {type(y)}")
            synchronize(y)

    def output(self) -> Any:
        """Return what the function returned."""
        ys = self.freed(self.ys)
        return ys if self.many_outputs else ys[0]

    def freed(self, found: Any) -> tuple:
        """Return tensors as constants unless a graph was asked for."""
        return tuple(found) if self.create else tuple(each.detach() for each in found)

    def pull(self, ys: tuple, gs: tuple, strict: bool, create: bool) -> tuple:
        """Return the inputs' cotangents; zeros where an input does not matter, or RuntimeError if `strict`."""
        live = [(y, g) for y, g in zip(ys, gs) if y.node is not None]
        if strict and len(live) < len(ys):
            raise RuntimeError(
                f"{self.name}: Output {next(i for i, y in enumerate(ys) if y.node is None)} of the "
                "user-provided function does not "
                "require gradients. The outputs must be computed in a differentiable manner from the input when "
                "running in strict mode"
            )
        found: tuple = (None,) * len(self.xs)
        if live:
            with enable_grad():
                found = gradients([y for y, _ in live], self.xs, [g for _, g in live], True, create, True)
        if strict:
            self.require_dependence(found, create)
        return tuple(lift(np.zeros_like(x.value)) if g is None else g for x, g in zip(self.xs, found))

    def require_dependence(self, found: tuple, create: bool) -> None:
        """Refuse derivatives that are None, and constant ones if they are to be differentiated."""
        for place, g in enumerate(found):
            if g is None:
                raise RuntimeError(
                    f"{self.name}: The output of the user-provided function is independent of input {place}. This is not "
                    "allowed in strict mode"
                )
            if create and g.node is None:
                raise RuntimeError(
                    f"{self.name}: The jacobian of the user-provided function is independent of input {place}. This is not "
                    "allowed in strict mode when create_graph=True"
                )

    def gradient(self, strict: bool) -> tuple:
        """Return the derivatives of a scalar function, which `strict` wants to depend on the inputs themselves."""
        found = self.pull(self.ys, (lift(np.ones_like(self.ys[0].value)),), strict, True)
        for place, g in enumerate(found):
            if strict and g.node is None:
                raise RuntimeError(
                    f"{self.name}: While computing the hessian, found that the jacobian of the user-provided function with "
                    f"respect to input {place} is independent of the input. This is not allowed in strict mode"
                )
        return found

    def push(self, ys: tuple, vs: tuple, strict: bool) -> tuple:
        """Return the tangents of `ys`; with `strict`, RuntimeError if they are constant but are to be differentiated."""
        with enable_grad():
            found = tuple(pusher(list(ys), list(self.xs))(list(vs)))
        if strict:
            self.require_dependence(found, self.create)
        return found

    def scalar(self) -> None:
        """Refuse a function that is not scalar."""
        if len(self.ys) != 1:
            raise RuntimeError(f"{self.name}: The function given should return a single Tensor")
        if self.ys[0].value.size != 1:
            raise RuntimeError(f"{self.name}: The Tensor returned by the function given should contain a single element")


def vector(name: str, v: Any, like: tuple, where: str) -> tuple:
    """Return `v` as a tuple of the shapes of `like`; None means 1 where `like` is one number."""
    if v is None:
        if len(like) != 1 or like[0].value.size != 1:
            raise RuntimeError(f"{name}: The vector v can only be None if {where} a single Tensor with a single element")
        return (lift(np.ones_like(like[0].value)),)
    vs = tuple(v) if isinstance(v, (tuple, list)) else (v,)
    if len(vs) != len(like):
        raise RuntimeError(f"{name}: v is a tuple of invalid length: should be {len(like)} but got {len(vs)}")
    for place, (each, x) in enumerate(zip(vs, like)):
        if each.value.shape != x.value.shape:
            raise RuntimeError(
                f"{name}: v has invalid size at {place}: should be {list(x.value.shape)} but got {list(each.value.shape)}"
            )
    return vs


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and vᵀ J, with v like the output (None for a scalar one) and J the Jacobian."""
    call = Call("vjp", func, inputs, create_graph)
    gs = vector("vjp", v, call.ys, "the user-provided function returns")
    found = call.freed(call.pull(call.ys, gs, strict, create_graph))
    return call.output(), found if call.many_inputs else found[0]


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and J v, with v like the inputs (None for one number)."""
    call = Call("jvp", func, inputs, create_graph)
    vs = vector("jvp", v, call.xs, "the input to the user-provided function is")
    if strict:
        call.pull(call.ys, tuple(lift(np.zeros_like(y.value)) for y in call.ys), True, False)
    found = call.freed(call.push(call.ys, vs, strict))
    return call.output(), found if call.many_outputs else found[0]


@overload
def jacobian(
    func: Callable[[Tensor], Tensor],
    inputs: Tensor,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
    *,
    layout: str | None = None,
) -> Tensor: ...
@overload
def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
    *,
    layout: str | None = None,
) -> Any: ...
def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
    *,
    layout: str | None = None,
) -> Any:
    """Return the derivatives of every output element by every input element; a tuple per tuple of outputs, then of inputs.

    The shape is `output.shape + input.shape`; for vectors y, x that is the matrix with the rows ∂yᵢ/∂x. Tables of matrix
    calculus turn matrices as well: `layout="numerator"` gives `output.shape` followed by the input's axes in reverse, so that a
    number by an (n, k) matrix is (k, n); `layout="denominator"` is its transpose, `input.shape` followed by the output's axes
    in reverse, in which the derivative of a number by x looks like x. `vectorize` computes all rows at once; the numbers are
    the same.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"jacobian: expected layout to be None, 'numerator' or 'denominator', got {layout!r}")
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"jacobian: expected strategy to be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    if strategy == "forward-mode":
        if strict and not create_graph:
            raise RuntimeError(
                "jacobian: strict=True and strategy='forward-mode' are not supported together; use 'reverse-mode'"
            )
        if create_graph or not vectorize:
            raise NotImplementedError(
                "jacobian: strategy='forward-mode' needs vectorize=True and create_graph=False; use 'reverse-mode' instead"
            )
    if strict and vectorize:
        raise RuntimeError("jacobian: strict=True is not supported together with vectorize=True; set one of them to False")
    call = Call("jacobian", func, inputs, create_graph)
    rows = []
    for y in call.ys:
        found = rows_of(call, y, strict, vectorize)
        found = tuple(LAYOUTS[layout](each, y.value.ndim) for each in found)
        found = call.freed(found)
        rows.append(found if call.many_inputs else found[0])
    return tuple(rows) if call.many_outputs else rows[0]


def rows_of(call: Call, y: Any, strict: bool, vectorize: bool) -> tuple:
    """Return the Jacobian of one output by each input, one row per output element."""
    (units,) = basis([y])
    size = y.value.size
    if vectorize or not size:
        columns = vmap(lambda unit: call.pull((y,), (unit,), strict, call.create), randomness="same")(units)
    else:
        rows = [call.pull((y,), (lift(np.asarray(unit)),), strict, call.create) for unit in units.value]
        columns = [stack(each) for each in zip(*rows)]
    return tuple(column.reshape((*y.value.shape, *x.value.shape)) for column, x in zip(columns, call.xs))


def by_numerator(J: Any, ndim: int) -> Any:
    """Return a Jacobian, whose first `ndim` axes are the output's, with the input's axes in reverse."""
    return J.permute((*range(ndim), *reversed(range(ndim, J.value.ndim))))


def by_denominator(J: Any, ndim: int) -> Any:
    """Return the transpose of the numerator's layout: the input's axes, then the output's in reverse."""
    return J.permute((*range(ndim, J.value.ndim), *reversed(range(ndim))))


LAYOUTS = {None: lambda J, ndim: J, "numerator": by_numerator, "denominator": by_denominator}


@overload
def hessian(
    func: Callable[[Tensor], Tensor],
    inputs: Tensor,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Tensor: ...
@overload
def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any: ...
def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the second derivatives of a scalar function: `x.shape + x.shape`, nested in tuples if the inputs are."""
    many = isinstance(inputs, (tuple, list))

    def first(*xs: Any) -> Any:
        call = Call("hessian", func, xs, True)
        call.scalar()
        found = call.gradient(strict)
        return found if many else found[0]

    return jacobian(first, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and H v, with H the Hessian of a scalar function."""
    call = Call("hvp", func, inputs, create_graph)
    call.scalar()
    vs = vector("hvp", v, call.xs, "the input to the user-provided function is")
    found = call.freed(call.push(call.gradient(strict), vs, strict))
    return call.output(), found if call.many_inputs else found[0]


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and vᵀ H, with H the Hessian of a scalar function."""
    call = Call("vhp", func, inputs, create_graph)
    call.scalar()
    vs = vector("vhp", v, call.xs, "the input to the user-provided function is")
    found = call.freed(call.pull(call.gradient(strict), vs, strict, create_graph))
    return call.output(), found if call.many_inputs else found[0]
