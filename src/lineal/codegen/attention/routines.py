"""The routines of attention, compiled once for each form."""

from __future__ import annotations

from lineal.codegen.attention import backward, forward
from lineal.codegen.attention.problem import Form
from lineal.codegen.contract.native import Native
from lineal.codegen.emit import Emitter
from lineal.codegen.once import once
from lineal.codegen.target import Target

__all__ = ["adjoint_routine", "routine"]


@once
def routine(form: Form, target: Target) -> Native:
    """Return the routine of the way ahead."""
    e = Emitter(target)
    forward.Forward(e, form).write()
    return Native(e, forward.NAME)


@once
def adjoint_routine(form: Form, target: Target) -> Native:
    """Return the routine of the backward pass."""
    e = Emitter(target)
    backward.Backward(e, form).write()
    return Native(e, backward.NAME)
