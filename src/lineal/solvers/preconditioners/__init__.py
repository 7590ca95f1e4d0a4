"""What makes iterations fast: operators M ≈ A⁻¹, made of the entries of A. They are constants to derivatives."""

from lineal.solvers.preconditioners.blocks import block_jacobi
from lineal.solvers.preconditioners.drops import ilut
from lineal.solvers.preconditioners.incomplete import ic, ilu
from lineal.solvers.preconditioners.simple import jacobi, polynomial, ssor

__all__ = ["block_jacobi", "ic", "ilu", "ilut", "jacobi", "polynomial", "ssor"]
