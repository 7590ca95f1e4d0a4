"""Files that were made to do harm: each is refused with an error, in little memory, and nothing of it runs."""

import contextlib
import io
import pickle
import random
import struct
import tracemalloc

import pytest

import lineal
from lineal import serialization
from lineal.serialization.archives import archived
from lineal.serialization.pickling import Instructions, pickled
from lineal.serialization.tensorfile import framed

ROOM = 4 << 20
"""How much memory a refusal may take; the files have a few hundred bytes, the largest 200 kB."""


def archive(code, order=b"little", extra=(), **data):
    """Return a zip file of PyTorch's with this pickle and these storages."""
    records = [
        ("data.pkl", code),
        *([("byteorder", order)] if order else []),
        *((f"data/{key[1:]}", each) for key, each in data.items()),
    ]
    return b"".join(map(bytes, archived([(f"archive/{name}", each) for name, each in (*records, ("version", b"3\n"), *extra)])))


def written(*steps):
    """Return a pickle: names are bytes with a dot, tuples numbers, anything else code as it stands."""
    out = Instructions()
    for each in steps:
        if isinstance(each, tuple):
            out.wholes(each)
        elif isinstance(each, str):
            out.name(each) if "." in each and " " not in each else out.text(each)
        elif isinstance(each, int):
            out.whole(each)
        else:
            out.code += each
    return bytes(out.code + pickle.STOP)


def tensor(kind="torch.FloatStorage", key="0", count=4, offset=0, size=(4,), stride=(1,), name="tensor_v2", tag="storage"):
    """Return the pickle of a tensor over a storage."""
    named = (b"((", tag, kind, key, "cpu", count, b"tQ")
    return written(f"torch._utils._rebuild_{name}", *named, offset, size, stride, b"\x89", "collections.OrderedDict", b")RtR")


def of(code):
    return archive(code, _0=bytes(16))


def called(name, *arguments):
    return of(written(name, b"(", *arguments, b"tR"))


