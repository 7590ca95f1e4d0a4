"""Functions of functions, as in `torch.func`: grad, vjp, jvp, Jacobians, vmap."""

from lineal.transforms.forward import jvp, linearize
from lineal.transforms.jacobians import hessian, jacfwd, jacrev
from lineal.transforms.modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from lineal.transforms.reverse import grad, grad_and_value, vjp
from lineal.transforms.vectorize import vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]
