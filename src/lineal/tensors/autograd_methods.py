"""The tensor's side of autograd: requires_grad, backward, hooks, detach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from lineal.base import dtypes
from lineal.base.signatures import Tensor, attribute
from lineal.core import AbstractTensor, Leaf, Node, Op, apply, backward, detach_in_place, modes, synchronize
from lineal.core.apply import inferred
from lineal.core.hooks import HookDict, RemovableHandle, extra_of, register, retain
from lineal.core.op import titled

__all__ = ["AutogradMethods"]


_recorder = modes.recorder.get


class Detach(Op):
    """y = x without its history, over the same memory."""

    aliasing = "memory"
    differentiable: ClassVar[bool] = False
    no_vjp = "its result is a constant: that is what it is for"

    def eager(self, xp, x):
        return x

    def vjp(self, needs, g, y, x):
        return (None,)


def get_grad(tensor: Any) -> Tensor | None:
    """Return `tensor.grad`; a recorder hears of it, since the grad may be another one, or None, the next time."""
    listener = _recorder()
    if listener is not None:
        listener.reads_grad(tensor)
    return tensor.derivative


def put_grad(tensor: Any, grad: Tensor | None) -> None:
    """Set `tensor.grad`; what cannot be a derivative by the tensor is refused here, not where it is used much later."""
    if grad is not None:
        if not isinstance(grad, AbstractTensor):
            raise TypeError(f"grad: expected a tensor or None, got {type(grad).__name__}")
        if grad.value.shape != tensor.value.shape or grad.value.dtype != tensor.value.dtype:
            given, own = ((dtypes.BY_NUMPY[each.value.dtype], list(each.value.shape)) for each in (grad, tensor))
            raise RuntimeError(
                f"grad: expected a tensor of dtype {own[0]} and shape {own[1]} like the tensor's own, "
                f"got dtype {given[0]} and shape {given[1]}"
            )
        if grad is tensor:
            raise RuntimeError("grad: a tensor cannot be its own grad")
    listener = modes.recorder.get()
    if listener is not None:
        listener.sets_grad(tensor)
    tensor.derivative = grad


class AutogradMethods(AbstractTensor):
    """What a tensor says about its derivative."""

    derivative: Any = None
    grad: Tensor | None = attribute(
        get_grad,
        put_grad,
        lambda tensor: put_grad(tensor, None),
        doc="The accumulated derivative of whatever `backward()` was called on, by this leaf; None until then.",
    )

    @property
    def requires_grad(self) -> bool:
        """Whether ops on this tensor remember their history."""
        if self.origin is not None:
            synchronize(self)
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if on:
            if self.requires_grad:
                return
            found = dtypes.BY_NUMPY[self.value.dtype]
            if found.category < dtypes.Category.FLOATING:
                raise RuntimeError(
                    f"requires_grad: only Tensors of floating point and complex dtype can require gradients, got {found}"
                )
            if inferred(self) and not modes.inference.get():
                raise RuntimeError(
                    "requires_grad: Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
                )
            self.node, self.index = Leaf(self), None
        elif isinstance(self.node, Leaf):
            self.node = None
        elif self.node is not None:
            raise RuntimeError(
                "requires_grad: you can only change requires_grad flags of leaf variables; use detach() for a constant"
            )

    def requires_grad_(self: Any, requires_grad: bool = True) -> Tensor:
        """Turn on (or off) the recording of ops on this leaf, and return it."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor is no op's output that remembers its history."""
        return not self.requires_grad or isinstance(self.node, Leaf)

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor, or None for a leaf."""
        return None if self.is_leaf or self.node is None else titled(self.node)

    @property
    def output_nr(self) -> int:
        """Which output of its node this tensor is."""
        return self.index or 0

    @property
    def _version(self) -> int:
        """How often the memory of the tensor was written."""
        return 0 if self.memory is None else self.memory.version

    @property
    def _base(self) -> Tensor | None:
        """The tensor that this one looks into, or None."""
        return None if self.origin is None else self.origin.base  # type: ignore[return-value]

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | Tensor | None = None,
    ) -> None:
        """Add the derivative of this scalar (or of its product with `gradient`) to the `.grad` of the leaves it comes from."""
        if isinstance(inputs, AbstractTensor):
            inputs = (inputs,)
        backward((self,), (gradient,), retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """Return this tensor's numbers (same memory) without history."""
        return apply(Detach(), self)

    def detach_(self) -> Tensor:
        """Forget the history of this tensor, in place."""
        return detach_in_place(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` whenever the derivative by this tensor is known; what it returns replaces it."""
        if not self.requires_grad or self.node is None:
            raise RuntimeError("register_hook: cannot register a hook on a tensor that doesn't require gradient")
        return register(extra_of(self.node).tensors.setdefault(self.index, HookDict()), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(self)` after backward has added to this leaf's grad."""
        if not isinstance(self.node, Leaf):
            raise RuntimeError("register_post_accumulate_grad_hook: post accumulate grad hooks need a leaf that requires grad")
        return register(extra_of(self.node).accumulated, hook)

    def retain_grad(self) -> None:
        """Let backward store the derivative by this tensor in `.grad` although it is no leaf."""
        if not self.requires_grad or self.node is None:
            raise RuntimeError("retain_grad: can't retain_grad on Tensor that has requires_grad=False")
        if not isinstance(self.node, Leaf):
            retain(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad()` was called on this tensor."""
        extra = None if not self.requires_grad or self.node is None else self.node.extra
        return extra is not None and extra.retains(self)

    def is_inference(self) -> bool:
        """Return whether the tensor was made in inference mode."""
        return inferred(self)
