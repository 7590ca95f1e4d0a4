"""What computes: the user's wishes for large dense matrices, long sequences, and calls in eager code."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = [
    "BLAS",
    "EAGER",
    "RECURRENT",
    "get_bfloat16_products",
    "get_blas",
    "get_recurrent_layers",
    "set_bfloat16_products",
    "set_blas",
    "set_recurrent_layers",
]


class Setting(NamedTuple):
    """A process-wide setting: what sets it, the environment variable it has at first, and its values, the default first."""

    setter: str
    variable: str
    values: tuple[str, ...]

    def get(self) -> str:
        """Return its value."""
        return CHOSEN[self] if self in CHOSEN else self.checked(os.environ.get(self.variable) or self.values[0], self.variable)

    def set(self, value: str) -> None:
        """Choose its value."""
        CHOSEN[self] = self.checked(value, self.setter)

    def checked(self, value: str, source: str) -> str:
        """Return a value; ValueError, which names who gave it, if there is no such."""
        if value not in self.values:
            raise ValueError(f"{source}: expected one of {', '.join(self.values)}, got {value!r}")
        return value


CHOSEN: dict[Setting, str] = {}
BLAS = Setting("set_blas", "LINEAL_BLAS", ("auto", "own", "mkl"))
BFLOAT16 = Setting("set_bfloat16_products", "LINEAL_BFLOAT16", ("native", "exact"))
EAGER = Setting("set_eager_calls", "LINEAL_EAGER", ("native", "python"))
RECURRENT = Setting("set_recurrent_layers", "LINEAL_RECURRENT", ("auto", "eager", "native"))


def get_blas() -> str:
    """Return the setting of `set_blas`: "auto", "own" or "mkl"; at first the environment variable LINEAL_BLAS, else "auto"."""
    return BLAS.get()


def set_blas(name: str) -> None:
    """Choose what computes with large dense matrices: "own" programs, "mkl", or "auto", the faster one on this processor.

    MKL is the package `mkl`; where it is wanted but not installed, the first large matrix raises RuntimeError. `lineal info`
    shows what is used.
    """
    BLAS.set(name)


def get_bfloat16_products() -> str:
    """Return the setting of `set_bfloat16_products`; at first the environment variable LINEAL_BFLOAT16, else "native"."""
    return BFLOAT16.get()


def set_bfloat16_products(name: str) -> None:
    """Choose how large bfloat16 matrices are multiplied; sums are float32, rounded once, in both ways.

    "native": by the processor's own instructions where it has some (AVX512-BF16, AMX), which take numbers, products and sums
    below 2⁻¹²⁶ for zero. "exact": factors are made float32 first, and nothing is taken for zero; several times slower.
    """
    BFLOAT16.set(name)


def get_recurrent_layers() -> str:
    """Return the setting of `set_recurrent_layers`; at first the environment variable LINEAL_RECURRENT, else "auto"."""
    return RECURRENT.get()


def set_recurrent_layers(name: str) -> None:
    """Choose what goes through RNN, LSTM and GRU in eager code: "eager" ops, "native" loops, or "auto".

    With "auto", a layer that has gone through 1,000 steps of sequences of one shape goes on natively, with "native" from the
    second of them on. Native loops may round otherwise in the last places: with "eager" all calls give the same bits. They are
    for float32 and float64, and for sequences of 8 steps and more that are not packed.
    """
    RECURRENT.set(name)
