"""How a tensor shows itself: `repr`, `format`, and HTML in notebooks."""

from __future__ import annotations

from typing import Any

from lineal.base import config, later
from lineal.base.devices import device_of
from lineal.base.platforms import FOREIGN, HOST, moved, platform_of
from lineal.core import AbstractTensor, Leaf

__all__ = ["PrintingMethods"]

texts: Any = later.module("lineal.base.notebook")
notebook = later.module("lineal.tensors.notebook")
printing = later.module("lineal.tensors.printing")

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


def shown(value: Any) -> Any:
    """Return an array that can be read, or one that has no numbers."""
    return moved(value, HOST) if platform_of(value).numbers else value


class PrintingMethods(AbstractTensor):
    """A tensor as text."""

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        where = str(device_of(self.value)) if self.value.__class__ in FOREIGN else None
        default = config.defaults.dtype.name
        return printing.format_tensor(shown(self.value), default_dtype=default, device=where, **history(self))

    def __format__(self, spec: str) -> str:
        if self.value.ndim == 0 and type(self).__name__ == "Tensor":
            return format(self.item(), spec)  # type: ignore[attr-defined]
        return object.__format__(self, spec)

    def _repr_html_(self) -> str:
        if not platform_of(self.value).numbers:
            return texts.preformatted(repr(self))
        return notebook.format_html(moved(self.value, HOST), **history(self))
