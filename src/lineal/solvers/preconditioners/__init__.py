"""What makes iterations fast: operators M ≈ A⁻¹, made of the entries of A. They are constants to derivatives."""

from lineal.solvers.preconditioners.approximate import fsai, spai
from lineal.solvers.preconditioners.blocks import block_jacobi
from lineal.solvers.preconditioners.drops import ilut
from lineal.solvers.preconditioners.incomplete import ic, ilu
from lineal.solvers.preconditioners.schwarz import additive_schwarz
from lineal.solvers.preconditioners.simple import chebyshev, jacobi, polynomial, ssor

__all__ = ["additive_schwarz", "block_jacobi", "chebyshev", "fsai", "ic", "ilu", "ilut", "jacobi", "polynomial", "spai", "ssor"]