DEEP = 100_000
WILD = [2**31 - 1, 2**40, 2**62, 2**63, 2**64, 10**30, -1, -(2**31), -(2**63)]
FOREIGN = """
builtins.print builtins.exec builtins.eval builtins.getattr builtins.open builtins.compile builtins.list builtins.object
os.listdir posix.getpid nt.getpid sys.exit subprocess.run importlib.import_module operator.attrgetter functools.partial
codecs.decode copyreg._reconstructor collections.defaultdict collections.deque numpy.array numpy.dtype torch.load
torch.save torch.hub.load torch.nn.Linear torch.nn.modules.linear.Linear torch.storage._load_from_bytes torch.jit.load
torch._utils.os torch.tensor torch.storage.pickle lineal.load lineal.serialization.load torch.complex32
torch.QInt8Storage torch.per_tensor_affine torch.FloatTensor torch.float32.numpy torch.Tensor.numpy __main__.anything
pickle.loads types.CodeType ctypes.CDLL """.split()
OTHERS = b"ILSTVpgFdoi0123\x8b\x8c\x8d\x8e\x90\x91\x92\x93\x94\x95\x96\x97\x98"
"""Instructions that PyTorch does not write."""
CODES = {
    "no value": of(b"\x80\x02."),
    "two values": of(b"\x80\x02NN."),
    "no end": of(b"\x80\x02N"),
    "an open mark": of(b"\x80\x02(N."),
    "a tuple of nothing there": of(b"\x80\x02\x85."),
    "a tuple of three of two": of(b"\x80\x02NN\x87."),
    "a mark that is missing": of(b"\x80\x02u."),
    "items for a number": of(b"\x80\x02K\x01(N\x65."),
    "items for a tuple": of(b"\x80\x02)(Ne."),
    "entries for a list": of(b"\x80\x02](NNu."),
    "an odd number of entries": of(b"\x80\x02}(Nu."),
    "a list as a key": of(b"\x80\x02}]Ns."),
    "a dict as a key": of(b"\x80\x02}}Ns."),
    "a key of a list in tuples": of(b"\x80\x02}]\x85\x85Ns."),
    "a key of 2^40 values": of(b"\x80\x02})" + b"q\x00h\x00\x86" * 40 + b"Ns."),
    "a key nested deeply": of(b"\x80\x02})" + b"\x85" * DEEP + b"Ns."),
    "what nobody remembered": of(b"\x80\x02h\x07."),
    "what nobody remembered, far off": of(b"\x80\x02j\xff\xff\xff\xff."),
    "text that is longer than the file": of(b"\x80\x02X\xff\xff\xff\xffabc."),
    "bytes of a length": called("builtins.bytearray", 2**40),
    "bytes of another encoding": called("_codecs.encode", "abc", "rot13"),
    "a set of text": called("builtins.set", "abc"),
    "a set of lists": of(written("builtins.set", b"(](]etR")),
    "numbers nested deeply": of(b"\x80\x02" + b"]" * DEEP + b"a" * (DEEP - 1) + b"."),
    "tuples nested deeply": of(b"\x80\x02)" + b"\x85" * DEEP + b"."),
    "marks nested deeply": of(b"\x80\x02" + b"(" * DEEP + b"t" * DEEP + b"."),
    "a size of words": called("torch.Size", "abc"),
    "a size of numbers alone": called("torch.Size", 3),
    "a device that is unknown": called("torch.device", "nowhere"),
    "a layout that is unknown": called("torch.serialization._get_layout", "torch.jagged"),
    "a call of a number": of(b"\x80\x02K\x01)R."),
    "a call of a dict": of(b"\x80\x02})R."),
    "a call of a dtype": of(written("torch.float32", b")R")),
    "a call with a list": of(written("collections.OrderedDict", b"]R")),
    "a new number": of(b"\x80\x02K\x01)\x81."),
    "a state of a number": of(b"\x80\x02K\x01}b."),
    "a state of a list": of(b"\x80\x02]}b."),
    "a state that hides a method": of(written("collections.OrderedDict", b")R}", "items", b"Nsb")),
    "a state that is a number": of(written("collections.OrderedDict", b")RK\x01b")),
    "a state of numbers": of(written("collections.OrderedDict", b")R}K\x01Nsb")),
    "a storage alone": of(written(b"(", "storage", "torch.FloatStorage", "0", "cpu", 4, b"tQ")),
    "a class of storages alone": of(written("torch.FloatStorage")),
    "a storage of another kind": of(tensor("torch.float32")),
    "no storage": of(tensor(tag="module")),
    "a key that is missing": of(tensor(key="1")),
    "a key that leads outside": of(tensor(key="outside/0", count=1)),
    "a storage of many more numbers": of(tensor(count=2**40)),
    "a storage of fewer numbers": of(tensor(count=3)),
    "a storage of no whole number": of(tensor("torch.storage.UntypedStorage", count=15)),
    "a storage without a dtype": of(tensor("torch.storage.UntypedStorage", count=16)),
    "a shape without strides": of(tensor(stride=())),
    "a shape of 100 dimensions": of(tensor(size=(1,) * 100, stride=(1,) * 100)),
    "truth values of two": archive(tensor("torch.BoolStorage"), _0=b"\0\1\2\1"),
    "a quantised tensor": of(tensor(name="qtensor")),
    "a sparse tensor": of(tensor(name="sparse_tensor")),
    "a persistent number": of(b"\x80\x02K\x01Q."),
    "a newer protocol": of(b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N."),
    "an unknown byte order": archive(tensor(), order=b"middle", _0=bytes(16)),
    "an unknown version": archive(tensor(), extra=[("version", b"3")], _0=bytes(16)),
    "TorchScript": archive(tensor(), extra=[("constants.pkl", b"")], _0=bytes(16)),
    "a record twice": archive(tensor(), extra=[("data/0", bytes(16))], _0=bytes(16)),
    "a zip file of others": b"".join(map(bytes, archived([("a/b", b"c")]))),
    "files of two folders": b"".join(map(bytes, archived([("a/data.pkl", b"\x80\x02N."), ("b/version", b"3")]))),
    **{f"the name {each}": called(each, "a") for each in FOREIGN},
    **{f"the instruction {each}": of(b"\x80\x02N" + bytes([each]) + b"0\n.") for each in OTHERS},
    **{f"a size of {each}": of(tensor(size=(each,))) for each in WILD},
    **{f"a stride of {each}": of(tensor(stride=(each,))) for each in WILD},
    **{f"an offset of {each}": of(tensor(offset=each)) for each in (*WILD, 1, 5)},
    **{f"a count of {each}": of(tensor(count=each)) for each in WILD},
    **{f"a product of {each}": of(tensor(size=(each, each), stride=(1, 0))) for each in WILD},
}  # fmt: skip


def refused(data):
    """Load a file that must be refused in little memory; return the error."""
    tracemalloc.start()
    try:
        with pytest.raises(serialization.CheckpointError) as caught:
            lineal.load(io.BytesIO(data))
        assert tracemalloc.get_traced_memory()[1] < ROOM + 60 * len(data)
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    return caught.value


@pytest.mark.parametrize("name", CODES)
def test_a_pickle_that_asks_for_too_much_is_refused(name):
    assert (isinstance(refused(CODES[name]), pickle.UnpicklingError)) >= name.startswith("the name")


def sound():
    shared = lineal.arange(6.0)
    return {"a": shared[2:], "b": shared.reshape(2, 3).t(), "n": [1, (2.5, None, "text")], "z": lineal.tensor([True, False])}


def whole(data, root="archive"):
    code, arrays = pickled(data)
    return archive(code, **{f"_{key}": array.tobytes() for key, array in enumerate(arrays)})


def test_a_zip_file_cut_anywhere_is_refused():
    data = whole(sound())
    for size in range(0, len(data), 3):
        refused(data[:size])


@pytest.mark.parametrize("seed", range(3))
def test_any_byte_that_changes_is_noticed_or_harmless(seed):
    draw, data = random.Random(seed), whole(sound())
    expected = str(lineal.load(io.BytesIO(data)))
    for place in draw.sample(range(len(data)), 150):
        damaged = bytearray(data)
        damaged[place] ^= draw.randrange(1, 256)
        with contextlib.suppress(serialization.CheckpointError):
            assert str(lineal.load(io.BytesIO(damaged))) == expected, place


def end(data):
    return data.rindex(b"PK\5\6")


def changed(data, place, code, number):
    """Return a file with another number at a place."""
    return data[:place] + struct.pack(code, number) + data[place + struct.calcsize(code) :]


def directories():
    """Yield zip files whose directory says other things than are there."""
    data = whole(sound())
    first = data.index(b"PK\1\2")
    for number in (0, 1, 100, 0xFFFE):
        yield f"{number} records", changed(data, end(data) + 10, "<H", number)
    for number in (0, 1, len(data), 2**31, 0xFFFFFFFF - 1):
        yield f"a directory of {number} bytes", changed(data, end(data) + 12, "<L", number)
        yield f"a directory at {number}", changed(data, end(data) + 16, "<L", number)
        yield f"a record of {number} bytes", changed(changed(data, first + 20, "<L", number), first + 24, "<L", number)
        yield f"a packed record of {number} bytes", changed(data, first + 20, "<L", number)
        if number:
            yield f"a record at {number}", changed(data, first + 42, "<L", number)
    for number in (8, 9, 12, 14, 93, 99):
        yield f"the compression {number}", changed(data, first + 10, "<H", number)
    yield "encryption", changed(data, first + 8, "<H", 1)
    for number in (0, 300, 0xFFFF):
        for place in (28, 30, 32):
            if number or place == 28:
                yield f"{number} bytes in the entry at {place}", changed(data, first + place, "<H", number)
        yield f"a name of {number} letters", changed(data, data.index(b"PK\3\4") + 26, "<H", number)
    second = data.index(b"PK\1\2", first + 4)
    yield "records at one place", changed(data, second + 42, "<L", 0)


@pytest.mark.parametrize(("name", "data"), [*directories()])
def test_a_directory_that_is_wrong_is_refused(name, data):
    refused(data)


def legacy(value=None, keys=("0",), sizes=(4,), version=1001, machine=None):
    """Return a stream of pickles as PyTorch wrote them before its zip files."""
    parts = [pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, version, machine or {"little_endian": True})]
    parts += [value or tensor(), pickle.dumps(list(keys), 2)]
    return b"".join([*parts, *(struct.pack("<q", size) + bytes(16) for size in sizes)])


