"""What an export gives: the model as ONNX has it, to be saved and run."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lineal.base import later
from lineal.core import AbstractTensor, lift
from lineal.serialization.writing import write

__all__ = ["ONNXProgram", "OperatorExportTypes", "TrainingMode"]

reference: Any = later.module("onnx.reference")
runtime: Any = later.module("onnxruntime")
state: Any = later.module("onnxruntime.capi.onnxruntime_pybind11_state")

LIMIT = 2**31 - 1
"""As many bytes as a message of protobuf's may have."""


SMALL = 1024
"""The bytes of an array that stands in the file itself, and a multiple of which others begin at."""


class TrainingMode(enum.IntEnum):
    """In which mode the model is when it is recorded: evaluation, the one it is in, or training."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(enum.IntEnum):
    """Which operators a file may have: ONNX's alone."""

    ONNX = 0


class ONNXProgram:
    """A model in ONNX: `model_proto` is the message, a call runs it."""

    def __init__(self, model_proto: Any):
        self.model_proto = model_proto
        self.session: Any = None

    def save(
        self,
        destination: str | os.PathLike,
        *,
        include_initializers: bool = True,
        keep_initializers_as_inputs: bool = False,
        external_data: bool | None = None,
    ) -> None:
        """Write the file: all of it, or what it held before.

        The weights stand in it or, with `external_data` and where the file would be larger than ONNX allows, 2 GiB, in a file
        beside it of the same name with .data behind. The other arguments are hints.
        """
        model, path = self.model_proto, os.fspath(destination)
        if external_data or (external_data is None and model.ByteSize() > LIMIT):
            model, pieces = outside(model, os.path.basename(path) + ".data")
            write(path + ".data", *pieces)
        write(path, model.SerializeToString())

    def __call__(self, *args: AbstractTensor, **kwargs: AbstractTensor) -> tuple[AbstractTensor, ...]:
        """Return the outputs, computed by onnxruntime or by the reference evaluator of ONNX."""
        names = [each.name for each in self.model_proto.graph.input]
        inputs = dict(zip(names, args)) | kwargs
        return tuple([lift(each) for each in self.run({name: x.value for name, x in inputs.items()})])

    def run(self, inputs: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        """Return the arrays of the outputs, by onnxruntime if it is there and has all kernels, else by ONNX's reference."""
        if self.session is None:
            self.session = session(self.model_proto)
        try:
            found = self.session.run(None, dict(inputs))
        except Exception as error:
            # onnxruntime says that it has no kernel when it loads the file, or only when it comes to the node
            if "not supported" not in str(error) and "NOT_IMPLEMENTED" not in str(error):
                raise
            self.session = reference.ReferenceEvaluator(self.model_proto)
            found = self.session.run(None, dict(inputs))
        return [np.asarray(each) for each in found]

    @property
    def quick(self) -> bool:
        """Whether what ran the file last is onnxruntime, and no interpreter in Python."""
        return type(self.session).__module__.startswith("onnxruntime")

    def __repr__(self) -> str:
        graph = self.model_proto.graph
        ends = [", ".join(each.name for each in end) for end in (graph.input, graph.output)]
        return f"ONNXProgram({ends[0]} -> {ends[1]}, {len(graph.node)} nodes, {len(graph.initializer)} initializers)"


def outside(model: Any, name: str) -> tuple[Any, list[bytes]]:
    """Return a model whose large arrays lie in a file of a name beside it, and the pieces of that file."""
    lean, pieces, place = type(model)(), [], 0
    lean.CopyFrom(model)
    for each in lean.graph.initializer:
        if len(each.raw_data) < SMALL:
            continue
        data, padding = each.raw_data, -len(each.raw_data) % SMALL
        pieces += [data, bytes(padding)]
        each.ClearField("raw_data")
        each.data_location = type(each).EXTERNAL
        for key, value in (("location", name), ("offset", place), ("length", len(data))):
            each.external_data.add(key=key, value=str(value))
        place += len(data) + padding
    return lean, pieces


def session(model: Any) -> Any:
    """Return what runs a model: a session of onnxruntime where it is installed and has all kernels, else ONNX's reference."""
    try:
        options = runtime.SessionOptions()
    except ImportError:
        return reference.ReferenceEvaluator(model)
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        return runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except (state.NotImplemented, state.Fail, state.InvalidGraph):
        return reference.ReferenceEvaluator(model)
