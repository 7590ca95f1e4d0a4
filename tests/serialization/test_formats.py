"""Formats by name and by content, what users allow, byte orders, files that are mapped, folders of several files."""

import argparse
import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
import safetensors.numpy
from test_hostile_files import archive, tensor, written

import lineal
from lineal import nn, optim, serialization
from lineal.serialization.tensorfile import framed


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.bin", "a", "a.pth.tar"])
def test_all_but_safetensors_become_zip_files_whose_numbers_are_aligned(name, tmp_path):
    path = tmp_path / name
    x = lineal.arange(100.0)
    lineal.save({"x": x, "y": lineal.ones(3, dtype=lineal.uint8), "z": x[3:]}, path)
    with zipfile.ZipFile(path) as file, path.open("rb") as stream:
        assert file.testzip() is None and {each.compress_type for each in file.infolist()} == {zipfile.ZIP_STORED}
        for each in file.infolist():
            stream.seek(each.header_offset + 26)
            lengths = int.from_bytes(stream.read(2), "little") + int.from_bytes(stream.read(2), "little")
            assert (each.header_offset + 30 + lengths) % 64 == 0
        assert [each.filename.split("/", 1)[1] for each in file.infolist()][4:6] == ["data/0", "data/1"]
    with path.open("rb") as stream:
        assert lineal.load(stream)["z"][0].item() == 3.0


def test_safetensors_are_written_byte_for_byte_as_the_package_writes_them():
    kinds = "bool uint8 int8 int16 uint16 float16 int32 uint32 float32 complex64 float64 int64 uint64 bfloat16".split()
    arrays = {f"{name}é": lineal.ones(2, 1, dtype=getattr(lineal, name)).numpy() for name in kinds}
    arrays |= {"empty": np.ones((0, 3)), "one": np.array(2.0), "f8": lineal.ones(3).to(lineal.float8_e4m3fn).numpy()}
    # of several strings the package gives now one first and now another
    for metadata in (None, {"a": 'q"\n\x01\u4f60'}):
        assert b"".join(map(bytes, framed(arrays, metadata))) == safetensors.numpy.save(arrays, metadata)
    assert b"".join(map(bytes, framed({}, None))) == safetensors.numpy.save({})


def test_mapped_files_give_the_same_numbers_and_are_not_written_to(tmp_path):
    for name in ("a.pt", "a.safetensors"):
        lineal.save({"x": lineal.arange(1000.0), "b": lineal.tensor([True])}, tmp_path / name)
        before = (tmp_path / name).read_bytes()
        found = lineal.load(tmp_path / name, mmap=True)
        found["x"] += 1
        assert found["x"].sum().item() == 500500.0 and found["b"].tolist() == [True]
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(ValueError, match="file path"):
        lineal.load(io.BytesIO(before), mmap=True)


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_no_tensor_is_in_memory_twice_while_it_is_saved_or_loaded(name, tmp_path):
    x = lineal.zeros(1 << 20)
    lineal.load(saved({"x": x[:1].clone()}, tmp_path / name))
    tracemalloc.start()
    try:
        path = saved({"x": x}, tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        with path.open("rb") as stream:
            for given in (path, stream):
                lineal.load(given)
                assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()


def saved(value, path):
    """Save a value and return the path."""
    lineal.save(value, path)
    return path


def test_compressed_streams_are_read(tmp_path):
    stream = io.BytesIO()
    lineal.save([lineal.ones(3)], stream)
    (tmp_path / "a.gz").write_bytes(gzip.compress(stream.getvalue()))
    with gzip.open(tmp_path / "a.gz") as file:
        assert lineal.load(file)[0].tolist() == [1.0, 1.0, 1.0]


def test_numbers_of_the_other_byte_order_are_turned():
    swapped = np.arange(4, dtype=">f4").tobytes()
    assert lineal.load(io.BytesIO(archive(tensor(), order=b"big", _0=swapped))).tolist() == [0.0, 1.0, 2.0, 3.0]
    silent = archive(tensor(), order=b"", _0=swapped)
    assert lineal.load(io.BytesIO(silent)).tolist() == np.frombuffer(swapped, "<f4").tolist()
    serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    try:
        assert serialization.get_default_load_endianness() is serialization.LoadEndianness.BIG
        assert lineal.load(io.BytesIO(silent)).tolist() == [0.0, 1.0, 2.0, 3.0]
    finally:
        serialization.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="expected a LoadEndianness"):
        serialization.set_default_load_endianness("big")
    pairs = np.array([1 + 2j, -3j], ">c8").tobytes()
    code = tensor("torch.ComplexFloatStorage", count=2, size=(2,))
    assert lineal.load(io.BytesIO(archive(code, order=b"big", _0=pairs))).tolist() == [1 + 2j, -3j]


