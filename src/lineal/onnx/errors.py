"""What an export cannot put into ONNX."""

from __future__ import annotations

__all__ = ["OnnxExporterError"]


class OnnxExporterError(RuntimeError):
    """The model does something that the file could not do, or not for every size that it is asked for."""
