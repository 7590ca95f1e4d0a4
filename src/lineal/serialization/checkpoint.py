"""`save` and `load`: nests of tensors and plain values in one file, without code.

A path that ends in .safetensors becomes a file of that format: the tensors under their path in the nest, the nest as JSON in
the metadata (see `nesting`). Any other path, and a stream, becomes a zip file as PyTorch writes it (see `pickling`), which
`torch.load` reads with `weights_only=True`. `load` looks at the content, not at the name: it reads both, the older files of
PyTorch's, and the safetensors files of others; it never runs what a file says.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from lineal.serialization.archives import archived
from lineal.serialization.blocks import MapLocation, placed
from lineal.serialization.errors import CheckpointError, UnavailableError, UnpicklingError
from lineal.serialization.nesting import pack, unpack
from lineal.serialization.pickling import pickled
from lineal.serialization.sources import Source, opened
from lineal.serialization.tensorfile import TensorFile, framed
from lineal.serialization.torchfiles import Options, is_legacy, read_archive, read_legacy
from lineal.serialization.weights import arrays_of, read_folder, weights_of
from lineal.serialization.writing import write, write_all

__all__ = ["File", "checksum", "load", "save"]

File = str | os.PathLike[str] | IO[bytes]
FORMAT = "lineal-1"
TAR = slice(257, 262)
"""Where a tar file says that it is one: so PyTorch wrote before 0.2."""


def save(
    obj: Any,
    f: File,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write a nest of dicts, lists, tuples, tensors and plain values to the file `f`, a path or a binary stream.

    A path that ends in .safetensors gets that format, everything else PyTorch's, in which tensors that share memory go on
    sharing it. A regular file gets the new content as a whole or, if anything fails, keeps the old one; a pipe or a device is
    written through, links are followed. NumPy's numbers become Python's; whole modules and plain objects are stored in
    PyTorch's format, by the names of their classes. TypeError names the place of what cannot be stored. The other arguments are
    ignored.
    """
    file: Any = f
    path = None if hasattr(file, "write") else path_of("save", file)
    pieces = tensors_framed(obj) if str(path).lower().endswith(".safetensors") else archive_of(obj, stem(path))
    if path is None:
        write_all(file, pieces)
    else:
        write(path, *pieces)


def path_of(name: str, file: Any) -> str:
    """Return a path; what is neither one nor a stream is an AttributeError, as in PyTorch, which names the function."""
    if not isinstance(file, (str, bytes, os.PathLike)):
        raise AttributeError(f"{name}: expected a path or a binary stream, got {type(file).__name__}")
    return os.fsdecode(file)


def stem(path: Any) -> str:
    """Return the name of the folder in a zip file that its records lie in, as PyTorch takes it from the path."""
    name = os.path.splitext(os.path.basename(str(path)))[0] if path is not None else ""
    return name if name.isascii() and name.isprintable() and name else "archive"


def archive_of(obj: Any, root: str) -> list[Any]:
    """Return the pieces of PyTorch's zip file of a nest."""
    code, arrays = pickled(obj)
    data = [(f"data/{key}", array.view(np.uint8).data) for key, array in enumerate(arrays)]
    digits = zlib.crc32("".join(name for name, _ in data).encode()), zlib.crc32(code)
    records = [
        ("data.pkl", code),
        (".format_version", b"1"),
        (".storage_alignment", b"64"),
        ("byteorder", sys.byteorder.encode()),
        *data,
        ("version", b"3\n"),
        (".data/serialization_id", b"%020d%020d" % digits),
    ]
    return archived([(f"{root}/{name}", content) for name, content in records])


def tensors_framed(obj: Any) -> list[Any]:
    """Return the pieces of the safetensors file of a nest."""
    tree, arrays = pack(obj)
    text = json.dumps(tree)
    return framed(arrays, {"format": FORMAT, "tree": text, "crc32": checksum(text, arrays)})


def checksum(tree: str, arrays: dict[str, np.ndarray]) -> str:
    """Return what tells a file in which bits have changed: safetensors itself would not notice."""
    value = zlib.crc32(tree.encode())
    for name in sorted(arrays):
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, value)
    return f"{value:08x}"


def load(
    f: File,
    map_location: MapLocation = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Return what `save`, or `torch.save`, wrote to the file `f`, a path or a binary stream.

    A .safetensors file of others, or a folder of them with their index, gives a dict of its tensors by name, with the file's
    metadata as the attribute `metadata`. `map_location` says where tensors go: a device, a dict of locations, or a function of
    storage and location. With `mmap`, a file is read as far as its tensors are looked at. With `weights_only=False`
    also whole modules and plain objects are made, of classes that the program has imported; no other code runs, and a file that
    needs some is refused. CheckpointError (a RuntimeError) names a file that is damaged, is no such
    file, or has what lineal has not; UnpicklingError, one of them, a name that is not allowed.
    """
    encoding = pickle_load_args.pop("encoding", "utf-8")
    if pickle_load_args:
        raise TypeError(f"load: got unexpected arguments {sorted(pickle_load_args)}")
    file: Any = f
    path = "" if hasattr(file, "read") else path_of("load", file)
    if path.endswith(".index.json") or os.path.isdir(path):
        return read_folder(path, map_location)
    source = opened(file, bool(mmap))
    try:
        return content_of(source, Options(map_location, encoding, weights_only is False))
    finally:
        source.close()


def content_of(source: Source, options: Options) -> Any:
    """Return the nest, or the tensors of others, in a file."""
    head = source.read(0, min(source.size, TAR.stop))
    if head[:4] == b"PK\x03\x04":
        return guarded(source, read_archive, options)
    if is_legacy(head):
        return guarded(source, read_legacy, options)
    if head[TAR] == b"ustar":
        raise CheckpointError(f"load: {source.name} is a tar file, as PyTorch wrote before 0.2; save it anew with a later one")
    try:
        file = TensorFile(source)
    except ValueError as error:
        raise CheckpointError(f"load: {source.name} is damaged or no checkpoint: {error}") from error
    return tensors_of(file, source.name, options)


def guarded(source: Source, read: Callable[[Source, Options], Any], options: Options) -> Any:
    """Return what is read from a file of PyTorch's; CheckpointError names the file if it makes no sense."""
    try:
        return read(source, options)
    except UnpicklingError as error:
        raise UnpicklingError(f"load: {source.name}: {error}") from error
    except (MemoryError, UnavailableError):
        raise
    except Exception as error:
        # only lineal's own code runs here, and what users have allowed: whatever it says, the file makes no sense
        raise CheckpointError(f"load: {source.name} is damaged or not supported: {error or type(error).__name__}") from error


def tensors_of(file: TensorFile, name: str, options: Options) -> Any:
    """Return the nest that a safetensors file is, or the tensors of others."""
    metadata = file.metadata
    if metadata.get("format") != FORMAT:
        if "tree" in metadata or "crc32" in metadata:
            raise CheckpointError(f"load: {name} is damaged or of another version: its format is {metadata.get('format')!r}")
        return weights_of(file, name, options.map_location)
    arrays = arrays_of(file, name)
    try:
        if metadata["crc32"] != checksum(metadata["tree"], arrays):
            raise ValueError("the checksum does not fit the content")
        tree = json.loads(metadata["tree"])
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"load: {name} is damaged: {error!r}") from error
    return unpack(tree, {key: placed(array, "cpu", options.map_location) for key, array in arrays.items()}, name)
