"""`Variable`, which older programs wrap around their tensors."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["Variable"]


class Variable:
    """A tensor by its name before PyTorch 0.4: `Variable(t, requires_grad=True)` is a leaf over the memory of `t`."""

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        if volatile is not None:
            warnings.warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.", stacklevel=2)
        return data.detach().requires_grad_(requires_grad)
