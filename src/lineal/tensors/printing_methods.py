"""How a tensor shows itself: `repr`, `format`, and HTML in notebooks."""

from __future__ import annotations

from typing import Any

from lineal.base import config
from lineal.core import AbstractTensor, Leaf
from lineal.tensors.notebook import format_html
from lineal.tensors.printing import format_tensor

__all__ = ["PrintingMethods"]

_PLAIN = ("Tensor", "Parameter")


def history(x: Any) -> dict[str, Any]:
    """Return what a repr says of where the tensor comes from, and its class if it is a subclass of the user's."""
    requires_grad = x.requires_grad
    made = x.node if requires_grad and not isinstance(x.node, Leaf) else None
    name = type(x).__name__
    return {
        "requires_grad": requires_grad,
        "grad_fn": None if made is None else made.name(),
        "kind": "tensor" if name in _PLAIN else name,
    }


class PrintingMethods(AbstractTensor):
    """A tensor as text."""

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return format_tensor(self.value, default_dtype=config.defaults.dtype.name, **history(self))

    def __format__(self, spec: str) -> str:
        if self.value.ndim == 0 and type(self).__name__ == "Tensor":
            return format(self.item(), spec)  # type: ignore[attr-defined]
        return object.__format__(self, spec)

    def _repr_html_(self) -> str:
        return format_html(self.value, **history(self))
