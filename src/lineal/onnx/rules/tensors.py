"""What tensors and transforms do to histories, of which a file has none."""

from __future__ import annotations

from typing import Any

from lineal.core.compounds import Compound
from lineal.core.custom import Barrier, Custom
from lineal.nn.functional.lookup import SparseEmbedding
from lineal.nn.watching import Boundary
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.premise import Expectation, Premise
from lineal.solvers.eigen.pairs import HermitianPairs
from lineal.solvers.multigrid.geometric import MultigridCycle
from lineal.solvers.operators.stencils import StencilProduct
from lineal.solvers.solving import IterativeSolve, PseudoinverseSolve
from lineal.sparse.rowproducts import Product, SampledProduct, VectorProduct
from lineal.sparse.triangular import SparseTriangularSolve
from lineal.tensors.autograd_methods import Detach
from lineal.tensors.tensor import Alias
from lineal.transforms.dual import Dual
from lineal.transforms.recomputing import Recompute
from lineal.transforms.variables import Alias as Variable

__all__: list[str] = []

no_export("the function is the user's: write it with ops", Custom)
no_export("a file knows no tangents", Dual)
no_export("never met: where somebody listens, calls are not recalled", Compound)
no_export("left out: where one does not hold, eager code raises, as what runs a file does of indices", Premise, Expectation)
no_export("hooks are code of the user's", Boundary)
no_export("a file knows no iteration that ends when the numbers say so", HermitianPairs, IterativeSolve, PseudoinverseSolve)
no_export("a file knows no sparse matrices", Product, VectorProduct, SampledProduct, SparseTriangularSolve, SparseEmbedding)
no_export("what an operator knows of a grid, a file does not", StencilProduct, MultigridCycle)
no_export("never met: where somebody listens, the function itself runs", Recompute)


@exports(Detach, Alias, Variable, Barrier, by="Identity")
def identity(graph: GraphWriter, op: Any, y: Any, x: Value, *others: Value) -> str:
    return x.name
