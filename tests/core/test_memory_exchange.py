"""Memory as others see it: DLPack, storages, `set_`."""

from __future__ import annotations

import numpy as np
import pytest

import lineal
from lineal.base.dtypes import BY_NAME


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
    for source, message in ((x.long(), "int64 to a tensor of torch.float32"), ((x, 3, (2, 2)), "out of 6 elements")):
        with pytest.raises(RuntimeError, match=message):
            y.set_(*source) if isinstance(source, tuple) else y.set_(source)
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
    assert lineal.tensors.storages.UntypedStorage(8).nbytes() == 8
    with pytest.raises(RuntimeError, match="cannot become 0 bytes"):
        x.untyped_storage().resize_(0)
    with pytest.raises(RuntimeError, match="in gaps"):
        lineal.tensors.storages.UntypedStorage(np.ones((2, 2, 2))[:, ::2]).elements(lineal.float64)
