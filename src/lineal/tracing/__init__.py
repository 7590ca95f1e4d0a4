"""Traces: what a function really did, as pure equations."""

from lineal.tracing.equations import Equation, Var, evaluate
from lineal.tracing.graph import Graph, Read, Write
from lineal.tracing.pure import LOOKING, Place, PureRecorder, Storage, strides
from lineal.tracing.recorder import GraphRecorder, record, trace

__all__ = [
    "LOOKING",
    "Equation",
    "Graph",
    "GraphRecorder",
    "Place",
    "PureRecorder",
    "Read",
    "Storage",
    "Var",
    "Write",
    "evaluate",
    "record",
    "strides",
    "trace",
]