def test_what_users_allow_is_made_and_nothing_else():
    stream = io.BytesIO(archive(written("argparse.Namespace", b")\x81}", "rate", b"K\x03sb")))
    with pytest.raises(serialization.UnpicklingError, match=r"add_safe_globals\(\[argparse.Namespace\]\)"):
        lineal.load(stream)
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(stream.getvalue())) == ["argparse.Namespace"]
    with serialization.safe_globals([argparse.Namespace]):
        assert serialization.get_safe_globals() == [argparse.Namespace]
        assert lineal.load(io.BytesIO(stream.getvalue())) == argparse.Namespace(rate=3)
    assert serialization.get_safe_globals() == []
    given = argparse.Namespace(rate=0.1, x=lineal.ones(1))
    with serialization.safe_globals([argparse.Namespace]):
        lineal.save([given, given], again := io.BytesIO())
        again.seek(0)
        first, second = lineal.load(again)
    assert first is second and first.rate == 0.1 and first.x.tolist() == [1.0]
    serialization.add_safe_globals([(argparse.Namespace, "another.Name")])
    try:
        other = archive(written("another.Name", b")\x81"))
        assert lineal.load(io.BytesIO(other)) == argparse.Namespace()
    finally:
        serialization.clear_safe_globals()


def test_a_training_goes_on_from_its_file(tmp_path):
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = optim.Adam(model.parameters())
    model(lineal.randn(4, 3)).sum().backward()
    optimizer.step()
    lineal.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    found = lineal.load(tmp_path / "state.pt", weights_only=True)
    assert found["model"]._metadata == model.state_dict()._metadata
    twin = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    twin.load_state_dict(found["model"])
    fresh = optim.Adam(twin.parameters())
    fresh.load_state_dict(found["optimizer"])
    assert all(lineal.equal(a, b) for a, b in zip(twin.state_dict().values(), model.state_dict().values()))


def test_tensors_over_one_memory_of_two_dtypes_are_refused():
    x = lineal.ones(4)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        lineal.save([x, x.view(lineal.int32)], io.BytesIO())


# folders


def shards(folder, index):
    """Write two files and their index into a folder."""
    for name, tensors in (("model-1.safetensors", ["a", "b"]), ("model-2.safetensors", ["c"])):
        safetensors.numpy.save_file({each: np.full(2, ord(each)) for each in tensors}, folder / name, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


WHERE = {"c": "model-2.safetensors", "a": "model-1.safetensors", "b": "model-1.safetensors"}


def test_folders_of_several_files_are_read_by_their_index(tmp_path):
    shards(tmp_path, {"metadata": {"total_size": 48}, "weight_map": WHERE})
    for path in (tmp_path, tmp_path / "model.safetensors.index.json"):
        found = lineal.load(path)
        assert {name: x.tolist() for name, x in found.items()} == {each: [ord(each)] * 2 for each in "cab"}
        assert found.metadata == {"total_size": 48}
    os.remove(tmp_path / "model.safetensors.index.json")
    with pytest.raises(FileNotFoundError):
        lineal.load(tmp_path)
    os.rename(tmp_path / "model-2.safetensors", tmp_path / "model.safetensors")
    assert list(lineal.load(tmp_path)) == ["c"]


INDICES = {
    "a tensor that is missing": {"weight_map": {**WHERE, "d": "model-1.safetensors"}},
    "a file outside": {"weight_map": {"a": "../model-1.safetensors"}},
    "a file of the system": {"weight_map": {"a": "/etc/hostname"}},
    "the folder itself": {"weight_map": {"a": "."}},
    "a number": {"weight_map": {"a": 1}},
    "no map": {"metadata": {}},
    "a list": [],
    "lists in lists": {"weight_map": []},
}


@pytest.mark.parametrize("name", INDICES)
def test_an_index_that_makes_no_sense_is_refused(name, tmp_path):
    shards(tmp_path, INDICES[name])
    with pytest.raises(serialization.CheckpointError, match="index"):
        lineal.load(tmp_path)


# runs that are killed

SAVING = """
import sys, lineal
path, n = sys.argv[1], 0
while True:
    n += 1
    lineal.save({"n": n, "x": lineal.full((50_000,), float(n))}, path)
    print(n, flush=True) if n == 1 else None
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("name", ["state.pt", "state.safetensors"])
def test_a_file_is_whole_whenever_the_run_that_saves_it_is_killed(name, tmp_path):
    path, draw = tmp_path / name, random.Random(0)
    lineal.save({"n": 0, "x": lineal.zeros(50_000)}, path)
    seen = set()
    for _ in range(20):
        process = subprocess.Popen([sys.executable, "-c", SAVING, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        process.stdout.close()
        found = lineal.load(path)
        assert (found["x"] == found["n"]).all()
        seen.add(found["n"])
    assert len(seen) > 1
    lineal.save("last", path)
    assert os.listdir(tmp_path) == [name]
