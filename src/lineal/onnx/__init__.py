"""Models as ONNX files: `export` writes what a model really did, `load` makes a module of a file. Both need `onnx`."""

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.exporting import export, is_in_onnx_export
from lineal.onnx.loading import ONNXModule, load
from lineal.onnx.program import ONNXProgram, OperatorExportTypes, TrainingMode

__all__ = [
    "ONNXModule",
    "ONNXProgram",
    "OnnxExporterError",
    "OperatorExportTypes",
    "TrainingMode",
    "export",
    "is_in_onnx_export",
    "load",
]
