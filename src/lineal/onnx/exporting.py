"""`export`: a model is recorded at several sizes, and what it did, where the trials agree, is written as a graph of ONNX."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from lineal.base import later
from lineal.base.version import __version__
from lineal.core import AbstractTensor, modes
from lineal.nn.module import Module
from lineal.onnx.dimensions import Call, Dynamic, called, dynamic, inputs_at, names_of, trials
from lineal.onnx.program import ONNXProgram, TrainingMode
from lineal.onnx.recording import Recording, recorded, tensors
from lineal.onnx.translating import Names, translated
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
    do_constant_folding: bool = True,
    custom_opsets: Mapping[str, int] | None = None,
) -> ONNXProgram:
    """Write what `model(*args, **kwargs)` does to the ONNX file `f`, and return it as a program.

    Opsets 18 to 23, by default 20. Dimensions named in `dynamic_axes` or `dynamic_shapes` may have any size: the model is
    run at several, and an export whose runs differ in anything but sizes fails. The file is checked, run by onnxruntime (else
    by ONNX's reference), and compared with the model; `verify=False` leaves that out. Without `export_params`, parameters are
    inputs. `verbose`, `dynamo`, `external_data`, `optimize`, `report`, `profile`, `dump_exported_program`, `artifacts_dir` and
    `do_constant_folding` are hints that change nothing. OnnxExporterError says which op, at which line, cannot be written.
    """
    if custom_translation_table or custom_opsets:
        raise NotImplementedError("onnx.export: custom_translation_table and custom_opsets are not supported")
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
        program, results = recorded_program(
            model, call, found, Names(names, list(output_names or ()), export_params, keep_initializers_as_inputs), opset
        )
        if verify:
            check(program, call, names, found, results)
    finally:
        for each, mode in zip(modules, before):
            each.training = mode
    if f is not None:
        program.save(f)
    return program


def set_modes(modules: Sequence[Module], training: TrainingMode) -> None:
    """Put modules into the mode that is asked for."""
    if training != TrainingMode.PRESERVE:
        for each in modules:
            each.training = training == TrainingMode.TRAINING


def recorded_program(model: Any, call: Call, found: Dynamic, names: Names, opset: int) -> tuple[ONNXProgram, Any]:
    """Return the program of a call, and its sizes with what it gave at each trial."""

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
    proto.checker.check_model(program.model_proto, full_check=True)
    return program, [(list(row), inputs, recording.results) for row, (inputs, recording) in zip(sizes, made)]


def owners(model: Any) -> dict[int, str]:
    """Return the names of a module's parameters and buffers by the identity of their tensors and arrays."""
    if not isinstance(model, Module):
        return {}
    found: dict[int, str] = {}
    for name, x in (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)):
        found.setdefault(id(x), name)
        found.setdefault(id(x.value), name)
    return found


def check(program: ONNXProgram, call: Call, names: Sequence[str], found: Dynamic, made: Sequence[Any]) -> None:
    """Run the file at the example's sizes, at the last trial's, and at sizes of 1 if the model takes them."""
    chosen = [made[-1]]
    for sizes in (found.sizes, [1] * len(found.sizes)):
        if sizes and sizes not in [each[0] for each in chosen]:
            inputs = inputs_at(call, found, sizes)
            try:
                with modes.Setting((modes.grad_enabled, False)):
                    chosen.append((sizes, inputs, call.on(inputs)))
            except Exception:
                if sizes == found.sizes:
                    raise
    for sizes, inputs, results in chosen:
        words = ", ".join(f"{name} = {size}" for name, size in zip(found.names, sizes))
        try:
            verified(program, names, inputs, tensors(results), f" where {words}" if words else "")
        except ImportError:
            warnings.warn(
                "onnx.export: nothing was verified: neither onnxruntime nor onnx.reference is installed", stacklevel=3
            )
            return
