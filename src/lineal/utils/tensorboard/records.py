"""The bytes of event files: messages of protocol buffers, and records with their checksums.

Formats: https://protobuf.dev/programming-guides/encoding (fields), TensorFlow's `tfrecord` (records), RFC 3720 (CRC-32C).
"""

from __future__ import annotations

import functools
import struct

__all__ = ["field", "record"]

POLYNOMIAL = 0x82F63B78
"""That of CRC-32C, its bits in reverse order."""
MASK_DELTA = 0xA282EAD8
"""What is added to a checksum, since checksums of data that holds checksums are poor."""
FLOATS = "<f"


@functools.cache
def table() -> tuple[int, ...]:
    """Return the checksums of all single bytes."""
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return tuple(found)


def masked_checksum(data: bytes) -> bytes:
    """Return the CRC-32C of some bytes, masked."""
    known, crc = table(), 0xFFFFFFFF
    for byte in data:
        crc = known[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """Return a record: its length and its data, each with a checksum."""
    length = struct.pack("<Q", len(data))
    return length + masked_checksum(length) + data + masked_checksum(data)


def varint(number: int) -> bytes:
    """Return a whole number, seven bits to a byte; a negative one as it stands in 64 bits."""
    number &= 0xFFFFFFFFFFFFFFFF
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, value: bytes | str | int | float, form: str = "<d") -> bytes:
    """Return a field of a message: text and inner messages with their length, whole numbers, floats by their struct format."""
    if isinstance(value, float):
        return varint(number << 3 | (1 if form == "<d" else 5)) + struct.pack(form, value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data
