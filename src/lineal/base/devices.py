"""Devices by name, as users write them; what computes on them stands in the records of `platforms.py`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import numpy as np

from lineal.base import later
from lineal.base.platforms import PLATFORMS, platform_of

__all__ = ["device", "set_default_device"]

meta: Any = later.module("lineal.meta")
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

    def __enter__(self) -> device:
        """Make new tensors on this device until the block ends."""
        Chosen.outer.append(Chosen.device)
        Chosen.device = as_device(self)
        return self

    def __exit__(self, *error: object) -> None:
        Chosen.device = Chosen.outer.pop()

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


class Chosen:
    """The device of new tensors where none is named."""

    device: device = CPU
    outer: ClassVar[list[device]] = []
    """What it was before each of the blocks `with device(…):` that are open."""


class NoCudaError(AssertionError, RuntimeError):
    """CUDA is asked for: PyTorch built for CPUs raises an AssertionError, and one with CUDA but no GPU a RuntimeError."""


def as_device(given: str | int | device | None) -> device:
    """Return the device meant by `given`, by default the default one; it must be one that this machine can use."""
    if given is None:
        return Chosen.device
    found = given if isinstance(given, device) else device(given)
    if found.type == "meta" and found.type not in PLATFORMS:
        PLATFORMS[found.type] = meta.META
    if found.type not in PLATFORMS:
        kind = NoCudaError if found.type == "cuda" else RuntimeError
        raise kind(
            f"device: {found} is not available: this build of lineal computes on the CPU "
            "(ask cuda.is_available() before you choose a device)"
        )
    return CPU if found == CPU else found


def device_of(value: object) -> device:
    """Return where an array lies."""
    return CPU if value.__class__ is np.ndarray else device(platform_of(value).kind)


def set_default_device(device: str | device | None) -> None:
    """Make new tensors on `device`, which must be one that this machine can use; None stands for the CPU."""
    Chosen.device = CPU if device is None else as_device(device)
