"""A module as a function of its tensors, where PyTorch kept it before `func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lineal.base.deprecation import deprecated
from lineal.base.signatures import Tensor
from lineal.transforms import modules

__all__ = ["functional_call"]

R = TypeVar("R")


@deprecated(
    "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 "
    "and will be removed in a future version of PyTorch. "
    "Please use `torch.func.functional_call` instead which is a drop-in replacement."
)
def functional_call(
    module: Callable[..., R],
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> R:
    """Do what `func.functional_call` does."""
    return modules.functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
