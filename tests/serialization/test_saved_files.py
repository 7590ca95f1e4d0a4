"""Files as they come: of others, damaged in every way, and places that are no regular files."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import lineal
from lineal import data
from lineal.serialization import writing

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, links and signals as on POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def raw(header, content=b"", length=None):
    """Return the bytes of a file with any header."""
    text = header if isinstance(header, bytes) else (header if isinstance(header, str) else json.dumps(header)).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + content


def entry(dtype="U8", shape=(2,), offsets=(0, 2)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def nest(tree):
    """Return the bytes of a checkpoint with any tree, its checksum right."""
    text = tree if isinstance(tree, str) else json.dumps(tree)
    return raw({"__metadata__": {"format": "lineal-1", "tree": text, "crc32": f"{zlib.crc32(text.encode()):08x}"}})


# foreign files

NUMBERS = {
    "BOOL": np.array([True, False]),
    "U8": np.array([1, 255], np.uint8),
    "U16": np.array([1, 65535], np.uint16),
    "U32": np.array([1, 1 << 31], np.uint32),
    "U64": np.array([1, 1 << 63], np.uint64),
    "I8": np.array([-1, 127], np.int8),
    "I16": np.array([-1, 5], np.int16),
    "I32": np.array([-1, 5], np.int32),
    "I64": np.array([-1, 1 << 60], np.int64),
    "F16": np.array([0.5, np.inf], np.float16),
    "BF16": np.array([0.5, 3.140625], ml_dtypes.bfloat16),
    "F32": np.array([0.5, np.nan], np.float32),
    "F64": np.array([0.5, 1e300]),
    "C64": np.array([1 + 2j, -1j], np.complex64),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_files_of_others_are_read(path, name):
    array = NUMBERS[name].reshape(2, 1)
    path.write_bytes(raw({"a.weight": entry(name, array.shape, (0, array.nbytes))}, array.tobytes()))
    found = data.load(path)
    assert list(found) == ["a.weight"]
    assert found["a.weight"].numpy().tobytes() == array.tobytes()
    assert found["a.weight"].dtype == lineal.as_tensor(array).dtype
    # the very dtype, which fast paths compare by identity
    assert found["a.weight"].numpy().dtype is lineal.zeros(1, dtype=found["a.weight"].dtype).numpy().dtype
    found["a.weight"].zero_()


def test_files_of_safetensors_itself_are_read_with_their_metadata(path):
    arrays = {name: array for name, array in NUMBERS.items() if name != "C64"} | {
        "empty": np.ones((0, 3)),
        "one": np.array(2.0),
    }
    safetensors.numpy.save_file(arrays, path, metadata={"framework": "np", "epoch": "3"})
    found = data.load(path)
    assert found.metadata == {"framework": "np", "epoch": "3"}
    assert {name: x.shape for name, x in found.items()} == {name: array.shape for name, array in arrays.items()}
    assert all(found[name].numpy().tobytes() == array.tobytes() for name, array in arrays.items())
    model = lineal.nn.Linear(2, 2)
    safetensors.numpy.save_file({name: x.numpy() for name, x in model.state_dict().items()}, path)
    lineal.nn.Linear(2, 2).load_state_dict(data.load(path))


@pytest.mark.parametrize("dtype", ["F8_E8M0", "F4", "I4"])
def test_dtypes_that_lineal_has_not_are_named(path, dtype):
    path.write_bytes(raw({"layer.0": entry(dtype)}, b"ab"))
    with pytest.raises(data.CheckpointError, match=f"'layer.0' has the dtype {dtype}, which lineal does not have"):
        data.load(path)


# malformed files

DEEP = 100_000
MALFORMED = {
    "nothing": b"",
    "seven bytes": bytes(7),
    "a length beyond the end": raw({}, length=100),
    "a length beyond all": raw({}, length=(1 << 64) - 1),
    "no header": raw(""),
    "a header that is a list": raw("[]"),
    "a header that is a number": raw("1"),
    "a header after a space": raw(' {"a":1}'),
    "a header of other bytes": raw(b'{"\xff": 1}'),
    "a header cut off": raw('{"a": {"dtype"'),
    "nested lists": raw('{"a":' + "[" * DEEP + "]" * DEEP + "}"),
    "nested objects": raw('{"a":' * DEEP + "1" + "}" * DEEP),
    "nested lists without an end": raw('{"a":' + "[" * DEEP),
    "a number of many digits": raw('{"a": %s}' % ("9" * 10_000)),
    "a key twice": raw('{"a": %s, "a": %s}' % ((json.dumps(entry()),) * 2), b"ab"),
    "an attribute twice": raw('{"a": {"dtype": "U8", "dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}', b"ab"),
    "metadata that are a list": raw({"__metadata__": []}),
    "metadata of numbers": raw({"__metadata__": {"a": 1}}),
    "an entry that is a number": raw({"a": 1}),
    "an entry without a shape": raw({"a": {"dtype": "U8", "data_offsets": [0, 2]}}, b"ab"),
    "an entry with more": raw({"a": entry() | {"more": 1}}, b"ab"),
    "a dtype that is a list": raw({"a": entry(["U8"])}, b"ab"),
    "a shape of fractions": raw({"a": entry(shape=[2.0])}, b"ab"),
    "a shape of truth values": raw({"a": entry(shape=[True, 2])}, b"ab"),
    "a negative shape": raw({"a": entry(shape=[-1, -2])}, b"ab"),
    "a shape beyond the bytes": raw({"a": entry(shape=[1 << 40])}, b"ab"),
    "a shape of many dimensions": raw({"a": entry(shape=[1] * 100 + [2])}, b"ab"),
    "offsets beyond the end": raw({"a": entry(shape=[200], offsets=[0, 200])}, b"ab"),
    "offsets the wrong way": raw({"a": entry(shape=[0], offsets=[2, 0])}, b"ab"),
    "negative offsets": raw({"a": entry(offsets=[-2, 0])}, b"ab"),
    "three offsets": raw({"a": entry(offsets=[0, 2, 2])}, b"ab"),
    "overlapping ranges": raw({"a": entry(offsets=[0, 2]), "b": entry(offsets=[1, 3])}, b"abc"),
    "the same range twice": raw({"a": entry(), "b": entry()}, b"ab"),
    "a hole": raw({"a": entry(offsets=[0, 2]), "b": entry(offsets=[3, 5])}, b"abcde"),
    "a hole at the beginning": raw({"a": entry(offsets=[1, 3])}, b"abc"),
    "bytes that are left": raw({"a": entry()}, b"abc"),
    "truth values of two": raw({"a": entry("BOOL")}, b"\1\2"),
    "a tree cut off": nest("[1, "),
    "a tree nested deeply": nest("[" * DEEP + "]" * DEEP),
    "a tree of nested dicts": nest('{"tuple": ' * DEEP + "[]" + "}" * DEEP),
    "a tree of an unknown kind": nest({"what": 1}),
    "a tree of two kinds": nest({"tuple": [], "size": []}),
    "a tree of an unknown tensor": nest({"tensor": "a", "dtype": "float32", "grad": False, "parameter": False}),
    "a tree of an unknown device": nest({"device": "nowhere"}),
    "a tree of an unknown dtype": nest({"dtype": "float3"}),
    "a tree of keys that are lists": nest({"dict": [[[], 1]]}),
    "a size of words": nest({"size": ["a"]}),
    "a float that is a word": nest({"float": "often"}),
    "bytes that are no digits": nest({"bytes": "xy"}),
    "another version": raw({"__metadata__": {"format": "lineal-9", "tree": "[]", "crc32": "0"}}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_checkpoint_errors_that_name_the_file(path, name):
    path.write_bytes(MALFORMED[name])
    with pytest.raises(data.CheckpointError, match=r"state\.safetensors") as caught:
        data.load(path)
    assert len(str(caught.value)) < 1000


def some():
    return {"w": lineal.arange(3.0), "n": [1, (2.5, None)], "b": lineal.tensor([True]), "z": lineal.tensor(1j)}


def test_a_file_cut_anywhere_is_refused(path):
    data.save(some(), path)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(data.CheckpointError):
            data.load(path)


def test_any_bit_that_changes_is_noticed_or_harmless(path):
    data.save(some(), path)
    content = path.read_bytes()
    expected = str(data.load(path))
    # every byte, and each of its bits in one byte of eight
    for place in range(0, 8 * len(content), 7):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with contextlib.suppress(data.CheckpointError):
            assert str(data.load(path)) == expected


def test_text_is_no_stream_of_bytes(tmp_path):
    (tmp_path / "text").write_text("abc")
    with (tmp_path / "text").open() as stream, pytest.raises(TypeError, match="binary stream"):
        data.load(stream)


# places that are no regular files


@posix
def test_a_pipe_is_written_through_and_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(data.load(pipe)))
    reader.start()
    data.save({"x": lineal.arange(100_000)}, pipe)
    reader.join(60)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert lineal.equal(found[0]["x"], lineal.arange(100_000))
    assert os.listdir(tmp_path) == ["pipe"]


@posix
def test_a_device_is_written_through(tmp_path):
    tty = pytest.importorskip("tty")
    # a terminal of our own, whose folder lets nobody replace it
    master, slave = os.openpty()
    tty.setraw(slave)
    link = tmp_path / "link"
    link.symlink_to(os.ttyname(slave))
    data.save({"x": lineal.ones(3)}, link)
    assert link.is_symlink()
    assert stat.S_ISCHR(link.stat().st_mode)
    (tmp_path / "copy").write_bytes(os.read(master, 4096))
    assert data.load(tmp_path / "copy")["x"].tolist() == [1, 1, 1]
    os.close(master)
    os.close(slave)


@posix
@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_what_is_open_here_is_written_through(tmp_path, place, kind):
    if not os.path.exists(place):
        pytest.skip(f"no {place} here")
    program = f"import lineal; lineal.save([1, lineal.ones(2)], {place!r})"
    target = tmp_path / "out"
    with target.open("wb") as stream:
        ran = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE if kind == "pipe" else stream, check=True)
        if kind == "pipe":
            target.write_bytes(ran.stdout)
        else:
            assert os.fstat(stream.fileno()).st_ino == target.stat().st_ino
    assert data.load(target)[0] == 1


@posix
def test_a_socket_is_refused_and_stays(tmp_path):
    socket = pytest.importorskip("socket")
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(tmp_path)
        bound.bind("socket")
        with pytest.raises(OSError):
            data.save(1, tmp_path / "socket")
        assert stat.S_ISSOCK((tmp_path / "socket").stat().st_mode)


@posix
def test_links_are_followed(tmp_path):
    (tmp_path / "far").mkdir()
    for name, target in (("link", "far/state"), ("chain", "link"), ("absolute", tmp_path / "far" / "other")):
        (tmp_path / name).symlink_to(target)
        data.save(name, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert data.load(tmp_path / name) == name
    assert sorted(os.listdir(tmp_path / "far")) == ["other", "state"]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError):
        data.save(1, tmp_path / "loop")
    assert (tmp_path / "loop").is_symlink()


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
def test_protected_files_stay_and_protected_folders_take_a_write(tmp_path):
    path = tmp_path / "state"
    data.save("before", path)
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        data.save("after", path)
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    data.save("after", path)
    tmp_path.chmod(0o755)
    assert data.load(path) == "after"


class Slow:
    """A raw stream that takes few bytes at once."""

    def __init__(self):
        self.content = b""

    def write(self, given):
        self.content += bytes(given[:7])
        return len(given[:7])


def test_a_stream_that_takes_few_bytes_gets_them_all(path):
    stream = Slow()
    data.save({"x": lineal.arange(10)}, stream)
    path.write_bytes(stream.content)
    assert data.load(path)["x"].tolist() == list(range(10))


# what killed runs leave

KILLED = """
import os, sys, time
from lineal import data
from lineal.serialization import writing
from lineal.serialization import writing
def slow(handle):
    print("writing", flush=True)
    time.sleep(60)