STREAMS = {
    "another version": legacy(version=1002),
    "a machine that is a list": legacy(machine=[1]),
    "no keys": legacy(keys=()),
    "a key twice": legacy(keys=("0", "0")),
    "another key": legacy(keys=("1",)),
    "no storages": legacy(sizes=()),
    "a storage of fewer numbers": legacy(sizes=(3,)),
    "a storage of no numbers": legacy(sizes=(-1,)),
    "a storage beyond the file": legacy(tensor(count=2**40), sizes=(2**40,)),
    "storages of all numbers": legacy(tensor(count=2**63), sizes=(0,)),
    "a name": legacy(written("os.listdir", b")R")),
    "a conjugate that comes later": legacy(tensor()[:-3] + b"}" + written("conj")[2:-1] + b"\x88stR."),
    "a tar file": bytes(257) + b"ustar" + bytes(500),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_of_pickles_that_is_wrong_is_refused(name):
    refused(STREAMS[name])


def test_parts_of_storages_and_several_values_in_one_stream():
    part = written(
        *("torch._utils._rebuild_tensor_v2", b"((", "storage", "torch.FloatStorage", "0", "cpu", 4, b"(", "1", 1, 2, b"ttQ"),
        *(0, (2,), (1,), b"\x89", "collections.OrderedDict", b")RtR"),
    )
    stream = io.BytesIO(legacy(part)[:-16] + struct.pack("<4f", 0, 1, 2, 3) + legacy())
    assert [lineal.load(stream).tolist() for _ in range(2)] == [[1.0, 2.0], [0.0] * 4] and not stream.read()


def test_the_stream_itself_is_read_and_none_cut_short_is():
    data = legacy()
    assert lineal.load(io.BytesIO(data)).tolist() == [0.0, 0.0, 0.0, 0.0]
    for size in range(len(data)):
        refused(data[:size])


def test_safetensors_cut_or_changed_are_refused_or_give_other_numbers():
    data = b"".join(map(bytes, framed({"a": sound()["a"].numpy(), "z": sound()["z"].numpy()}, {"by": "hand"})))
    for size in range(len(data)):
        refused(data[:size])
    for place in range(8 + int.from_bytes(data[:8], "little")):
        damaged = bytearray(data)
        damaged[place] ^= 0x11
        with contextlib.suppress(serialization.CheckpointError):
            assert sum(x.numel() * x.element_size() for x in lineal.load(io.BytesIO(damaged)).values()) == 18
