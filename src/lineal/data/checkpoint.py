"""`save` and `load`: nests of tensors and plain values in one .safetensors file, without pickle.

The tensors are stored under their path in the nest; the nest itself is JSON in the file's metadata (see
`lineal.data.nesting`), so loading never runs code, and any reader of safetensors can read the tensors.
"""

from __future__ import annotations

import json
import os
import uuid
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from lineal.base import dtypes
from lineal.base.devices import as_device, device
from lineal.data.nesting import CheckpointError, pack, unpack

FORMAT = "lineal-1"
STORAGE = {
    "BOOL": "bool",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
}


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2) -> None:
    """Write a nest of dicts, lists, tuples, tensors and plain values to the file `f`, a path or a binary stream.

    A path gets the new file as a whole or, if anything fails, keeps the old one. TypeError names the place of an object
    that cannot be stored. Tensors that occur twice are stored once; the two `pickle` arguments are ignored.
    """
    tree, arrays = pack(obj)
    text = json.dumps(tree)
    metadata = {"format": FORMAT, "tree": text, "crc32": checksum(text, arrays)}
    data = safetensors.numpy.save(arrays, metadata=metadata)
    if hasattr(f, "write"):
        f.write(data)
    else:
        write_atomically(os.fspath(f), data)


def checksum(tree: str, arrays: dict[str, np.ndarray]) -> str:
    """Return what tells a file in which bits have changed: safetensors itself would not notice."""
    value = zlib.crc32(tree.encode())
    for name in sorted(arrays):
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, value)
    return f"{value:08x}"


def write_atomically(path: Any, data: bytes) -> None:
    """Let the file `path` hold `data`: all of it, or what it held before."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"save: {path} is a folder")
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the renaming last through a power failure, where the system lets a folder be synchronised."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None
) -> Any:
    """Return what `save` wrote to the file `f`, a path or a binary stream.

    `map_location` names the device of the tensors. `weights_only` may be anything: loading never runs code.
    CheckpointError (a RuntimeError) names a file that is damaged or was not written by `save`.
    """
    if isinstance(map_location, (str, device)):
        as_device(map_location)
    name = getattr(f, "name", "the stream") if hasattr(f, "read") else os.fspath(f)
    data = f.read() if hasattr(f, "read") else Path(f).read_bytes()
    return unpack(*parse(name, data), str(name))


def parse(name: Any, data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """Return the JSON tree and the arrays in the bytes of a file."""
    if data[:4] == b"PK\x03\x04":
        raise CheckpointError(f"load: {name} is a zip file, perhaps from torch.save; convert it with safetensors first")
    try:
        found = safetensors.deserialize(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (safetensors.SafetensorError, ValueError) as error:
        raise CheckpointError(f"load: {name} is damaged or no checkpoint: {error}") from error
    metadata = header.get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"load: {name} was not written by lineal.save; read its tensors with safetensors.numpy.load_file")
    try:
        arrays = {key: as_array(entry) for key, entry in found}
        if metadata["crc32"] != checksum(metadata["tree"], arrays):
            raise ValueError("the checksum does not fit the content")
        return json.loads(metadata["tree"]), arrays
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"load: {name} is damaged: {error!r}") from error


def as_array(entry: dict[str, Any]) -> np.ndarray:
    """Return the array of one stored tensor, in memory of its own."""
    data = entry["data"] if isinstance(entry["data"], bytearray) else bytearray(entry["data"])
    return np.ndarray(entry["shape"], dtypes.named(STORAGE[entry["dtype"]]).numpy, data)
