"""What programs name of `torch._C`, PyTorch's compiled half: switches of executors that are not here."""

from __future__ import annotations

from lineal.base.devices import CPU, device
from lineal.base.errors import LinAlgError
from lineal.base.spec import Size
from lineal.core import modes
from lineal.ops.random.generator import Generator
from lineal.overrides import has_torch_function
from lineal.tensors.overriding import DisableTorchFunction, DisableTorchFunctionSubclass
from lineal.tensors.tensor import ignore_torch_function
from lineal.transforms.replay import BatchRecorder

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size"]

_disabled_torch_function_impl = ignore_torch_function
_has_torch_function = has_torch_function

_LinAlgError = LinAlgError


def _get_tracing_state() -> None:
    """Return the state of a `jit.trace`: there is none."""


def _are_functorch_transforms_active() -> bool:
    """Return whether `vmap` listens to what is done: numbers may be read all the same."""
    return isinstance(modes.recorder.get(), BatchRecorder)


def _get_accelerator(check: bool | None = None) -> device:
    """Return the device that computes fastest: there is the CPU alone."""
    return CPU


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
