"""save and load: what comes back, what is refused, what survives an accident."""

import io
import math
import os
import stat
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.numpy

import lineal
from lineal import data, nn, optim

INTEGERS = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
DTYPES = (*INTEGERS, "float16", "bfloat16", "float32", "float64", "complex64", "complex128")


only_safetensors = pytest.mark.parametrize("path", ["state.safetensors"], indirect=True)


def round_trip(value, path):
    data.save(value, path)
    return data.load(path)


@pytest.fixture(params=["state.safetensors", "state.pt"])
def path(tmp_path, request):
    return tmp_path / request.param


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_and_shape(path, name):
    dtype = getattr(lineal, name)
    numbers = lineal.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)
    if dtype.is_complex:
        numbers = numbers * lineal.tensor(0.5 - 2j, dtype=dtype)
    given = {"plain": numbers, "turned": numbers.t(), "row": numbers[1], "one": numbers[0, 1], "none": numbers[:0]}
    found = round_trip(given, path)
    for key, tensor in given.items():
        assert found[key].dtype == dtype
        assert found[key].shape == tensor.shape
        assert lineal.equal(found[key], tensor)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -(10**30),
        0.1,
        -0.0,
        math.inf,
        1 - 2j,
        "text\n\u4f60\udc80",
        b"\x00\xff",
        [],
        (),
        {},
        {1: "int", "1": "str", None: 0, 2.5: 1, False: 2, (1, "a"): 3},
        [1, (2, [3, {"a": (4,)}])],
        {"tensor": 1},
        {"dict": []},
        OrderedDict([("b", 1), ("a", 2)]),
        lineal.Size([2, 3]),
        lineal.float32,
        lineal.device("cpu"),
    ],
    ids=repr,
)
def test_plain_values_come_back_as_they_were(path, value):
    found = round_trip(value, path)
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_numbers_of_numpy_become_those_of_python(path):
    found = round_trip([np.float32(0.5), np.int16(-3), np.bool_(True), np.complex64(1j), np.float64(2.5)], path)
    assert found == [0.5, -3, True, 1j, 2.5] and [type(each) for each in found] == [float, int, bool, complex, float]


def test_not_a_number(path):
    assert math.isnan(round_trip([math.nan], path)[0])


@only_safetensors
def test_shared_tensors_stay_shared_and_are_stored_once(path):
    shared = lineal.ones(1000)
    found = round_trip({"a": shared, "b": [shared]}, path)
    assert found["a"] is found["b"][0]
    assert len(safetensors.numpy.load_file(path)) == 1


def test_names_that_collide(path):
    given = {"a.b": lineal.ones(1), "a": {"b": lineal.zeros(1)}, "__metadata__": lineal.full((1,), 7.0), 1: lineal.ones(2)}
    given["1"] = lineal.zeros(2)
    found = round_trip(given, path)
    assert found["a.b"].item() == 1.0
    assert found["a"]["b"].item() == 0.0
    assert found["__metadata__"].item() == 7.0
    assert found[1].tolist() == [1.0, 1.0]
    assert found["1"].tolist() == [0.0, 0.0]


def test_parameters_and_leaves_keep_their_nature(path):
    given = {"p": nn.Parameter(lineal.ones(1)), "leaf": lineal.ones(1, requires_grad=True)}
    given["computed"] = given["leaf"] * 2
    given["frozen"] = nn.Parameter(lineal.ones(1), requires_grad=False)
    found = round_trip(given, path)
    assert isinstance(found["p"], nn.Parameter)
    assert found["p"].requires_grad
    assert isinstance(found["frozen"], nn.Parameter)
    assert not found["frozen"].requires_grad
    assert found["leaf"].requires_grad
    assert not isinstance(found["leaf"], nn.Parameter)
    assert found["computed"].is_leaf


def test_loaded_tensors_can_be_written(path):
    found = round_trip(lineal.ones(2), path)
    found.add_(1)
    assert found.tolist() == [2.0, 2.0]


