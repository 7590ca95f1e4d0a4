"""What optimizers of other packages take from `torch.optim.optimizer` besides its public names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from lineal.core import AbstractTensor, modes, set_grad_enabled
from lineal.ops import stack, view_as_real

__all__: list[str] = []

F = TypeVar("F", bound=Callable[..., Any])

_params_doc = "params (iterable): parameters to optimize, or dicts of parameters with options of their own"
_foreach_doc = "foreach (bool, optional): accepted, and changes nothing"
_fused_doc = "fused (bool, optional): accepted, and changes nothing"
_capturable_doc = "capturable (bool, optional): accepted, and changes nothing"
_differentiable_doc = "differentiable (bool, optional): whether steps have a history (default: False)"
_maximize_doc = "maximize (bool, optional): whether steps go upwards (default: False)"


def _use_grad_for_differentiable(func: F) -> F:
    """Return a step that has a history only if the optimizer is `differentiable`."""

    @functools.wraps(func)
    def _use_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
        with set_grad_enabled(bool(self.defaults["differentiable"])):
            return func(self, *args, **kwargs)

    return _use_grad  # type: ignore[return-value]


def _default_to_fused_or_foreach(params: list[Any], differentiable: bool, use_fused: bool = False) -> tuple[bool, bool]:
    """Return whether an update is to be `fused`, and whether in lists: parameter by parameter is the way here."""
    return False, False


def _disable_dynamo_if_unsupported(single_tensor_fn: Callable[..., Any] | None = None) -> Callable[[F], F]:
    """Return the decorator that changes nothing."""
    return lambda function: function


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    """Return the kinds of devices whose graphs may hold a step."""
    return ["cuda", "xpu", "hpu", *(["xla"] if supports_xla else [])]


def _get_value(x: Any) -> Any:
    """Return a tensor's number; the tensor itself if a program is being made."""
    return x.item() if isinstance(x, AbstractTensor) and modes.recorder.get() is None else x  # type: ignore[attr-defined]


def _stack_if_compiling(x: Any) -> Any:
    """Return numbers as one tensor if a program is being made, else as they are."""
    return x if modes.recorder.get() is None else stack(x)


def _view_as_real(params: list[Any], *state_and_grads: list[Any]) -> None:
    """Let pairs of real numbers take the place of complex parameters, and of all that belongs to them."""
    for place, parameter in enumerate(params):
        if parameter.is_complex():
            for each in (params, *state_and_grads):
                each[place] = view_as_real(each[place])
