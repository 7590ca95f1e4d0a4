"""Names of `torch` itself that lineal has elsewhere, or not by this name."""

from __future__ import annotations

from typing import Any

from lineal.futures import Future
from lineal.overrides import wrap_torch_function
from lineal.porting import version
from lineal.tensors import Layout
from lineal.tensors.storages import UntypedStorage

__all__ = ["Future", "UntypedStorage", "has_cuda", "has_lapack", "has_mkl", "has_mps", "has_openmp", "layout"]

__version__ = version.__version__
layout = Layout
has_cuda = has_cudnn = has_mps = has_mkl = has_openmp = False
has_lapack = True


@wrap_torch_function(lambda condition, message: (condition,))
def _assert(condition: Any, message: str) -> None:
    """Raise an AssertionError with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)
