"""Whether a file does what the model does: both run, at several sizes."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.base.limits import finfo
from lineal.core import AbstractTensor, modes
from lineal.onnx.dimensions import Call, Dynamic, inputs_at
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.program import ONNXProgram
from lineal.onnx.recording import tensors

__all__ = ["Trial", "verify"]

CLOSE = 1e-5
"""By how much numbers may differ, of themselves and of the largest of their tensor."""
ROUNDINGS = 8
"""By how many roundings they may differ in narrower dtypes."""
FAR = 1031
"""A size at which each dimension is tried alone: what is cut to a length, or done in pieces, is not all there below it."""
LOOSE = 100
"""By how many times more numbers may differ there, of which more are added up."""
MOST, FEW = 2**25, 2**19
"""How many numbers a model may make in a run that only verifies, by onnxruntime, or by ONNX's reference."""


class Trial(NamedTuple):
    """A run of the model: the sizes of the dynamic dimensions, inputs, results, and how many numbers it made."""

    sizes: list[int]
    inputs: Sequence[AbstractTensor]
    results: Any
    work: int


def tolerance(storage: np.dtype) -> float:
    """Return by how much numbers of a dtype may differ."""
    if storage.kind in "iub":
        return 0.0
    return max(CLOSE, ROUNDINGS * float(finfo(dtypes.of(storage)).eps))


def distance(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference of two arrays, as a share of the largest number; infinite if nan or ∞ stand elsewhere."""
    a, b = (np.asarray(each).astype(np.float64) for each in (found, wanted))
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    apart = np.abs(a[finite] - b[finite])
    return float(np.max(apart, initial=0) / max(np.max(np.abs(b[finite]), initial=0), np.finfo(np.float32).tiny))


def compare(name: str, found: np.ndarray, wanted: np.ndarray, where: str, loose: int) -> None:
    """Raise OnnxExporterError if an output of the file is not the model's."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        raise OnnxExporterError(
            f"onnx.export: output {name} of the file is {found.dtype} {list(found.shape)}, the model's is "
            f"{wanted.dtype} {list(wanted.shape)}{where}"
        )
    apart = distance(found, wanted)
    if not apart <= loose * tolerance(wanted.dtype):
        raise OnnxExporterError(
            f"onnx.export: output {name} of the file differs from the model's by {apart:.2g} of its largest number{where}"
        )


def run(program: ONNXProgram, names: Sequence[str], trial: Trial, where: str, loose: int) -> None:
    """Run the file and compare with what the model gave; OnnxExporterError if they differ."""
    try:
        found = program.run(dict(zip(names, [x.value for x in trial.inputs])))
    except ImportError:
        raise
    except Exception as error:
        raise OnnxExporterError(f"onnx.export: the file does not run{where}: {error}") from error
    for output, each, wanted in zip(program.model_proto.graph.output, found, tensors(trial.results)):
        compare(output.name, each, wanted.value, where, loose)


def verify(program: ONNXProgram, call: Call, names: Sequence[str], found: Dynamic, made: Sequence[Trial]) -> None:
    """Run the file at the last trial's sizes, the example's, at sizes of 1 and at large ones, where the model takes them."""
    for trial in itertools.chain([made[-1]], others(program, call, found, made)):
        words = ", ".join(f"{name} = {size}" for name, size in zip(found.names, trial.sizes))
        loose = LOOSE if max(trial.sizes, default=0) > max(made[-1].sizes, default=0) else 1
        try:
            run(program, names, trial, f" where {words}" if words else "", loose)
        except ImportError:
            warnings.warn("onnx.export: nothing was verified: onnx.reference cannot be imported, nor onnxruntime", stacklevel=3)
            return


def others(program: ONNXProgram, call: Call, found: Dynamic, made: Sequence[Trial]) -> Iterator[Trial]:
    """Yield runs of the model at other sizes, as far as it takes them."""
    for sizes in dict.fromkeys([tuple(found.sizes), (1,) * len(found.sizes), *far(made[0], MOST if program.quick else FEW)]):
        if list(sizes) == made[-1].sizes:
            continue
        inputs = inputs_at(call, found, sizes)
        try:
            with modes.Setting((modes.grad_enabled, False)):
                results = call.on(inputs)
        except Exception:
            # the model's own refusal, which no file has to repeat
            if list(sizes) == found.sizes:
                raise
            continue
        yield Trial(list(sizes), inputs, results, 0)


def far(first: Trial, most: int) -> Iterator[tuple[int, ...]]:
    """Yield sizes of which one is large, as far as a run is not: work may grow as the square of a size."""
    room = math.isqrt(most // max(first.work, 1))
    for n, size in enumerate(first.sizes):
        large = min(FAR, size * room)
        if large > 3 * size:
            yield tuple([large if place == n else each for place, each in enumerate(first.sizes)])
