"""Devices, and the seam through which another array module (CuPy) will come in."""

from __future__ import annotations

import re

import numpy as np

__all__ = ["device", "set_default_device"]

_KINDS = ("cpu", "cuda", "meta", "mps", "xpu")


class device:  # noqa: N801
    """Where a tensor's numbers live: `device("cpu")`, `device("cuda:1")`, `device("cuda", 1)`."""

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | device, index: int | None = None):
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        if isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device: expected a string such as 'cpu' or 'cuda:0', got {type!r}")
        match = re.fullmatch(r"([a-z]+)(?::(\d+))?", type)
        if match is None or match[1] not in _KINDS:
            raise RuntimeError(f"device: expected one of {', '.join(_KINDS)}, possibly with an index, got {type!r}")
        if match[2] is not None:
            if index is not None:
                raise RuntimeError(f"device: the index is given twice, in {type!r} and as {index}")
            index = int(match[2])
        self.type = match[1]
        self.index = index

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple:
        return (device, (self.type, self.index))


CPU = device("cpu")


def as_device(given: str | int | device | None) -> device:
    """Return the device meant by `given`, which must be one that this machine can use."""
    found = CPU if given is None else given if isinstance(given, device) else device(given)
    if found.type != "cpu":
        raise RuntimeError(
            f"device: {found} is not available: this build of lineal computes on the CPU "
            "(ask cuda.is_available() before you choose a device)"
        )
    return found


def array_module(value: object):
    """Return the module (NumPy, or CuPy for CUDA arrays) whose functions take `value`."""
    if isinstance(value, np.ndarray):
        return np
    if hasattr(type(value), "__array_namespace__"):
        return value.__array_namespace__()  # type: ignore[attr-defined]
    raise RuntimeError(f"device: no array module is known for a value of type {type(value).__name__}")


def set_default_device(device: str | device | None) -> None:
    """Make new tensors on `device`, which must be one that this machine can use."""
    as_device(device)
