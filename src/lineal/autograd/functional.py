"""Derivatives of functions at given inputs, as in `torch.autograd.functional`."""

from lineal.transforms.functional import hessian, hvp, jacobian, jvp, vhp, vjp

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
