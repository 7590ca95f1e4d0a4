"""Reading the safetensors format: a length of 8 bytes, a header of JSON, and the tensors' bytes one after another.

The header says of each tensor its dtype, its shape and where its bytes begin and end; together they cover all that follows,
without holes. Source: https://huggingface.co/docs/safetensors. What does not fit is refused, for a file may come from anywhere.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import MOST_DIMENSIONS

__all__ = ["STORAGE", "parsed"]

LONGEST_HEADER = 100 << 20
"""The format's own bound, in bytes."""
STORAGE = {each.file: each.name for each in dtypes.ALL if each.file is not None}


def parsed(data: memoryview) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the metadata and the arrays, in memory of their own, in the bytes of a file; ValueError says what is wrong."""
    if len(data) < 8:
        raise ValueError(f"it has {len(data)} bytes")
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, LONGEST_HEADER):
        raise ValueError(f"its header should have {length} bytes, of {len(data) - 8} that follow")
    header = header_of(bytes(data[8 : 8 + length]))
    content = data[8 + length :]
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(each, str) for each in metadata.values()):
        raise ValueError("its metadata are no mapping of strings to strings")
    check_ranges(header, len(content))
    return metadata, {name: as_array(name, entry, content) for name, entry in header.items()}


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


def as_array(name: str, entry: dict[str, Any], content: memoryview) -> np.ndarray:
    """Return one tensor as an array that nothing else shares."""
    if entry["dtype"] not in STORAGE:
        raise ValueError(
            f"its tensor {name!r} has the dtype {entry['dtype']}, which lineal does not have; convert it to one of "
            f"{', '.join(STORAGE)} first"
        )
    storage = dtypes.named(STORAGE[entry["dtype"]]).numpy
    start, stop = entry["data_offsets"]
    if math.prod(entry["shape"]) * storage.itemsize != stop - start:
        raise ValueError(f"its tensor {name!r} of shape {entry['shape']} and {entry['dtype']} has {stop - start} bytes")
    if entry["dtype"] == "BOOL" and any(content[start:stop].tobytes().translate(None, b"\0\1")):
        raise ValueError(f"its tensor {name!r} has truth values that are neither 0 nor 1")
    array = np.ndarray(entry["shape"], storage, bytearray(content[start:stop]))
    return array if sys.byteorder == "little" else array.byteswap()
