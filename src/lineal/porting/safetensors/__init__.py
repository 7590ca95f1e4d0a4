"""What `import safetensors` finds where lineal stands for PyTorch: its compiled part makes PyTorch's tensors alone.

`safe_open` with the framework "pt" is lineal's; other frameworks, and other names, are the package's, if it is installed.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from lineal.porting.safetensors.reading import Reader, SafetensorError

__all__ = ["SafetensorError", "safe_open"]

COMPILED = "safetensors._safetensors_rust"
FRAMEWORKS = ("pt", "torch", "pytorch")


def safe_open(filename: str | os.PathLike[str], framework: str, device: str | int = "cpu", *, backend: str = "mmap") -> Any:
    """Return an open file whose tensors are read when they are asked for, to be used in a `with`.

    SafetensorError if it is damaged; `backend` changes nothing.
    """
    if framework not in FRAMEWORKS:
        return import_module(COMPILED).safe_open(filename, framework=framework, device=device, backend=backend)
    return Reader(filename, device)


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__version__":
        raise AttributeError(f"module 'safetensors' has no attribute {name!r}")
    try:
        return getattr(import_module(COMPILED), name)
    except ImportError:
        raise AttributeError(f"module 'safetensors' has no attribute {name!r}: the package is not installed") from None
