"""The curves of runs, read from the files that runs write: lines of JSON, tables, events for TensorBoard."""

from __future__ import annotations

import csv
import json
import math
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal.utils.tensorboard.records import masked_checksum

__all__ = ["Curves", "curves", "runs"]

Curves = dict[str, list[tuple[int, float | None]]]
"""By name the points of each curve, (step, value) in order; a value that is not finite is None."""
HEAD, TAIL = 12, 4
"""How many bytes stand before and after the data of a record."""


def runs(path: str | Path) -> dict[str, Curves]:
    """Return the curves of the run at a path or, where a folder has none itself, of the runs in the folders below it, by name.

    ValueError if there are none, FileNotFoundError if there is no such path.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(2, "No such file or folder", str(path))
    places = [path] if logs(path) or not path.is_dir() else sorted(each for each in path.iterdir() if each.is_dir())
    found = {str(each): curves(each) for each in places if logs(each)}
    if not found:
        raise ValueError(
            f"{path}: there is no run, that is no file that ends in .jsonl or .csv or is named events.out.tfevents…"
        )
    return found


def logs(path: Path) -> list[Path]:
    """Return the files of a run, those of one kind: the richest that there is."""
    if path.is_file():
        return [path] if path.suffix in (".jsonl", ".csv") or "tfevents" in path.name else []
    for pattern in ("*.jsonl", "*tfevents*", "events/*tfevents*", "*.csv"):
        if found := sorted(path.glob(pattern)):
            return found
    return []


def curves(path: Path) -> Curves:
    """Return the curves of a run, whose files are read one after the other."""
    found: Curves = {}
    for file in logs(path):
        points = events(file) if "tfevents" in file.name else lines(file) if file.suffix == ".jsonl" else rows(file)
        for name, step, value in points:
            if name is None:
                # the run went on from here, after it had been stopped later than this
                found = {key: [each for each in curve if each[0] < step] for key, curve in found.items()}
            else:
                found.setdefault(name, []).append((step, value if value is not None and math.isfinite(value) else None))
    return found


Points = Iterable[tuple[str | None, int, float | None]]
"""Name, step and value of each point; no name says that the run went on from a step."""


def lines(file: Path) -> Points:
    """Yield the points of a file of `JSONLog`; a last line without an end was being written."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            return
        try:
            entry = json.loads(line)
            step, kind = int(entry.pop("step")), "step" if entry.pop("epoch", None) is None else "epoch"
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{file}:{number}: expected an object with a step, got {line.strip()[:60]!r}") from None
        yield from ((f"{kind}/{name}", step, value) for name, value in entry.items() if is_number(value))


def is_number(value: object) -> bool:
    """Return whether a value of JSON is a number, or null, which stands for one that is not finite."""
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def rows(file: Path) -> Points:
    """Yield the points of a file of `CSVLog`, which count epochs."""
    with file.open(encoding="utf-8", newline="") as text:
        table = csv.DictReader(text)
        if "epoch" not in (table.fieldnames or ()):
            raise ValueError(f"{file}: expected a column named epoch, got {table.fieldnames}")
        for row in table:
            epoch = int(row.pop("epoch"))
            yield from ((f"{name} by epoch", epoch, float(text)) for name, text in row.items() if text)


def events(file: Path) -> Points:
    """Yield the scalars of a file of events, the kind that `SummaryWriter` writes; a last record without an end is left out."""
    for data in records(file):
        step, fields = 0, list(message(data))
        for number, value in fields:
            if number == 2 and isinstance(value, int):
                step = value
        if any(number == 7 for number, _ in fields):
            yield None, step, None
        for summary in (value for number, value in fields if number == 5 and isinstance(value, bytes)):
            for _, one in message(summary):
                known = dict(message(one)) if isinstance(one, bytes) else {}
                if isinstance(known.get(1), bytes) and isinstance(known.get(2), float):
                    yield known[1].decode(), step, known[2]  # type: ignore[union-attr]


def records(file: Path) -> Iterator[bytes]:
    """Yield the data of the records of a file; ValueError where a checksum is another."""
    data, place = memoryview(file.read_bytes()), 0
    while place + HEAD <= len(data):
        (length,) = struct.unpack("<Q", data[place : place + 8])
        end = place + HEAD + length
        if bytes(data[place + 8 : place + HEAD]) != masked_checksum(bytes(data[place : place + 8])):
            raise ValueError(f"{file}: the record at byte {place} is damaged")
        if end + TAIL > len(data):
            return
        body = bytes(data[place + HEAD : end])
        if bytes(data[end : end + TAIL]) != masked_checksum(body):
            raise ValueError(f"{file}: the record at byte {place} is damaged")
        yield body
        place = end + TAIL


def message(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yield number and value of the fields of a protocol buffer's message."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        value: int | float | bytes
        if key & 7 == 0:
            value, place = varint(data, place)
            value -= (value >> 63) << 64
        elif key & 7 == 2:
            length, place = varint(data, place)
            value, place = data[place : place + length], place + length
        else:
            form, size = ("<d", 8) if key & 7 == 1 else ("<f", 4)
            value, place = struct.unpack_from(form, data, place)[0], place + size
        yield key >> 3, value


def varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the whole number at a place, and the place behind it."""
    found = shift = 0
    while data[place] & 0x80:
        found |= (data[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return found | data[place] << shift, place + 1
