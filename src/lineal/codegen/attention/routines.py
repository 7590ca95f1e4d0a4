"""The routines of attention, compiled once for each form."""

from __future__ import annotations

from lineal.codegen.attention import backward, forward
from lineal.codegen.attention.problem import Form
from lineal.codegen.contract.native import Native
from lineal.codegen.once import once
from lineal.codegen.target import Target

__all__ = ["adjoint_routine", "routine"]


@once
def routine(form: Form, target: Target) -> Native:
    """Return the routine of the way ahead."""
    return Native(forward.NAME, target, (form,), lambda e: forward.Forward(e, form).write())


@once
def adjoint_routine(form: Form, target: Target) -> Native:
    """Return the routine of the backward pass."""
    return Native(backward.NAME, target, (form,), lambda e: backward.Backward(e, form).write())
