"""Which library computes with large dense matrices: the user's wish."""

from __future__ import annotations

import os

__all__ = ["BLAS_VARIABLE", "get_blas", "set_blas"]

BLAS_VARIABLE = "LINEAL_BLAS"
NAMES = ("auto", "own", "mkl")


class Blas:
    """The process-wide setting; None until somebody sets it."""

    chosen: str | None = None


def get_blas() -> str:
    """Return the setting of `set_blas`: "auto", "own" or "mkl"; at first the environment variable LINEAL_BLAS, else "auto"."""
    return Blas.chosen if Blas.chosen is not None else checked(os.environ.get(BLAS_VARIABLE) or "auto", BLAS_VARIABLE)


def set_blas(name: str) -> None:
    """Choose what computes with large dense matrices: "own" programs, "mkl", or "auto", the faster one on this processor.

    MKL is the package `mkl`; where it is wanted but not installed, the first large matrix raises RuntimeError. `lineal info`
    shows what is used.
    """
    Blas.chosen = checked(name, "set_blas")


def checked(name: str, source: str) -> str:
    if name not in NAMES:
        raise ValueError(f"{source}: expected one of {', '.join(NAMES)}, got {name!r}")
    return name
