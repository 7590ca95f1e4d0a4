"""What programs ask of how PyTorch was built."""

from __future__ import annotations

import numpy as np

from lineal.base.blas import get_blas
from lineal.base.threads import get_num_threads
from lineal.base.version import __version__

__all__ = ["parallel_info", "show"]


def show() -> str:
    """Return what computes, one a line."""
    settings = f"USE_CUDA=OFF, USE_MKL={'ON' if get_blas() == 'mkl' else 'OFF'}"
    return f"lineal {__version__}:\n  - NumPy {np.__version__}\n  - BLAS: {get_blas()}\n  - Build settings: {settings}\n"


def parallel_info() -> str:
    """Return how many threads compute."""
    return f"lineal {__version__}:\n\tget_num_threads() : {get_num_threads()}\n"
