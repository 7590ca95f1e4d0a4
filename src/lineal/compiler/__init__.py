"""Native programs: functions of tensors, captured as they run and compiled."""

from lineal.compiler.function import CompiledFunction, compile, explain

__all__ = ["CompiledFunction", "compile", "explain"]
