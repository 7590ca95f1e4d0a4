"""Files of events: records with their checksums, and the fields that TensorBoard reads."""

import struct
import zlib

import pytest

import lineal
from lineal.utils.tensorboard import SummaryWriter
from lineal.utils.tensorboard.records import field, masked_checksum


def records(path):
    """Return the data of the records of a file, whose checksums must be right."""
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + length]
        assert data[8:12] == masked_checksum(data[:8]) and data[12 + length : 16 + length] == masked_checksum(body)
        found.append(body)
        data = data[16 + length :]
    return found


def test_a_checksum_is_that_of_the_standard():
    # RFC 3720, B.4: 32 bytes of zeros have the CRC-32C 8a9136aa
    crc = 0x8A9136AA
    assert masked_checksum(bytes(32)) == struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def test_fields_are_those_of_protocol_buffers():
    assert field(1, 150) == b"\x08\x96\x01" and field(2, "testing") == b"\x12\x07testing"
    assert field(3, field(1, 150)) == b"\x1a\x03\x08\x96\x01" and field(1, -1) == b"\x08" + b"\xff" * 9 + b"\x01"
    assert field(2, 1.0, "<f") == b"\x15\x00\x00\x80\x3f" and field(1, 1.0) == b"\x09" + struct.pack("<d", 1.0)


def test_a_run_is_written(tmp_path):
    with SummaryWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", lineal.tensor(0.5), 3, walltime=1.0)
        writer.add_text("note", "*words*", 4)
        writer.add_histogram("weights", lineal.linspace(-1, 1, 100), 5)
        writer.add_image("picture", lineal.rand(3, 2, 4), 6)
        writer.add_scalars("both", {"train": 1.0, "test": 2}, 7)
    (path,) = (tmp_path / "run").glob("events*")
    first, loss, text, histogram, image = records(path)
    assert b"brain.Event:2" in first
    assert loss == field(1, 1.0) + field(2, 3) + field(5, field(1, field(1, "loss") + field(2, 0.5, "<f")))
    assert b"note/text_summary" in text and b"*words*" in text and b"weights" in histogram
    start = image.index(b"\x89PNG")
    assert struct.unpack(">II", image[start + 16 : start + 24]) == (4, 2)
    assert struct.unpack(">I", image[start + 29 : start + 33])[0] == zlib.crc32(image[start + 12 : start + 29])
    assert sorted(each.name for each in (tmp_path / "run").iterdir() if each.is_dir()) == ["both_test", "both_train"]


def test_a_run_that_goes_on_says_from_which_step(tmp_path):
    SummaryWriter(tmp_path, purge_step=7).close()
    (path,) = tmp_path.glob("events*")
    _, version, start = records(path)
    assert version.endswith(field(2, 7) + field(3, "brain.Event:2"))
    assert start.endswith(field(2, 7) + field(7, field(1, 1)))


def test_what_cannot_be_written_is_refused(tmp_path):
    writer = SummaryWriter(tmp_path)
    assert writer.get_logdir() == str(tmp_path)
    for wrong in (
        lambda: writer.add_scalar("a", [1, 2]),
        lambda: writer.add_histogram("a", []),
        lambda: writer.add_histogram("a", [float("nan")]),
        lambda: writer.add_image("a", lineal.ones(2, 2)),
        lambda: writer.add_image("a", lineal.ones(5, 2, 2)),
    ):
        with pytest.raises(ValueError, match="add_"):
            wrong()
    with pytest.raises(lineal.UnsupportedError, match="scalars, texts"):
        writer.add_graph(None)
    writer.close()
