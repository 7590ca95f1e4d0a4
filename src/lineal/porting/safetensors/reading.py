"""A file of safetensors that is open: names, metadata, single tensors and pieces of them."""

from __future__ import annotations

import os
from typing import Any

from lineal.base.devices import as_device
from lineal.base.signatures import Tensor
from lineal.serialization.blocks import placed
from lineal.serialization.sources import opened
from lineal.serialization.tensorfile import TensorFile
from lineal.tensors import from_numpy

__all__ = ["Reader", "SafetensorError", "Slice"]


class SafetensorError(Exception):
    """A file is damaged or closed, or has no such tensor."""


class Reader:
    """An open file: `keys`, `metadata`, `get_tensor` and `get_slice`, until it is left."""

    def __init__(self, filename: str | os.PathLike[str], device: str | int = "cpu"):
        try:
            self.device = as_device(device)
        except (RuntimeError, TypeError):
            raise SafetensorError(f"device {device} is invalid: {device!r} is not here") from None
        if not os.path.exists(filename):
            raise FileNotFoundError(f"No such file or directory: {os.fspath(filename)}")
        self.source = opened(filename, True)
        try:
            self.held: TensorFile | None = TensorFile(self.source)
        except ValueError as error:
            raise SafetensorError(f"Error while deserializing header: {os.fspath(filename)}: {error}") from error

    @property
    def file(self) -> TensorFile:
        """The file; SafetensorError if it is closed."""
        if self.held is None:
            raise SafetensorError("File is closed")
        return self.held

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: Any) -> None:
        self.held = None

    def keys(self) -> list[str]:
        """Return the names of the tensors, sorted."""
        return sorted(self.file.entries)

    def offset_keys(self) -> list[str]:
        """Return the names of the tensors as they lie in the file."""
        return sorted(self.file.entries, key=lambda name: self.file.entries[name]["data_offsets"])

    def metadata(self) -> dict[str, str] | None:
        """Return the strings that the file says besides, None if there are none."""
        return self.file.metadata or None

    def get_tensor(self, name: str) -> Tensor:
        """Return one tensor, in memory of its own."""
        return self.get_slice(name)[...]

    def get_tensors(self) -> dict[str, Tensor]:
        """Return all tensors by name."""
        return {name: self.get_tensor(name) for name in self.offset_keys()}

    def get_slice(self, name: str) -> Slice:
        """Return a tensor of which pieces can be read."""
        if name not in self.file.entries:
            raise SafetensorError(f"File does not contain tensor {name}")
        return Slice(self.file, name, self.device)


class Slice:
    """A tensor in a file; `[…]` reads a piece of it."""

    def __init__(self, file: TensorFile, name: str, device: Any):
        self.file, self.name, self.device = file, name, device

    def get_shape(self) -> list[int]:
        """Return its shape."""
        return [*self.file.entries[self.name]["shape"]]

    def get_dtype(self) -> str:
        """Return its dtype as the file writes it."""
        return self.file.entries[self.name]["dtype"]

    def __getitem__(self, items: Any) -> Tensor:
        try:
            whole = from_numpy(self.file.array(self.name))
        except ValueError as error:
            raise SafetensorError(f"Error while deserializing: {error}") from error
        return from_numpy(placed(whole[items].clone().numpy(), "cpu", self.device))
