"""Models that are spread over ranks, hooks of gradients, stores, and checkpoints of several ranks."""

from __future__ import annotations

import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from test_two_processes import alone, mpiexec, start

import lineal
from lineal import distributed as dist
from lineal.serialization import CheckpointError
from lineal.serialization import sharded as checkpoint

PROGRAM = Path(__file__).with_name("sharded.py")


def ran(folder: Path, size: int) -> None:
    """Run the program on so many ranks, and read here what they have written together."""
    processes = start(PROGRAM, folder, str(folder), "gloo", size=size)
    texts = [each.communicate(timeout=200)[0] for each in processes]
    assert [each.returncode for each in processes] == [0] * size, "\n".join(texts)
    assert not (folder / "store").exists(), "the last one takes the file of the store away"
    whole = lineal.load(folder / "whole0.pt")
    state = {"model": {name: lineal.zeros_like(x) for name, x in whole.items()}, "epoch": 0}
    checkpoint.load(state, checkpoint_id=folder / "checkpoint")
    assert state["epoch"] == 2 and all(lineal.equal(whole[name], x) for name, x in state["model"].items())
    with pytest.raises(CheckpointError, match=r"'model.0.weight' has the shape \[5, 3\], where \[3, 5\] is expected"):
        checkpoint.load({"model": {"0.weight": lineal.zeros(3, 5)}}, checkpoint_id=folder / "checkpoint")
    with pytest.raises(CheckpointError, match=r"there is no tensor 'model\.other'"):
        checkpoint.load({"model": {"other": lineal.zeros(3, 5)}}, checkpoint_id=folder / "checkpoint")
    assert len(list((folder / "checkpoint").iterdir())) == size + 2


def test_two_ranks(tmp_path):
    ran(tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4])
def test_other_numbers_of_ranks(size, tmp_path):
    ran(tmp_path, size)


@pytest.mark.slow
def test_two_ranks_of_mpi(tmp_path):
    command = mpiexec(PROGRAM, str(tmp_path), "mpi")
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=alone(tmp_path))
    assert done.returncode == 0, done.stderr


def test_a_checkpoint_of_one_process_is_written_and_read_without_a_group(tmp_path):
    state = {"a": lineal.arange(3.0), "b": {"c.d": lineal.ones(2, dtype=lineal.bfloat16), "n": [1, "x"]}}
    checkpoint.save(state, checkpoint_id=tmp_path)
    found = {"a": lineal.zeros(3), "b": {"c.d": lineal.zeros(2, dtype=lineal.bfloat16), "n": [0, ""]}}
    checkpoint.load(found, checkpoint_id=tmp_path)
    assert found["a"].tolist() == [0.0, 1.0, 2.0] and found["b"]["c.d"].tolist() == [1.0, 1.0] and found["b"]["n"] == [1, "x"]
    with pytest.raises(CheckpointError, match="no index"):
        checkpoint.load(found, checkpoint_id=tmp_path / "elsewhere")
    (tmp_path / ".metadata.json").write_text("[]")
    with pytest.raises(CheckpointError, match="is no index of"):
        checkpoint.load(found, checkpoint_id=tmp_path)


STORES = {
    "hash": lambda folder: dist.HashStore(),
    "file": lambda folder: dist.FileStore(folder / "store", 1),
    "tcp": lambda folder: dist.TCPStore("localhost", 0, 1, True),
    "prefix": lambda folder: dist.PrefixStore("p", dist.HashStore()),
}


@pytest.mark.parametrize("name", STORES)
def test_a_store(name, tmp_path):
    store = STORES[name](tmp_path)
    own = store.num_keys()
    store.set("a", "x")
    assert (store.get("a"), store.add("n", 3), store.add("n", -1), store.get("n")) == (b"x", 3, 2, b"2")
    assert [store.compare_set("k", *pair) for pair in (("", "v"), ("w", "u"), ("v", "u"))] == [b"v", b"v", b"u"]
    assert store.compare_set("q", "e", "u") == b"e" and not store.check(["q"])
    assert store.check(["a", "n"]) and not store.check(["a", "zz"]) and store.num_keys() == own + 3
    assert store.delete_key("a") and not store.delete_key("a") and store.num_keys() == own + 2
    store.append("ap", b"\0b")
    store.append("ap", "c")
    store.multi_set(["m", "empty"], ["1", ""])
    assert store.multi_get(["ap", "m", "empty"]) == [b"\0bc", b"1", b""]
    with pytest.raises(ValueError, match=r"the value of '.*ap' is no number"):
        store.add("ap", 1)
    with pytest.raises(dist.DistStoreError, match="keys: nope"):
        store.wait(["m", "nope"], timedelta(seconds=0.01))
    store.set_timeout(timedelta(seconds=30))
    late = threading.Timer(0.05, store.set, ("late", "here"))
    late.start()
    assert store.get("late") == b"here"
    late.join()


def test_a_file_of_a_store_is_seen_by_others(tmp_path):
    one, other = dist.FileStore(tmp_path / "store", 2), dist.FileStore(tmp_path / "store", 2)
    one.set("a", "1")
    assert other.get("a") == b"1" and other.delete_key("a") and not one.check(["a"])
    threads = [threading.Thread(target=lambda each=each: [each.add("n", 1) for _ in range(50)]) for each in (one, other)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert one.add("n", 0) == other.add("n", 0) == 100
    one.close()
    assert (tmp_path / "store").exists()
    other.close()
    assert not (tmp_path / "store").exists()


def test_where_nobody_listens_a_store_says_so():
    master = dist.TCPStore("localhost", 0, is_master=True)
    with pytest.raises(dist.DistNetworkError, match="cannot listen"):
        dist.TCPStore("localhost", master.port, is_master=True)
    with pytest.raises(dist.DistStoreError, match="1 of 2 processes have joined"):
        dist.TCPStore("localhost", master.port, 2, timeout=timedelta(seconds=0.02))
    master.close()
    with pytest.raises(dist.DistNetworkError, match="nobody listens"):
        dist.TCPStore("localhost", master.port, timeout=timedelta(seconds=0.02))
