"""`export`: a model is recorded at several sizes, and what it did, where the trials agree, is written as a graph of ONNX."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from lineal.base import later
from lineal.base.version import __version__
from lineal.core import AbstractTensor, modes
from lineal.nn.module import Module
from lineal.onnx.dimensions import Call, Dynamic, called, dynamic, inputs_at, names_of, trials
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.program import ONNXProgram, OperatorExportTypes, TrainingMode
from lineal.onnx.recording import Recording, recorded
from lineal.onnx.translating import Names, translated
from lineal.onnx.verifying import Trial
from lineal.onnx.verifying import verify as verified
from lineal.onnx.writer import GraphWriter

__all__ = ["export", "is_in_onnx_export"]

proto: Any = later.module("onnx")

OPSETS = range(18, 24)
DEFAULT = 20
VERSIONS = {23: 11}
"""The version of the format that an opset needs, where it is not 10."""
exporting: ContextVar[bool] = ContextVar("exporting", default=False)


def is_in_onnx_export() -> bool:
    """Return whether a model is being recorded for an export."""
    return exporting.get()


def export(
    model: Module | Callable[..., Any],
    args: Any = (),
    f: str | os.PathLike | None = None,
    *,
    kwargs: dict[str, Any] | None = None,
    verbose: bool | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamo: bool = True,
    external_data: bool = True,
    dynamic_shapes: dict[str, Any] | tuple[Any, ...] | list[Any] | None = None,
    custom_translation_table: dict[Callable, Callable] | None = None,
    report: bool = False,
    optimize: bool = True,
    verify: bool = True,
    profile: bool = False,
    dump_exported_program: bool = False,
    artifacts_dir: str | os.PathLike = ".",
    export_params: bool = True,
    keep_initializers_as_inputs: bool = False,
    dynamic_axes: Mapping[str, Mapping[int, str]] | Mapping[str, Sequence[int]] | None = None,
    training: TrainingMode = TrainingMode.EVAL,
    operator_export_type: OperatorExportTypes = OperatorExportTypes.ONNX,
    do_constant_folding: bool = True,
    custom_opsets: Mapping[str, int] | None = None,
    export_modules_as_functions: bool | Collection[type[Module]] = False,
    autograd_inlining: bool = True,
) -> ONNXProgram:
    """Write what `model(*args, **kwargs)` does to the ONNX file `f`, and return it as a program.

    Opsets 18 to 23, by default 20. Dimensions named in `dynamic_axes` or `dynamic_shapes` may have any size: the model is
    run at several, and an export whose runs differ in anything but sizes fails. The file is checked, run by onnxruntime (else
    by ONNX's reference), and compared with the model; `verify=False` leaves that out. Without `export_params`, parameters are
    inputs. `verbose`, `dynamo`, `external_data`, `optimize`, `report`, `profile`, `dump_exported_program`, `artifacts_dir`,
    `do_constant_folding` and `autograd_inlining` are hints that change nothing. OnnxExporterError says which op, at which line,
    cannot be written.
    """
    if custom_translation_table or custom_opsets or export_modules_as_functions or operator_export_type:
        raise NotImplementedError(
            "onnx.export: custom_translation_table, custom_opsets, export_modules_as_functions and operator_export_type are "
            "not supported"
        )
    require_package()
    opset = DEFAULT if opset_version is None else int(opset_version)
    if opset not in OPSETS:
        raise ValueError(f"onnx.export: expected an opset_version in {OPSETS[0]} … {OPSETS[-1]}, got {opset_version}")
    call = called(model, args, kwargs)
    names = names_of(call, input_names)
    found = dynamic(call, names, output_names or (), dynamic_axes, dynamic_shapes)
    modules = list(model.modules()) if isinstance(model, Module) else []
    before = [each.training for each in modules]
    try:
        set_modes(modules, training)
        program, made = recorded_program(
            model, call, found, Names(names, list(output_names or ()), export_params, keep_initializers_as_inputs), opset
        )
        if verify:
            verified(program, call, names, found, made)
    finally:
        for each, mode in zip(modules, before):
            each.training = mode
    if f is not None:
        program.save(f)
    return program


def require_package() -> None:
    """Raise ImportError if ONNX is not installed."""
    try:
        _ = proto.helper
    except ImportError as error:
        raise ImportError("onnx.export: this needs the package onnx: pip install 'lineal[onnx]'") from error


def set_modes(modules: Sequence[Module], training: TrainingMode) -> None:
    """Put modules into the mode that is asked for."""
    if training != TrainingMode.PRESERVE:
        for each in modules:
            each.training = training == TrainingMode.TRAINING


def recorded_program(model: Any, call: Call, found: Dynamic, names: Names, opset: int) -> tuple[ONNXProgram, list[Trial]]:
    """Return the program of a call, and the trials."""

    def attempt(sizes: Sequence[int]) -> tuple[list[AbstractTensor], Recording]:
        inputs = inputs_at(call, found, sizes)
        with modes.Setting((exporting, True)):
            return inputs, recorded(lambda: call.on(inputs), inputs)

    sizes, made = trials(found, attempt)
    recordings = [each for _, each in made]
    graph = GraphWriter(opset, sizes)
    message = translated(graph, recordings, found, names, owners(model))
    program = ONNXProgram(
        proto.helper.make_model(
            message,
            opset_imports=[proto.helper.make_opsetid("", opset)],
            ir_version=VERSIONS.get(opset, 10),
            producer_name="lineal",
            producer_version=__version__,
        )
    )
    try:
        proto.checker.check_model(program.model_proto, full_check=True)
    except (proto.checker.ValidationError, proto.shape_inference.InferenceError) as error:
        raise OnnxExporterError(f"onnx.export: ONNX refuses the file: {error}") from error
    return program, [Trial(list(row), inputs, each.results, work(each)) for row, (inputs, each) in zip(sizes, made)]


def work(recording: Recording) -> int:
    """Return how many numbers the ops of a recording make."""
    return sum(math.prod(var.spec.shape) for each in recording.equations for var in each.outputs)


def owners(model: Any) -> dict[int, str]:
    """Return the names of a module's parameters and buffers by the identity of their tensors and arrays."""
    if not isinstance(model, Module):
        return {}
    found: dict[int, str] = {}
    for name, x in (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)):
        found.setdefault(id(x), name)
        found.setdefault(id(x.value), name)
    return found
