"""`functorch`, the package that `torch.func` was before: the same transforms, and modules as functions of their parameters."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from lineal import nn
from lineal.base.signatures import Tensor
from lineal.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap
from lineal.porting.version import __version__ as __version__

__all__ = [
    "FunctionalModule",
    "FunctionalModuleWithBuffers",
    "combine_state_for_ensemble",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "make_functional",
    "make_functional_with_buffers",
    "vjp",
    "vmap",
]

Tensors = tuple[Tensor, ...]


class FunctionalModuleWithBuffers(nn.Module):
    """A module as a function of its parameters, its buffers and its inputs."""

    def __init__(self, stateless_model: nn.Module, param_names: Sequence[str], buffer_names: Sequence[str]):
        super().__init__()
        self.stateless_model = stateless_model
        self.param_names, self.buffer_names = tuple(param_names), tuple(buffer_names)

    def forward(self, params: Sequence[Tensor], buffers: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        state = dict(zip((*self.param_names, *self.buffer_names), (*params, *buffers), strict=True))
        return functional_call(self.stateless_model, state, args, kwargs)


class FunctionalModule(FunctionalModuleWithBuffers):
    """A module without buffers as a function of its parameters and its inputs."""

    def forward(self, params: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return super().forward(params, (), *args, **kwargs)


def parted(kind: type[FunctionalModuleWithBuffers], model: nn.Module, tracked: bool) -> tuple[Any, Tensors, Tensors]:
    """Return a module as a function, and copies of its parameters, which require grad if they are `tracked`, and buffers."""
    stateless = copy.deepcopy(model)
    params, buffers = dict(stateless.named_parameters()), dict(stateless.named_buffers())
    if not tracked:
        for each in params.values():
            each.requires_grad_(False)
    return kind(stateless, tuple(params), tuple(buffers)), tuple(params.values()), tuple(buffers.values())


def make_functional(model: nn.Module, disable_autograd_tracking: bool = False) -> tuple[FunctionalModule, Tensors]:
    """Return `model` as a function `f(params, *args)` and copies of its parameters; RuntimeError if it has buffers.

    The copies require grad unless `disable_autograd_tracking`.
    """
    if any(True for _ in model.buffers()):
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use make_functional_with_buffers(model) instead."
        )
    function, params, _ = parted(FunctionalModule, model, not disable_autograd_tracking)
    return function, params


def make_functional_with_buffers(
    model: nn.Module, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModuleWithBuffers, Tensors, Tensors]:
    """Return `model` as a function `f(params, buffers, *args)`, and copies of its parameters and buffers."""
    return parted(FunctionalModuleWithBuffers, model, not disable_autograd_tracking)


def combine_state_for_ensemble(models: Sequence[nn.Module]) -> tuple[FunctionalModuleWithBuffers, Tensors, Tensors]:
    """Return modules of one class as one function, and their parameters and buffers, stacked: for `vmap` over them.

    RuntimeError if there are none, or if they differ in class or mode.
    """
    if not models:
        raise RuntimeError("combine_state_for_ensemble: Expected at least one model, got 0.")
    if len({each.training for each in models}) > 1:
        raise RuntimeError("combine_state_for_ensemble: Expected all models to have the same training/eval mode.")
    if len({type(each) for each in models}) > 1:
        raise RuntimeError("combine_state_for_ensemble: Expected all models to be of the same class.")
    function, _, _ = make_functional_with_buffers(models[0])
    params, buffers = stack_module_state(models)  # type: ignore[arg-type]
    return function, tuple([each.detach() for each in params.values()]), tuple(buffers.values())
