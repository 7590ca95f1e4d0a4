"""What programs name of `torch._C`, PyTorch's compiled half: switches of executors that are not here."""

from __future__ import annotations

from lineal.base.devices import CPU
from lineal.base.errors import LinAlgError
from lineal.base.spec import Size
from lineal.ops.random.generator import Generator
from lineal.overrides import has_torch_function
from lineal.tensors.overriding import DisableTorchFunction, DisableTorchFunctionSubclass
from lineal.tensors.tensor import ignore_torch_function

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size"]

_disabled_torch_function_impl = ignore_torch_function
_has_torch_function = has_torch_function

_LinAlgError = LinAlgError


def _get_tracing_state() -> None:
    """Return the state of a `jit.trace`: there is none."""


def _get_default_device() -> str:
    """Return the name of the default device."""
    return str(CPU)


def _jit_set_profiling_executor(mode: bool) -> bool:
    """Return how the executor was set; there is none, and nothing changes."""
    return False


_jit_set_profiling_mode = _jit_set_texpr_fuser_enabled = _jit_override_can_fuse_on_cpu = _jit_set_profiling_executor
_jit_override_can_fuse_on_gpu = _jit_set_nvfuser_enabled = _jit_set_nvfuser_guard_mode = _jit_set_profiling_executor


def _jit_can_fuse_on_cpu() -> bool:
    """Return whether `jit` fuses: `compile` does that here."""
    return False


_jit_can_fuse_on_gpu = _jit_can_fuse_on_cpu


def _log_api_usage_once(name: str) -> None:
    """Note that something is used: nobody reads it."""
