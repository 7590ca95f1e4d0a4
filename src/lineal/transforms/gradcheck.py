"""gradcheck and gradgradcheck: first and second derivatives against finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core import AbstractTensor, enable_grad, gradients, lift
from lineal.transforms.differences import analytical, numerical
from lineal.transforms.gradients import several
from lineal.transforms.vectorize import vmap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """What gradcheck raises if a derivative is wrong."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Return whether the derivatives of `func` by the `inputs` that require grad agree with central differences.

    Complex inputs and outputs are checked in both their parts. Disagreement raises GradcheckError, or gives False if not
    `raise_exception`. Forward mode here is made of two ways back, so the options about it check nothing more; `fast_mode` is
    accepted, and the whole Jacobian compared all the same.
    """
    args = several(inputs)
    places = checked_places(args)
    try:
        ys = outputs_of(func, args)
        compare(func, args, places, ys, eps, atol, rtol)
        xs = [args[place] for place in places]
        repeat(func, args, xs, nondet_tol)
        if check_grad_dtypes or check_undefined_grad:
            check_forms(ys, xs, check_grad_dtypes)
        if check_batched_grad:
            check_batches(ys, xs, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def checked_places(args: tuple) -> list[int]:
    """Return which arguments require grad; refuse if there is none, warn of single precision."""
    places = [place for place, x in enumerate(args) if getattr(x, "requires_grad", False)]
    if not places:
        raise ValueError(
            "gradcheck: expects at least one input tensor to require gradient, but none of them have requires_grad=True"
        )
    for place in places:
        if args[place].value.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"gradcheck: Input #{place} requires gradient and is not a double precision floating point or "
                "complex. This check "
                f"will likely fail if all the inputs are not of double precision (got {dtypes.of(args[place].value.dtype)})",
                UserWarning,
                stacklevel=3,
            )
        x = args[place].value
        if x.size and any(step == 0 and size > 1 for step, size in zip(x.strides, x.shape)):
            raise RuntimeError(f"gradcheck: The {place}th input has a dimension with stride 0; clone() it before the check")
    return places


def outputs_of(func: Callable[..., Any], args: tuple) -> tuple:
    """Return the outputs of `func` that can carry a derivative."""
    with enable_grad():
        ys = several(func(*args))
    for y in ys:
        if not isinstance(y, AbstractTensor):
            raise GradcheckError(f"gradcheck: expected the function to return tensors, got {type(y)}")
    return tuple(y for y in ys if y.value.dtype.kind not in "iub")


def compare(func: Callable[..., Any], args: tuple, places: list[int], ys: tuple, eps: float, atol: float, rtol: float) -> None:
    """Compare the Jacobians by going back with those by differences."""
    going_back = analytical(ys, [args[place] for place in places])

    def plain(*each: Any) -> list:
        return [y for y in several(func(*each)) if y.value.dtype.kind not in "iub"]

    for at, place in enumerate(places):
        for number, expected in enumerate(numerical(plain, args, place, eps)):
            found = going_back[number][at]
            if not np.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True):
                raise GradcheckError(
                    f"gradcheck: Jacobian mismatch for output {number} with respect to input {place},\n"
                    f"numerical:\n{expected}\nanalytical:\n{found}\n(rows: output elements; complex numbers count as two)"
                )


def repeat(func: Callable[..., Any], args: tuple, xs: list, tolerance: float) -> None:
    """Refuse a backward pass that gives other numbers the second time."""
    ys = outputs_of(func, args)
    first, second = analytical(ys, xs), analytical(ys, xs)
    for one, other in zip(first, second):
        for a, b in zip(one, other):
            if np.abs(a - b).max(initial=0) > tolerance:
                raise GradcheckError(
                    "gradcheck: Backward is not reentrant, i.e., running backward with same input and "
                    "grad_output multiple times gives "
                    "different values, although analytical gradient matches numerical gradient"
                )


def check_forms(ys: tuple, xs: list, types: bool) -> None:
    """Refuse a cotangent of another shape than its input's, or of another dtype if `types`."""
    for y in ys:
        if y.node is None:
            continue
        for g, x in zip(gradients([y], xs, [lift(np.ones_like(y.value))], True, False, True), xs):
            if g is not None and g.value.shape != x.value.shape:
                raise GradcheckError(f"gradcheck: grad has shape {g.value.shape}, the input {x.value.shape}")
            if g is not None and types and g.value.dtype != x.value.dtype:
                raise GradcheckError(
                    f"gradcheck: grad is incorrect type: expected {dtypes.of(x.value.dtype)}, got {dtypes.of(g.value.dtype)}"
                )


def check_batches(ys: tuple, xs: list, atol: float, rtol: float) -> None:
    """Refuse a backward pass that gives other numbers for a batch of cotangents than for each of them."""
    generator = np.random.default_rng(0)
    for number, y in enumerate(ys):
        if y.node is None:
            continue
        batch = lift(generator.standard_normal((2, *y.value.shape)).astype(y.value.dtype))

        def back(g: Any, y: Any = y) -> tuple:
            found = gradients([y], xs, [g], True, False, True)
            return tuple(lift(np.zeros_like(x.value)) if g is None else g for g, x in zip(found, xs))

        together = vmap(back, randomness="same")(batch)
        for place in range(2):
            for each, alone in zip(together, back(lift(np.asarray(batch.value[place])))):
                if not np.allclose(each.value[place], alone.value, rtol=rtol, atol=atol, equal_nan=True):
                    raise GradcheckError(
                        f"gradcheck: for output {number}, gradients computed with a batch of grad_outputs "
                        "differ from those computed "
                        "one by one"
                    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Return whether the second derivatives of `func`, by inputs and cotangents, agree with differences of the first."""
    args = several(inputs)
    places = checked_places(args)
    gs = several(grad_outputs) if grad_outputs is not None else cotangents(outputs_of(func, args), gen_non_contig_grad_outputs)

    def first(*each: Any) -> tuple:
        xs, given = list(each[: len(args)]), each[len(args) :]
        for place in places:
            xs[place] = xs[place] if xs[place].requires_grad else xs[place].requires_grad_()
        ys = outputs_of(func, tuple(xs))
        live = [(y, g) for y, g in zip(ys, given) if y.node is not None]
        if not live:
            return ()
        with enable_grad():
            return tuple(
                g
                for g in gradients(
                    [y for y, _ in live], [xs[place] for place in places], [g for _, g in live], True, True, True
                )
                if g is not None
            )

    return gradcheck(
        first,
        (*args, *gs),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
    )


def cotangents(ys: tuple, gaps: bool) -> tuple:
    """Return random cotangents that require grad; with `gaps` in their memory if so asked."""
    generator = np.random.default_rng(7)
    gs = []
    for y in ys:
        shape = (*y.value.shape, 2) if gaps else y.value.shape
        value = np.asarray(generator.standard_normal(shape))
        if y.value.dtype.kind == "c":
            value = value + 1j * generator.standard_normal(shape)
        g: Any = lift(np.asarray(value).astype(y.value.dtype)[..., 0] if gaps else np.asarray(value).astype(y.value.dtype))
        gs.append(g.requires_grad_())
    return tuple(gs)
