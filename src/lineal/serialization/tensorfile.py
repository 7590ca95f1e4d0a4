"""The safetensors format: a length of 8 bytes, a header of JSON, and the tensors' bytes one after another.

The header says of each tensor its dtype, its shape and where its bytes begin and end; together they cover all that follows,
without holes. Source: https://huggingface.co/docs/safetensors. What does not fit is refused, for a file may come from anywhere.
Files are written byte for byte as the package safetensors does: the widest dtypes first, then by name.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import MOST_DIMENSIONS
from lineal.serialization.sources import Source

__all__ = ["STORAGE", "TensorFile", "framed"]

LONGEST_HEADER = 100 << 20
"""The format's own bound, in bytes."""
STORAGE = {each.file: each.name for each in dtypes.ALL if each.file is not None}


ORDER: tuple[str, ...] = (*"BOOL U8 I8 F8_E5M2 F8_E4M3 I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64".split(),)
"""The dtypes from the narrowest to the widest, as the package orders them."""


class TensorFile:
    """A file whose header was read and fits: `metadata`, `names` of the tensors, each of which is read when it is asked for.

    ValueError says what is wrong with it.
    """

    def __init__(self, source: Source):
        if source.size < 8:
            raise ValueError(f"it has {source.size} bytes")
        length = int.from_bytes(source.read(0, 8), "little")
        if length > min(source.size - 8, LONGEST_HEADER):
            raise ValueError(f"its header should have {length} bytes, of {source.size - 8} that follow")
        header = header_of(source.read(8, length))
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(each, str) for each in metadata.values()):
            raise ValueError("its metadata are no mapping of strings to strings")
        check_ranges(header, source.size - 8 - length)
        self.source, self.first, self.entries = source, 8 + length, header
        self.metadata: dict[str, str] = metadata

    @property
    def names(self) -> list[str]:
        """The names of the tensors, as the header has them."""
        return [*self.entries]

    def array(self, name: str) -> np.ndarray:
        """Return one tensor as an array that nothing else shares; ValueError if its dtype or size make no sense."""
        return as_array(name, self.entries[name], self.source, self.first)


def header_of(text: bytes) -> dict[str, Any]:
    """Return the header, an object of JSON."""
    if text[:1] != b"{":
        raise ValueError("its header is no JSON object")
    try:
        return json.loads(text.decode(), object_pairs_hook=distinct)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict of pairs; one of two equal keys would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key of its header occurs twice")
    return found


def check_ranges(header: dict[str, Any], size: int) -> None:
    """Refuse entries that are no tensors, and ranges of bytes that overlap, leave holes or go beyond the end."""
    reached = 0
    for name, entry in header.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"its entry {name!r} is no tensor's")
        if not whole(entry["data_offsets"]) or len(entry["data_offsets"]) != 2 or not isinstance(entry["dtype"], str):
            raise ValueError(f"its entry {name!r} is no tensor's")
        if not whole(entry["shape"]) or len(entry["shape"]) > MOST_DIMENSIONS:
            raise ValueError(f"its tensor {name!r} has a shape that no tensor has")
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, stop = entry["data_offsets"]
        if start != reached or stop < start:
            raise ValueError(f"its tensor {name!r} lies at {start} to {stop}, where {reached} is the next byte")
        reached = stop
    if reached != size:
        raise ValueError(f"its tensors have {reached} bytes, of {size} that follow its header")


def whole(numbers: Any) -> bool:
    """Return whether these are integers that are not negative, in a list."""
    return isinstance(numbers, list) and all(type(each) is int and each >= 0 for each in numbers)


def storage_of(name: str, entry: dict[str, Any]) -> np.dtype:
    """Return what stores the numbers of an entry."""
    if entry["dtype"] not in STORAGE:
        raise ValueError(
            f"its tensor {name!r} has the dtype {entry['dtype']}, which lineal does not have; convert it to one of "
            f"{', '.join(STORAGE)} first"
        )
    storage = dtypes.named(STORAGE[entry["dtype"]]).numpy
    start, stop = entry["data_offsets"]
    if math.prod(entry["shape"]) * storage.itemsize != stop - start:
        raise ValueError(f"its tensor {name!r} of shape {entry['shape']} and {entry['dtype']} has {stop - start} bytes")
    return storage


def as_array(name: str, entry: dict[str, Any], source: Source, first: int) -> np.ndarray:
    """Return one tensor, whose bytes count from `first` on, as an array that nothing else shares."""
    storage = storage_of(name, entry)
    flat = source.array(first + entry["data_offsets"][0], storage, math.prod(entry["shape"]))
    if storage.kind == "b" and (flat.view(np.uint8) > 1).any():
        raise ValueError(f"its tensor {name!r} has truth values that are neither 0 nor 1")
    if sys.byteorder != "little":
        flat.byteswap(inplace=True)
    return flat.reshape(entry["shape"])


def framed(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None) -> list[Any]:
    """Return the pieces of a file, one after another: header, and each array's own memory; TypeError for a foreign dtype."""
    words = {name: dtypes.of(array.dtype).file for name, array in arrays.items()}
    foreign = {name: arrays[name].dtype for name, word in words.items() if word is None}
    if foreign:
        raise TypeError(f"safetensors has no dtype for {foreign}")
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    pieces, reached = [], 0
    for name in sorted(arrays, key=lambda name: (-ORDER.index(words[name] or ""), name)):
        array = np.ascontiguousarray(arrays[name])
        header[name] = {"dtype": words[name], "shape": [*arrays[name].shape], "data_offsets": [reached, reached + array.nbytes]}
        reached += array.nbytes
        pieces.append((array if sys.byteorder == "little" else array.byteswap()).reshape(-1).view(np.uint8).data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *pieces]