os.fsync = slow
data.save("second", sys.argv[1])
"""


def killed(path):
    """Return a process that is in the middle of saving."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    return process


@posix
def test_what_a_killed_run_leaves_is_removed_by_the_next_save_and_what_a_living_one_writes_is_not(path):
    data.save("first", path)
    dead, alive = killed(path), killed(path)
    other = path.with_name(".another.safetensors.0123456789abcdef0123456789abcdef.part")
    other.write_bytes(b"")
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait(60)
        assert len(list(path.parent.glob(f".{path.name}.*.part"))) == 2
        data.save("third", path)
        assert len(list(path.parent.glob(f".{path.name}.*.part"))) == 1
    finally:
        alive.kill()
        alive.wait(60)
    assert data.load(path) == "third"
    data.save("fourth", path)
    assert sorted(Path(each).name for each in os.listdir(path.parent)) == sorted([other.name, path.name])


def interrupted(path, moment):
    """Save with an interrupt at the given line, or return, that the writing module comes to; return whether it came."""
    left = moment

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename != writing.__file__:
            return None
        if event in ("line", "return") and left >= 0:
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        data.save("second", path)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that its end closes
def test_an_interrupt_at_any_moment_leaves_one_whole_file(path):
    moments = 0
    data.save("first", path)
    while interrupted(path, moments):
        assert data.load(path) in ("first", "second"), moments
        assert os.listdir(path.parent) == [path.name], moments
        data.save("first", path)
        moments += 1
    assert moments > 50
