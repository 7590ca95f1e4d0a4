"""Models as ONNX files: `onnx.export` writes what a model really did. It needs the package `onnx`, and uses `onnxruntime`."""

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.exporting import export, is_in_onnx_export
from lineal.onnx.program import ONNXProgram, OperatorExportTypes, TrainingMode

__all__ = ["ONNXProgram", "OnnxExporterError", "OperatorExportTypes", "TrainingMode", "export", "is_in_onnx_export"]
