"""Names of `torch._dynamo` and `torch._inductor`, the compiler that `lineal.compile` stands for."""

from lineal.compiler import CompiledFunction as OptimizedModule
from lineal.compiler import compile as optimize
from lineal.compiler import explain

__all__ = ["OptimizedModule", "explain", "optimize"]
