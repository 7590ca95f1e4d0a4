"""`Module` and the hooks for all modules, where PyTorch keeps them."""

from lineal.core.hooks import RemovableHandle
from lineal.nn.module import Module
from lineal.nn.parameter import Buffer, Parameter
from lineal.nn.shared_hooks import (
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from lineal.nn.state import EXTRA as _EXTRA_STATE_KEY_SUFFIX
from lineal.nn.state import IncompatibleKeys as _IncompatibleKeys

__all__ = [
    "Buffer",
    "Module",
    "Parameter",
    "RemovableHandle",
    "_EXTRA_STATE_KEY_SUFFIX",
    "_IncompatibleKeys",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]
