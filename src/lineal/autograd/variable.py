"""`Variable`, which older programs wrap around their tensors."""

from __future__ import annotations

from typing import Any

__all__ = ["Variable"]


class Variable:
    """A tensor by its name before PyTorch 0.4: `Variable(t, requires_grad=True)` is a leaf over the memory of `t`."""

    def __new__(cls, data: Any, requires_grad: bool = False) -> Any:
        return data.detach().requires_grad_(requires_grad)
