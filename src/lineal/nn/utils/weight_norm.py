"""The older weight normalisation: a hook that computes the weight before every `forward`."""

from __future__ import annotations

from typing import Any, TypeVar

from lineal.base.deprecation import deprecated
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter, is_lazy
from lineal.nn.utils.lengths import norm_except_dim, rescaled

__all__ = ["WeightNorm", "weight_norm", "remove_weight_norm"]

M = TypeVar("M", bound=Module)


class WeightNorm:
    """A hook: the weight called `name` is g v / ‖v‖ with a length for each slice along `dim`."""

    def __init__(self, name: str, dim: int | None):
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """Return g v / ‖v‖."""
        return rescaled(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    @staticmethod
    @deprecated("`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.")
    def apply(module: Any, name: str, dim: int | None) -> WeightNorm:
        """Replace the weight by g and v, and compute it from them before every `forward`."""
        if any(isinstance(each.function, WeightNorm) and each.function.name == name for each in hooks_of(module)):
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
        hook = WeightNorm(name, dim)
        weight = getattr(module, name)
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. "
                "Make sure to run the dummy forward before applying weight normalization"
            )
        del module._parameters[name]
        module.register_parameter(name + "_g", Parameter(norm_except_dim(weight, 2, hook.dim)))
        module.register_parameter(name + "_v", Parameter(weight))
        setattr(module, name, hook.compute_weight(module))
        module.register_forward_pre_hook(hook)
        return hook

    def remove(self, module: Module) -> None:
        """Let the weight be a parameter again."""
        weight = self.compute_weight(module)
        for name in (self.name, self.name + "_g", self.name + "_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def hooks_of(module: Module) -> list[Any]:
    """Return the hooks that run before `forward`."""
    return list(module._forward_pre_hooks.values())


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Let a weight be g v / ‖v‖, with the parameters `weight_g` and `weight_v`; returns the module.

    Salimans and Kingma (2016), arXiv:1602.07868. Deprecated: `parametrizations.weight_norm` computes it when it is read.
    """
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo `weight_norm`; ValueError if there is none."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook.function, WeightNorm) and hook.function.name == name:
            hook.function.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
