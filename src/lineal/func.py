"""Functions of functions, as in `torch.func`: grad, vjp, jvp, Jacobians, vmap."""

from lineal.transforms.forward import jvp, linearize
from lineal.transforms.jacobians import hessian, jacfwd, jacrev
from lineal.transforms.reverse import grad, grad_and_value, vjp
from lineal.transforms.vectorize import vmap

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp", "vmap"]
