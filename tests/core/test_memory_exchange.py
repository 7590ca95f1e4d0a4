"""Memory as others see it: DLPack, storages, `set_`."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lineal
from lineal.base.dtypes import BY_NAME
from lineal.tensors import typedstorages
from lineal.tensors.storages import UntypedStorage


class Consumer:
    """Exports what another exporter does, and remembers how it was asked."""

    def __init__(self, exporter):
        self.exporter, self.asked = exporter, {}

    def __dlpack__(self, **options):
        self.asked = options
        return self.exporter.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.exporter.__dlpack_device__()


@pytest.mark.parametrize("name", ["bool", "int16", "uint64", "bfloat16", "float8_e5m2", "float16", "complex64"])
def test_every_dtype_crosses_by_dlpack_and_shares_memory(name):
    x = lineal.tensor([1, 0, 1]).to(BY_NAME[name])
    for exporter in (x, Consumer(x), x.__dlpack__(), x.__dlpack__(max_version=(1, 0))):
        y = lineal.from_dlpack(exporter)
        assert (y.dtype, y.float().tolist() if name != "complex64" else y.real.tolist()) == (x.dtype, [1.0, 0.0, 1.0])
        assert y.data_ptr() == x.data_ptr()


def test_dlpack_copies_when_told_and_refuses_other_devices():
    x = lineal.ones(3)
    assert lineal.from_dlpack(x, copy=True).data_ptr() != x.data_ptr()
    assert lineal.from_dlpack(np.ones(3), device="cpu").tolist() == [1.0] * 3
    assert np.from_dlpack(x, copy=True).ctypes.data != x.data_ptr()
    with pytest.raises(BufferError, match="unsupported device"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="require gradient"):
        lineal.ones(1, requires_grad=True).__dlpack__()
    capsule = x.__dlpack__()
    lineal.from_dlpack(capsule)
    with pytest.raises(BufferError, match="nobody has used yet"):
        lineal.from_dlpack(capsule)


def test_memory_of_a_capsule_without_version_may_be_written():
    x = lineal.arange(4)
    y = lineal.from_dlpack(lineal.utils.dlpack.to_dlpack(x[1:]))
    y[0] = -9
    assert x.tolist() == [0, -9, 2, 3]


def test_memory_that_is_read_only_stays_so():
    array = np.arange(3.0)
    array.flags.writeable = False
    y = lineal.from_dlpack(array)
    with pytest.raises(RuntimeError, match="read-only"):
        y.add_(1)


def test_a_tensor_can_be_put_over_other_memory():
    x, y = lineal.arange(6.0), lineal.zeros(2)
    y.set_(x)
    x[0] = 9
    assert (y.tolist(), y.is_set_to(x), y.is_set_to(x[1:])) == ([9.0, 1.0, 2.0, 3.0, 4.0, 5.0], True, False)
    y.set_(x.untyped_storage(), 1, (2, 2), (2, 1))
    x[1] = 7
    assert y.tolist() == [[7.0, 2.0], [3.0, 4.0]]
    assert lineal.ones(2).set_(x.storage()).shape == (6,)
    assert lineal.ones(2).set_().shape == (0,)
    refused = [
        ((x.long(),), "int64 to a tensor of torch.float32"),
        ((x, -1, (1,)), "offset -1"),
        ((x, 0, (2,), (-1,)), "overflowed"),
    ]
    for source, message in refused:
        with pytest.raises(RuntimeError, match=message):
            y.set_(*source)
    assert (y.set_(x, 4, (2, 2)).shape, x.untyped_storage().nbytes()) == ((2, 2), 32), "memory grows to hold it"
    with pytest.raises(RuntimeError, match="requires grad"):
        lineal.ones(1, requires_grad=True).set_(x)


def test_a_view_knows_its_base_and_both_count_writes():
    x = lineal.zeros(4)
    v = x[1:]
    assert (v._base is x, x._base, x._version) == (True, None, 0)
    v.add_(1)
    assert x._version == v._version == 1


def test_storages_are_written_and_copied():
    x = lineal.arange(4.0)
    memory = x.storage()
    memory[0] = 42.0
    twin = memory.clone()
    memory.fill_(2)
    assert (x.tolist(), twin.tolist()[0]) == ([2.0] * 4, 42.0)
    memory.untyped().copy_(twin.untyped())
    assert (x.tolist()[0], memory.double().tolist()[0], memory.type()) == (42.0, 42.0, "torch.FloatStorage")
    with pytest.raises(RuntimeError, match="in gaps"):
        UntypedStorage(np.ones((2, 2, 2))[:, ::2])


def test_memory_grows_under_all_that_lies_in_it():
    x = lineal.arange(4.0)
    v, twin, storage = x[1:], x.data, x.untyped_storage()
    v.resize_(6)
    v[0] = 9
    assert (x.tolist(), twin.tolist(), storage.nbytes()) == ([0.0, 9.0, 2.0, 3.0], [0.0, 9.0, 2.0, 3.0], 28)
    assert v.untyped_storage() == storage


def test_memory_that_became_too_small_is_refused_until_it_has_grown_again():
    x = lineal.arange(6.0).reshape(2, 3)
    row, storage = x[0], x.untyped_storage()
    storage.resize_(12)
    assert (row.tolist(), x.shape, x.untyped_storage().nbytes()) == ([0.0, 1.0, 2.0], (2, 3), 12)
    for use in (lambda: x + 1, lambda: x.sum(), lambda: x.tolist(), lambda: x.mul_(2), lambda: lineal.tanh(x), lambda: str(x)):
        with pytest.raises(RuntimeError, match=r"shape \[2, 3\] was used whose storage has been resized to 12 bytes"):
            use()
    storage.resize_(24).fill_(0)
    assert (x.tolist(), row.tolist()) == ([[0.0] * 3] * 2, [0.0] * 3)


@pytest.mark.parametrize("dtype", [lineal.float32, lineal.bfloat16, lineal.complex64])
def test_memory_is_found_under_strides_of_any_dtype(dtype):
    x = lineal.arange(6).to(dtype)
    y = x.as_strided((2, 2), (3, 1), 1)
    assert y.untyped_storage() == x.untyped_storage()
    y.resize_(2, 4)
    y[1, 3] = 7
    assert (x.untyped_storage().nbytes(), y[0, 0].item()) == (9 * dtype.itemsize, 1)
    assert x.as_strided((2, 2), (3, 1), 1).tolist() == lineal.arange(6).to(dtype).as_strided((2, 2), (3, 1), 1).tolist()
    with pytest.raises(RuntimeError, match="storage of 9 elements"):
        x.as_strided((2, 2), (8, 1), 1)


def test_strides_over_the_parts_of_complex_numbers_count_real_ones():
    x = lineal.tensor([1 + 2j, 3 + 4j])
    assert x.imag.as_strided((3,), (1,), 0).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("hold", [lambda x: x.numpy(), lambda x: x[1:].numpy(), lambda x: x.numpy().T[:2]])
def test_memory_that_an_array_looks_into_stays_where_it_is(hold):
    x = lineal.zeros(4)
    kept = hold(x)
    for move in (lambda: x.untyped_storage().resize_(8), lambda: x.resize_(9), lambda: x[1:].share_memory_()):
        with pytest.raises(RuntimeError, match="16 bytes and would be left behind"):
            move()
    kept[...] = 1
    assert x.sum() >= 2


def test_storages_are_made_of_numbers_sizes_and_files(tmp_path):
    assert UntypedStorage([1, 2]).tolist() == [1, 2] and UntypedStorage(8).nbytes() == 8
    assert repr(UntypedStorage([7])) == " 7\n[torch.storage.UntypedStorage(device=cpu) of size 1]"
    typed = typedstorages.LongStorage([3, 4])
    assert isinstance(typed, typedstorages.LongStorage) and not isinstance(typed, typedstorages.FloatStorage)
    assert lineal.zeros(0).set_(typed.float()).tolist() == [3.0, 4.0]
    UntypedStorage.from_file(tmp_path / "numbers", shared=True, nbytes=4).fill_(5)
    assert (tmp_path / "numbers").read_bytes() == b"\x05" * 4
    with pytest.raises(RuntimeError, match="size <4> is smaller"):
        UntypedStorage.from_file(tmp_path / "numbers", nbytes=8)
    with pytest.raises(RuntimeError, match="self was 2 bytes but src was 1 bytes"):
        UntypedStorage(2).copy_(UntypedStorage(1))
    assert pickle.loads(pickle.dumps(typed)).tolist() == copy.deepcopy(typed).tolist() == [3, 4]
