"""`save` and `load`: nests of tensors and plain values in one .safetensors file, without pickle.

The tensors are stored under their path in the nest; the nest itself is JSON in the file's metadata (see
`lineal.data.nesting`), so loading never runs code, and any reader of safetensors can read the tensors. `load` reads the files
of others too.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import safetensors.numpy

from lineal.base.devices import as_device, device
from lineal.data.nesting import CheckpointError, pack, unpack
from lineal.data.tensorfile import parsed
from lineal.data.writing import write, write_all
from lineal.tensors import from_numpy

File = str | os.PathLike[str] | IO[bytes]
FORMAT = "lineal-1"


class Weights(dict):
    """The tensors in a file of others by their names; `metadata` are the strings that the file says besides."""

    def __init__(self, tensors: dict[str, Any], metadata: dict[str, str]):
        super().__init__(tensors)
        self.metadata = metadata


def save(obj: Any, f: File, pickle_module: Any = None, pickle_protocol: int = 2) -> None:
    """Write a nest of dicts, lists, tuples, tensors and plain values to the file `f`, a path or a binary stream.

    A regular file gets the new content as a whole or, if anything fails, keeps the old one; a pipe or a device is written
    through, links are followed. TypeError names the place of an object that cannot be stored. Tensors that occur twice are
    stored once; the two `pickle` arguments are ignored.
    """
    tree, arrays = pack(obj)
    text = json.dumps(tree)
    metadata = {"format": FORMAT, "tree": text, "crc32": checksum(text, arrays)}
    data = safetensors.numpy.save(arrays, metadata=metadata)
    file: Any = f
    if hasattr(file, "write"):
        write_all(file, data)
    else:
        write(os.fspath(file), data)


def checksum(tree: str, arrays: dict[str, np.ndarray]) -> str:
    """Return what tells a file in which bits have changed: safetensors itself would not notice."""
    value = zlib.crc32(tree.encode())
    for name in sorted(arrays):
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, value)
    return f"{value:08x}"


def load(
    f: File, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None
) -> Any:
    """Return what `save` wrote to the file `f`, a path or a binary stream.

    A .safetensors file of others gives a dict of its tensors by name, with the file's metadata as the attribute `metadata`.
    `map_location` names the device of the tensors. `weights_only` may be anything: loading never runs code.
    CheckpointError (a RuntimeError) names a file that is damaged, is no such file, or has a dtype that lineal has not.
    """
    if isinstance(map_location, (str, device)):
        as_device(map_location)
    file: Any = f
    name = getattr(file, "name", "the stream") if hasattr(file, "read") else os.fspath(file)
    data = file.read() if hasattr(file, "read") else Path(file).read_bytes()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"load: expected a binary stream, but {name} gives {type(data).__name__}")
    return content_of(name, memoryview(data).cast("B"))


def content_of(name: Any, data: memoryview) -> Any:
    """Return the nest, or the tensors of others, in the bytes of a file."""
    if data[:4] == b"PK\x03\x04":
        raise CheckpointError(f"load: {name} is a zip file, perhaps from torch.save; convert it with safetensors first")
    try:
        metadata, arrays = parsed(data)
    except ValueError as error:
        raise CheckpointError(f"load: {name} is damaged or no checkpoint: {error}") from error
    if metadata.get("format") != FORMAT:
        if "tree" in metadata or "crc32" in metadata:
            raise CheckpointError(f"load: {name} is damaged or of another version: its format is {metadata.get('format')!r}")
        return Weights({key: from_numpy(array) for key, array in arrays.items()}, metadata)
    try:
        if metadata["crc32"] != checksum(metadata["tree"], arrays):
            raise ValueError("the checksum does not fit the content")
        tree = json.loads(metadata["tree"])
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"load: {name} is damaged: {error!r}") from error
    return unpack(tree, arrays, str(name))
