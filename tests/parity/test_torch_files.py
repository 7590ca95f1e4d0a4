"""Files of PyTorch's: what `torch.save` writes is read, in all its formats, and `torch.load` reads what lineal writes."""

import argparse
import inspect
import io
import zipfile
from collections import Counter, OrderedDict

import pytest

import lineal
from lineal import serialization

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity
DTYPES = """
bool uint8 int8 int16 uint16 int32 uint32 int64 uint64 float16 bfloat16 float32 float64 complex64 complex128
float8_e4m3fn float8_e5m2
""".split()
NEWER = ("uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2")
"""What PyTorch writes in its old format and cannot read back."""
FORMATS = {"zip": {}, "stream": {"_use_new_zipfile_serialization": False}}
PLAIN = (int, float, complex, str, bytes, bytearray, bool, set, type(None))


def form(value):
    """Return what a value is, in words that both libraries have in common."""
    if isinstance(value, (torch.Tensor, lineal.Tensor)):
        kind = "Parameter" if isinstance(value, (torch.nn.Parameter, lineal.nn.Parameter)) else "Tensor"
        layout = (tuple(value.shape), tuple(value.stride()), value.storage_offset(), value.requires_grad)
        return kind, str(value.dtype), layout, numbers_of(value)
    if isinstance(value, dict):
        state = form(dict(vars(value))) if isinstance(value, OrderedDict) else None
        return type(value).__name__, [(form(key), form(each)) for key, each in value.items()], state
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [form(each) for each in value]
    return (type(value).__name__, value) if isinstance(value, PLAIN) else str(value)


def numbers_of(value):
    """Return the bytes of a tensor's elements."""
    if isinstance(value, lineal.Tensor):
        return value.detach().contiguous().numpy().tobytes()
    flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def trained():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), "epoch": 3}


def tensors():
    x = torch.arange(12.0)
    return {
        "views": [x, x[2:8], x.view(3, 4).t(), x[:1].expand(5), x.view(3, 4)[:, 1], torch.zeros(0, 3), torch.tensor(2.0)],
        "leaves": [
            torch.nn.Parameter(torch.ones(2)),
            torch.nn.Parameter(torch.ones(2), False),
            torch.ones(2, requires_grad=True),
        ],
        "images": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }


def values():
    one = (1, (2, (3,)))
    mixed = {1: 2, 1.5: 3, None: 4, (1, "a"): 5, torch.int8: 6}
    whole = [0, 255, 256, -1, 2**31, -(2**31), 10**40, -(10**40), True, None, 1.5, float("inf"), -0.0, 1 - 2j]
    text = ["ü\ud800\U0001f600", "", b"\x00\xff", bytearray(b"\xff1"), {1, "a"}, Counter("aab"), OrderedDict(b=1, a=2)]
    return [one, one, mixed, whole, text, torch.Size([2, 3]), torch.device("cuda:1"), torch.float16, torch.strided, [], {}, ()]


VALUES = {
    "a training state": trained,
    "tensors": tensors,
    "values": values,
    "every dtype": lambda: {name: torch.tensor([0, 1, 1]).to(getattr(torch, name)) for name in DTYPES},
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", VALUES)
def test_what_pytorch_saves_is_read_and_what_lineal_saves_is_read_by_pytorch(name, kind):
    value, stream, again = VALUES[name](), io.BytesIO(), io.BytesIO()
    if kind == "stream" and name == "every dtype":
        value = {key: each for key, each in value.items() if key not in NEWER}
    torch.save(value, stream, **FORMATS[kind])
    stream.seek(0)
    found = lineal.load(stream)
    assert form(found) == form(value)
    lineal.save(found, again)
    assert zipfile.ZipFile(again).testzip() is None
    again.seek(0)
    assert form(torch.load(again, weights_only=True)) == form(value)


@pytest.mark.parametrize("mapped", [False, True])
def test_tensors_that_share_memory_go_on_sharing_it(mapped, tmp_path):
    path = tmp_path / "model.pt"
    torch.save(tensors(), path)
    found = lineal.load(path, mmap=mapped)["views"]
    found[0].add_(100)
    assert found[1].tolist() == [float(each) for each in range(102, 108)] and found[2][1, 2].item() == 109.0
    lineal.save(found, tmp_path / "again.pth")
    back = torch.load(tmp_path / "again.pth", mmap=True)
    back[0].zero_()
    assert not back[1].any() and torch.load(tmp_path / "again.pth")[0][0] == 100
    assert zipfile.ZipFile(tmp_path / "again.pth").namelist()[0] == "again/data.pkl"


def test_conjugates_are_resolved():
    stream = io.BytesIO()
    z = torch.tensor([1 + 2j, 3])
    torch.save([z.conj(), z.clone().conj().imag], stream)
    stream.seek(0)
    assert [each.tolist() for each in lineal.load(stream)] == [[1 - 2j, 3 + 0j], [-2.0, -0.0]]


def test_places_of_tensors_are_chosen_as_in_pytorch():
    stream = io.BytesIO()
    torch.save(torch.ones(2), stream)
    seen = []
    for place in (
        "cpu",
        lineal.device("cpu"),
        {"cuda:0": "cpu"},
        lambda storage, where: seen.append(where),
        lambda storage, _: storage,
        lambda storage, _: serialization.default_restore_location(storage, "cpu"),
    ):
        stream.seek(0)
        assert lineal.load(stream, map_location=place).tolist() == [1.0, 1.0]
    assert seen == ["cpu"]
    for place in ("cuda", {"cpu": "cuda:0"}):
        stream.seek(0)
        with pytest.raises(RuntimeError, match="map_location='cpu'"):
            lineal.load(stream, map_location=place)


def test_a_whole_module_is_refused_whatever_is_asked_for(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "whole.pt")
    for wanted in (None, True, False):
        with pytest.raises(serialization.UnpicklingError, match=r"GLOBAL torch\.nn\.modules\.linear\.Linear"):
            lineal.load(tmp_path / "whole.pt", weights_only=wanted)
    assert serialization.get_unsafe_globals_in_checkpoint(tmp_path / "whole.pt") == ["torch.nn.modules.linear.Linear"]


FUNCTIONS = ["load", "save", "add_safe_globals", "get_unsafe_globals_in_checkpoint", "default_restore_location"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_parameters_of_pytorchs(name):
    own, wanted = (inspect.signature(getattr(each, name)).parameters for each in (serialization, torch.serialization))
    assert [*own] == [*wanted] and [each.kind for each in own.values()] == [each.kind for each in wanted.values()]


def test_objects_of_trusted_classes_are_read_by_pytorch():
    stream = io.BytesIO()
    with serialization.safe_globals([argparse.Namespace]):
        lineal.save({"options": argparse.Namespace(rate=0.1, x=lineal.ones(2))}, stream)
    stream.seek(0)
    with torch.serialization.safe_globals([argparse.Namespace]):
        found = torch.load(stream, weights_only=True)["options"]
    assert found.rate == 0.1 and found.x.tolist() == [1.0, 1.0]
