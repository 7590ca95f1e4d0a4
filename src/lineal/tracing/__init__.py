"""Traces: what a function really did, as a graph of equations."""

from lineal.tracing.graph import Equation, Graph, Read, Var, Write
from lineal.tracing.recorder import GraphRecorder, record, trace

__all__ = ["Equation", "Graph", "GraphRecorder", "Read", "Var", "Write", "record", "trace"]
