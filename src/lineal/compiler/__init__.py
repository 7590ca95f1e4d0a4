"""Native programs: functions of tensors, captured as they run and compiled."""

from lineal.compiler.calling.function import CompiledFunction, compile, explain
from lineal.compiler.calling.memcheck import MemoryFault, checking

__all__ = ["CompiledFunction", "MemoryFault", "checking", "compile", "explain"]