def test_a_training_state(path):
    lineal.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters())
    model(lineal.ones(1, 3)).sum().backward()
    optimizer.step()
    found = round_trip({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": lineal.get_rng_state()}, path)
    draws = lineal.rand(3)
    lineal.set_rng_state(found["rng"])
    assert lineal.equal(lineal.rand(3), draws)
    twin = nn.Linear(3, 2)
    twin.load_state_dict(found["model"])
    fresh = optim.Adam(twin.parameters())
    fresh.load_state_dict(found["optimizer"])
    assert lineal.equal(twin.weight, model.weight)
    assert fresh.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
    assert lineal.equal(fresh.state[twin.weight]["exp_avg"], optimizer.state[model.weight]["exp_avg"])


@only_safetensors
def test_other_readers_see_the_tensors_by_path(path):
    data.save({"model": {"weight": lineal.arange(3.0)}, "list": [lineal.ones(1)]}, path)
    found = safetensors.numpy.load_file(path)
    np.testing.assert_array_equal(found["model.weight"], [0.0, 1.0, 2.0])
    assert sorted(found) == ["list.0", "model.weight"]


def test_streams():
    stream = io.BytesIO()
    data.save([lineal.ones(2)], stream)
    stream.seek(0)
    assert data.load(stream)[0].tolist() == [1.0, 1.0]


def test_arguments_of_pytorch_are_accepted(path):
    data.save(lineal.ones(1), str(path))
    for options in ({"map_location": "cpu"}, {"weights_only": True}, {"weights_only": False, "map_location": None}):
        assert data.load(path, **options).item() == 1.0


class Custom:
    def __reduce__(self):
        return Custom, ()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": [1, frozenset({2})]}, TypeError, r"got frozenset at obj\['a'\]\[1\]"),
        ([Custom()], TypeError, r"got Custom at obj\[0\]"),
        (lambda: 0, TypeError, "got function at obj"),
        ({"x": np.array([None])}, TypeError, r"got ndarray at obj\['x'\]"),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_place(path, value, error, message):
    data.save("before", path)
    with pytest.raises(error, match=message):
        data.save(value, path)
    assert data.load(path) == "before"


def test_nests_without_an_end_are_refused(path):
    loop = {"a": []}
    loop["a"].append(loop)
    with pytest.raises(ValueError, match=r"obj\['a'\]\[0\] contains itself"):
        data.save(loop, path)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        data.save(deep, path)
    while deep:
        deep = deep.pop()
    assert not path.exists()


def test_the_same_list_twice_is_no_loop(path):
    inner = [1]
    assert round_trip([inner, inner], path) == [[1], [1]]


@pytest.mark.parametrize("keep", [0, 4, 7, 8, 20, 100, -1, -9])
def test_truncated_files_are_refused(path, keep):
    data.save({"a": lineal.arange(4.0), "b": "text"}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(data.CheckpointError, match=r"state\.(safetensors|pt)"):
        data.load(path)


@only_safetensors
def test_any_changed_byte_of_the_header_gives_an_error_or_a_value(path):
    data.save({"a": lineal.arange(4.0), "b": [1, (2.5, None)]}, path)
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    refused = 0
    for place in range(header):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])
        try:
            data.load(path)
        except data.CheckpointError as error:
            refused += 1
            assert "state.safetensors" in str(error)
    assert refused > header / 2


@pytest.mark.parametrize("content", [b"", b"hello world, no tensors here", b"PK\x03\x04" + b"\0" * 50, b"\xff" * 64])
def test_foreign_files_are_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(data.CheckpointError, match=r"state\.(safetensors|pt)"):
        data.load(path)


def test_a_missing_file_is_a_missing_file(path):
    with pytest.raises(FileNotFoundError):
        data.load(path)


def test_a_failed_write_leaves_the_old_file_and_no_rest(path, monkeypatch):
    data.save("before", path)

    def fail(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        data.save("after", path)
    monkeypatch.undo()
    assert data.load(path) == "before"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="access rights and links as on POSIX")
def test_access_rights_and_links_are_kept(path):
    data.save(1, path)
    path.chmod(0o640)
    link = path.with_name("link")
    link.symlink_to(path)
    data.save(2, link)
    assert link.is_symlink()
    assert data.load(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("place", [3, None, [], 1.5], ids=repr)
def test_what_is_no_place_is_refused(place):
    with pytest.raises(AttributeError, match="save: expected a path or a binary stream, got "):
        data.save(1, place)
    with pytest.raises(AttributeError, match="load: expected a path or a binary stream, got "):
        data.load(place)


def test_folders_are_no_files(tmp_path):
    with pytest.raises(OSError):
        data.save(1, tmp_path)
    with pytest.raises(OSError):
        data.save(1, tmp_path / "missing" / "state")
    assert list(tmp_path.iterdir()) == []


@only_safetensors
@pytest.mark.parametrize("where", [-1, -40, 60, 90])
def test_one_changed_bit_is_noticed(path, where):
    data.save({"weights": lineal.arange(20.0), "epoch": 3}, path)
    damaged = bytearray(path.read_bytes())
    damaged[where] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(data.CheckpointError, match=r"damaged|not written by"):
        data.load(path)


@only_safetensors
def test_a_model_as_a_whole_is_refused_in_safetensors_with_advice(path):
    with pytest.raises(TypeError, match=r"got Linear at obj\['net'\]; save its state_dict\(\) instead"):
        data.save({"net": nn.Linear(1, 1)}, path)
