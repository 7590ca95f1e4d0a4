"""Hooks on a module's backward pass: a boundary op around its inputs and one around its outputs show it the cotangents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lineal.core import Op, apply, is_grad_enabled, modes
from lineal.core.custom import share
from lineal.nn.handles import hooks_of
from lineal.ops import zeros
from lineal.tensors import Tensor


class Boundary(Op):
    """ys = xs, over the same memory; the cotangents pass `see`, which may replace them."""

    by_arrays = False

    see: Callable[[tuple], tuple]
    grad_name = "BackwardHookFunctionBackward0"
    no_batch = "looped: hooks see the cotangents of one slice"
    no_lowering = "host step: hooks are code of the user's"
    any_dtype = True

    def eager(self, xp, *xs):
        return xs if len(xs) > 1 else next(iter(xs))

    def vjp(self, needs, g, y, *xs):
        return self.see(g if isinstance(g, tuple) else (g,))


def pass_through(see: Callable[[tuple], tuple], values: tuple) -> tuple[tuple, list[int]]:
    """Return `values` with its differentiable tensors behind a boundary, and their positions."""
    places = [k for k, each in enumerate(values) if isinstance(each, Tensor) and each.requires_grad]
    if not places or not is_grad_enabled():
        return values, []
    listener = modes.recorder.get()
    if listener is not None:
        listener.watched("a module's backward hook")
    xs = [values[k] for k in places]
    ys = apply(Boundary(see), *xs)
    passed = dict(zip(places, ys if isinstance(ys, tuple) else (ys,)))
    for x, y in zip(xs, passed.values()):
        share((x,), x, y)
    return tuple(passed.get(k, each) for k, each in enumerate(values)), places


def unpacked(gs: tuple, places: list[int], count: int) -> tuple:
    """Return `gs` at their positions among `count` values, None elsewhere."""
    found = dict(zip(places, gs))
    return tuple(found.get(k) for k in range(count))


class BackwardWatch:
    """Carries the cotangents of one call of a module to its backward hooks."""

    def __init__(self, module: Any):
        self.module = module
        self.grad_outputs: tuple | None = None
        self.args: tuple = ()
        self.count = 0
        self.places: list[int] = []
        self.out_count = 0
        self.out_places: list[int] = []

    def inputs(self, args: tuple) -> tuple:
        """Put a boundary around the positional inputs."""
        self.count, self.args = len(args), tuple(specs(args))
        args, self.places = pass_through(self.see_inputs, args)
        return args

    def outputs(self, result: Any) -> Any:
        """Put a boundary around the result, a tensor or a tuple or list of tensors."""
        values = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        self.out_count = len(values)
        values, self.out_places = pass_through(self.see_outputs, values)
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return type(result)(*values)
        return type(result)(values) if isinstance(result, (tuple, list)) else values[0]

    def see_outputs(self, gs: tuple) -> tuple:
        """Show the outputs' cotangents to the pre-hooks, and, if no input has a derivative, to the hooks."""
        grads = unpacked(gs, self.out_places, self.out_count)
        for hook in hooks_of(self.module, "_backward_pre_hooks"):
            changed = hook(self.module, grads)
            if changed is not None:
                grads = self._checked(changed, grads, "grad_output")
        self.grad_outputs = grads
        if not self.places:
            for hook in hooks_of(self.module, "_backward_hooks"):
                changed = hook(self.module, (None,) * self.count, grads)
                if changed is not None and any(g is not None for g in as_tuple(changed)):
                    raise RuntimeError(
                        "register_full_backward_hook: expected the hook to return None where no input requires grad"
                    )
        return tuple(grads[k] for k in self.out_places)

    def see_inputs(self, gs: tuple) -> tuple:
        """Show the inputs' cotangents to the hooks, which may replace them; once for each backward pass through the outputs.

        (In a second derivative cotangents come to the inputs on other ways too.)
        """
        if self.grad_outputs is None:
            return gs
        grads = unpacked(gs, self.places, self.count)
        grads = tuple(
            g if g is not None or spec is None else zeros(spec[0], dtype=spec[1]) for g, spec in zip(grads, self.args)
        )
        for hook in hooks_of(self.module, "_backward_hooks"):
            changed = hook(self.module, grads, self.grad_outputs)
            if changed is not None:
                grads = self._checked(changed, grads, "grad_input")
        self.grad_outputs = None
        return tuple(grads[k] for k in self.places)

    def _checked(self, changed: Any, grads: tuple, what: str) -> tuple:
        changed = as_tuple(changed)
        if len(changed) != len(grads):
            raise RuntimeError(f"backward hook: expected {len(grads)} entries of {what}, got {len(changed)}")
        return changed


def specs(args: tuple) -> Iterator[tuple | None]:
    """Tell shape and dtype of the tensors without a derivative: hooks are shown zeros for them, as by PyTorch."""
    for each in args:
        yield (each.shape, each.dtype) if isinstance(each, Tensor) and not each.requires_grad else None


def as_tuple(given: Any) -> tuple:
    """Return what a hook returned as a tuple."""
    return given if isinstance(given, tuple) else (given,)
