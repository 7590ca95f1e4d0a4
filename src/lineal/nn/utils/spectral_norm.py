"""The older spectral normalisation: a hook that computes the weight before every `forward`."""

from __future__ import annotations

from typing import Any, TypeVar

from lineal import linalg, ops
from lineal.core import no_grad
from lineal.nn.functional import normalize
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter, is_lazy
from lineal.nn.utils.parametrizations import outputs_of

__all__ = [
    "SpectralNorm",
    "SpectralNormLoadStateDictPreHook",
    "SpectralNormStateDictHook",
    "spectral_norm",
    "remove_spectral_norm",
]

M = TypeVar("M", bound=Module)


class SpectralNorm:
    """A hook: the weight called `name` is W / uᵀ W v, with u and v that approach singular vectors in training mode.

    Version 1 of its state has v, and no longer the quotient.
    """

    _version: int = 1

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def reshape_weight_to_matrix(self, weight: Any) -> Any:
        """Return a weight as a matrix whose rows lie along `dim`."""
        moved = weight.movedim(self.dim, 0)
        return moved.reshape(moved.shape[0], -1)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Any:
        """Return W / uᵀ W v, after steps of the power method in the memory of u and v."""
        weight, u, v = (getattr(module, self.name + end) for end in ("_orig", "_u", "_v"))
        W = self.reshape_weight_to_matrix(weight)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    normalize(ops.mv(W.t(), u), dim=0, eps=self.eps, out=v)
                    normalize(ops.mv(W, v), dim=0, eps=self.eps, out=u)
                # copies: the backward pass may be after the next steps
                u, v = u.clone(), v.clone()
        return weight / ops.dot(u, ops.mv(W, v))

    def remove(self, module: Module) -> None:
        """Let the weight be a parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for end in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + end)
        module.register_parameter(self.name, Parameter(weight))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    def _solve_v_and_rescale(self, W: Any, u: Any, target_sigma: Any) -> Any:
        """Return v with u = W v / ‖W v‖ and uᵀ W v = target_sigma."""
        v = linalg.multi_dot([(W.t() @ W).pinverse(), W.t(), u.unsqueeze(1)]).squeeze(1)
        return v * (target_sigma / ops.dot(u, ops.mv(W, v)))

    @staticmethod
    def apply(module: Any, name: str, n_power_iterations: int, dim: int, eps: float) -> SpectralNorm:
        """Rename the weight to `weight_orig`, add u and v, and compute the weight from them before every `forward`."""
        for each in module._forward_pre_hooks.values():
            if isinstance(each.function, SpectralNorm) and each.function.name == name:
                raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        hook = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. "
                "Make sure to run the dummy forward before applying spectral normalization"
            )
        sizes = hook.reshape_weight_to_matrix(weight).shape
        starts = [normalize(weight.new_empty(size).normal_(0, 1), dim=0, eps=eps) for size in sizes]
        delattr(module, name)
        module.register_parameter(name + "_orig", weight)
        # no parameter, but there for those who look before the first `forward`
        setattr(module, name, weight.data)
        for end, start in zip(("_u", "_v"), starts):
            module.register_buffer(name + end, start)
        module.register_forward_pre_hook(hook)
        module._register_state_dict_hook(SpectralNormStateDictHook(hook))
        module.register_load_state_dict_pre_hook(SpectralNormLoadStateDictPreHook(hook))
        return hook


class SpectralNormLoadStateDictPreHook:
    """A hook that computes v for state dicts without a version, which have the quotient W / σ instead."""

    def __init__(self, fn: SpectralNorm):
        self.fn = fn

    def __call__(
        self, module: Any, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: list[str], *rest: Any
    ) -> None:
        version = local_metadata.get("spectral_norm", {}).get(f"{self.fn.name}.version")
        if version is not None and version >= 1:
            return
        key = prefix + self.fn.name
        if version is None and key not in state_dict and all(key + end in state_dict for end in ("_orig", "_u", "_v")):
            # of the newest version, and put together by hand
            return
        missing = [key + end for end in ("_orig", "", "_u") if key + end not in state_dict]
        if strict:
            missing_keys.extend(missing)
        if missing:
            return
        with no_grad():
            original, u = state_dict[key + "_orig"], state_dict[key + "_u"]
            sigma = (original / state_dict.pop(key)).mean()
            W = self.fn.reshape_weight_to_matrix(original)
            state_dict[key + "_v"] = self.fn._solve_v_and_rescale(W, u, sigma)


class SpectralNormStateDictHook:
    """A hook that writes the version into the metadata of state dicts."""

    def __init__(self, fn: SpectralNorm):
        self.fn = fn

    def __call__(self, module: Any, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        versions, key = local_metadata.setdefault("spectral_norm", {}), f"{self.fn.name}.version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = self.fn._version


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight, as a matrix whose rows lie along `dim`, by its largest singular value; returns the module.

    Miyato et al. (2018), arXiv:1802.05957. It has the parameter `weight_orig` and the buffers `weight_u` and `weight_v`; `dim`
    is 1 for transposed convolutions unless it is given, 0 for others. `parametrizations.spectral_norm` is the newer one.
    """
    SpectralNorm.apply(module, name, n_power_iterations, outputs_of(module) if dim is None else dim, eps)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo `spectral_norm`; ValueError if there is none."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook.function, SpectralNorm) and hook.function.name == name:
            hook.function.remove(module)
            del module._forward_pre_hooks[key]
            break
    else:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    for table in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
        for key, hook in list(table.items()):
            if isinstance(hook, (SpectralNormStateDictHook, SpectralNormLoadStateDictPreHook)) and hook.fn.name == name:
                del table[key]
    return module
