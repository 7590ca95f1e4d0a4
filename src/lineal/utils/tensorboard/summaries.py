"""What an event shows: one value of a summary, as TensorBoard's `summary.proto` numbers its fields."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from lineal.core import AbstractTensor
from lineal.utils.tensorboard.records import FLOATS, field

__all__ = ["histogram", "image", "scalar", "text"]

EDGES = np.concatenate([-(1.1 ** np.arange(775, -1, -1)) * 1e-12, [0.0], 1.1 ** np.arange(776) * 1e-12])
"""Limits of buckets, each a tenth wider than the one before it, from 1e-12 on to both sides."""
STRINGS = 7
"""The number of the dtype of strings."""


def array(values: Any) -> np.ndarray:
    """Return the numbers of a tensor, an array or a number."""
    return values.detach().cpu().numpy() if isinstance(values, AbstractTensor) else np.asarray(values)  # type: ignore[attr-defined]


def scalar(tag: str, value: Any) -> bytes:
    """Return the summary of one number, kept in float32; ValueError for more than one."""
    numbers = array(value)
    if numbers.size != 1:
        raise ValueError(f"add_scalar: expected one number for {tag!r}, got shape {list(numbers.shape)}")
    return field(1, field(1, tag) + field(2, float(numbers.reshape(())), FLOATS))


def text(tag: str, words: str) -> bytes:
    """Return the summary of a text."""
    strings = field(1, STRINGS) + field(2, field(2, field(1, 1))) + field(8, words)
    return field(1, field(1, f"{tag}/text_summary") + field(8, strings) + field(9, field(1, field(1, "text"))))


def histogram(tag: str, values: Any, bins: Any) -> bytes:
    """Return the summary of how numbers are distributed; ValueError if there are none, or some are not finite."""
    numbers = array(values).astype(np.float64).reshape(-1)
    if not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(
            f"add_histogram: expected finite numbers for {tag!r}, got {numbers.size} of which some are not, or none"
        )
    counts, edges = np.histogram(numbers, EDGES if isinstance(bins, str) and bins == "tensorflow" else bins)
    filled = np.flatnonzero(counts)
    kept = slice(filled[0], filled[-1] + 1) if filled.size else slice(0, 1)
    parts = numbers.min(), numbers.max(), float(numbers.size), numbers.sum(), numbers @ numbers
    found = b"".join(field(n, float(each)) for n, each in enumerate(parts, 1))
    found += field(6, edges[1:][kept].astype("<f8").tobytes()) + field(7, counts[kept].astype("<f8").tobytes())
    return field(1, field(1, tag) + field(5, found))


def image(tag: str, pixels: Any, dataformats: str) -> bytes:
    """Return the summary of an image, whose axes `dataformats` names: "CHW", "HWC" or "HW"; floats are from 0 to 1."""
    numbers = array(pixels)
    if sorted(dataformats) not in (sorted("CHW"), sorted("HW")) or len(dataformats) != numbers.ndim:
        raise ValueError(f"add_image: {dataformats!r} does not name the axes of shape {list(numbers.shape)}")
    numbers = numbers[None] if numbers.ndim == 2 else numbers
    named = dataformats if "C" in dataformats else f"C{dataformats}"
    numbers = numbers.transpose([named.index(axis) for axis in "HWC"])
    scaled = numbers if numbers.dtype == np.uint8 else (np.clip(numbers, 0, 1) * 255).astype(np.uint8)
    height, width, channels = scaled.shape
    shown = field(1, height) + field(2, width) + field(3, channels) + field(4, png(scaled))
    return field(1, field(1, tag) + field(4, shown))


def png(pixels: np.ndarray) -> bytes:
    """Return an image as a PNG file: https://www.w3.org/TR/png."""
    height, width, channels = pixels.shape
    kinds = {1: 0, 2: 4, 3: 2, 4: 6}
    if channels not in kinds:
        raise ValueError(f"add_image: expected 1 to 4 channels, got {channels}")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    parts = {b"IHDR": struct.pack(">IIBBBBB", width, height, 8, kinds[channels], 0, 0, 0)}
    parts |= {b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
