"""Native programs: functions of tensors, captured as they run and compiled."""

from lineal.compiler.function import CompiledFunction, compile, explain
from lineal.compiler.memcheck import MemoryFault, checking

__all__ = ["CompiledFunction", "MemoryFault", "checking", "compile", "explain"]
