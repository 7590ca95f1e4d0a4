"""Whether a file does what the model does: both run, at several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.limits import finfo
from lineal.core import AbstractTensor
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.program import ONNXProgram

__all__ = ["compare", "verify"]

CLOSE = 1e-5
"""By how much numbers may differ, of themselves and of the largest of their tensor."""
ROUNDINGS = 8
"""By how many roundings they may differ in narrower dtypes."""


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


def compare(name: str, found: np.ndarray, wanted: np.ndarray, sizes: str) -> None:
    """Raise OnnxExporterError if an output of the file is not the model's."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        raise OnnxExporterError(
            f"onnx.export: output {name} of the file is {found.dtype} {list(found.shape)}, the model's is "
            f"{wanted.dtype} {list(wanted.shape)}{sizes}"
        )
    apart = distance(found, wanted)
    if not apart <= tolerance(wanted.dtype):
        raise OnnxExporterError(
            f"onnx.export: output {name} of the file differs from the model's by {apart:.2g} of its size{sizes}"
        )


def verify(
    program: ONNXProgram, names: Sequence[str], inputs: Sequence[AbstractTensor], results: Sequence[Any], sizes: str
) -> None:
    """Run the file and compare with what the model gave; OnnxExporterError if they differ."""
    found = program.run(dict(zip(names, [x.value for x in inputs])))
    for output, each, wanted in zip(program.model_proto.graph.output, found, results):
        compare(output.name, each, wanted.value, sizes)
