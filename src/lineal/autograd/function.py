"""Custom functions, as in `torch.autograd.function`."""

from lineal.core.context import Context as FunctionCtx
from lineal.core.custom import Function, once_differentiable

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
