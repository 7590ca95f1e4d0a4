"""Tensors on a device of another kind: made there, carried over, mixed with numbers, written, differentiated, trained."""

from __future__ import annotations

import checked
import numpy as np
import pytest
from checked import Array

import lineal
from lineal.base.config import LARGE_ARRAY
from lineal.base.devices import as_device
from lineal.base.platforms import HOST, array_module, moved, platform_of
from lineal.core import lift


@pytest.fixture(autouse=True)
def platform():
    with checked.registered() as found:
        yield found
    lineal.set_default_device(None)


MADE = {
    "zeros": lambda **o: lineal.zeros(2, 3, **o),
    "ones": lambda **o: lineal.ones(2, **o),
    "full": lambda **o: lineal.full((2,), 1.5, **o),
    "arange": lambda **o: lineal.arange(1, 7, 2, **o),
    "linspace": lambda **o: lineal.linspace(0, 1, 5, **o),
    "logspace": lambda **o: lineal.logspace(0, 2, 3, **o),
    "eye": lambda **o: lineal.eye(2, 3, **o),
    "range": lambda **o: lineal.range(0, 2, **o),
    "tensor": lambda **o: lineal.tensor([[1, 2], [3, 4]], **o),
    "tril_indices": lambda **o: lineal.tril_indices(3, 2, **o),
    "randn": lambda **o: (lineal.manual_seed(3), lineal.randn(4, **o))[1],
    "randperm": lambda **o: (lineal.manual_seed(3), lineal.randperm(4, **o))[1],
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_factories_make_their_numbers_on_the_device(make):
    x, here = make(device="xpu"), make()
    assert type(x.value) is Array and x.device == lineal.device("xpu") and not x.is_cpu
    np.testing.assert_array_equal(x.value.held, here.value, strict=True)
    assert lineal.zeros_like(x).device == x.new_ones(2).device == x.device
    lineal.set_default_device("xpu")
    assert make().device == x.device and lineal.get_default_device() == x.device


def test_empty_memory_has_its_layout_there():
    assert type(lineal.empty(2, 3, device="xpu").value) is Array
    assert lineal.empty_strided((2, 2), (1, 2), device="xpu").stride() == (1, 2)


def test_a_transfer_carries_numbers_over_and_cotangents_back():
    x = lineal.tensor([1.0, 2.0], requires_grad=True)
    y = (x.to("xpu") * 3).exp().to("cpu")
    assert type(y.value) is np.ndarray and x.to("cpu") is x
    y.sum().backward()
    assert type(x.grad.value) is np.ndarray
    np.testing.assert_array_equal(x.grad.value, (3 * (x * 3).exp()).detach().value)
    assert lineal.ones(2).to(x.to("xpu")).device.type == "xpu"
    assert lineal.vmap(lambda row: row.to("xpu") * 2)(lineal.ones(3, 2)).device.type == "xpu"


def test_numbers_go_along_and_other_tensors_do_not():
    x = lineal.ones(2, 3, device="xpu")
    for y in (x * 2, 2 / x, x + lineal.tensor(2.0), lineal.where(x > 0, x, 0.5), x.clamp(0.5, 2)):
        assert type(y.value) is Array
    with pytest.raises(RuntimeError, match="add: expected all tensors to be on the same device, but found at least two"):
        x + lineal.ones(2, 3)
    with pytest.raises(TypeError, match="can't convert a tensor on xpu to NumPy"):
        x.numpy()
    assert x.sum().item() == 6 and x.tolist() == [[1.0] * 3] * 2
    assert repr(x[0]) == "tensor([1., 1., 1.], device='xpu')"


def test_indices_and_writes():
    x = lineal.zeros(3, 4, device="xpu")
    x[0], x[1, 2], x[:, [0, 3]] = 1, 2, 5
    x += 1
    x[x > 5] = 0
    assert x.tolist() == [[0, 2, 2, 0], [0, 1, 3, 0], [0, 1, 1, 0]]
    assert x[[0, 1], [1, 2]].tolist() == [2, 3]
    here = lineal.empty(3, 4)
    here.copy_(x)
    assert type(here.value) is np.ndarray and here.tolist() == x.tolist()


def train(device):
    nn = lineal.nn
    lineal.manual_seed(0)
    x = lineal.randn(8, 3, device=device)
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)).to(device)
    optimizer = lineal.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), lineal.arange(8, device=device) % 2).backward()
        optimizer.step()
    return [each.value for each in model.parameters()]


def test_training_is_the_hosts_bit_by_bit():
    there, here = train("xpu"), train("cpu")
    assert all(type(each) is Array for each in there)
    for one, other in zip(there, here):
        np.testing.assert_array_equal(one.held, other, strict=True)


def test_large_arrays_take_no_native_loops():
    n = 1 << 10
    x = lineal.ones(n, LARGE_ARRAY // n, device="xpu")
    for y in (x.exp() + 1, x.sum(), x.softmax(-1), x.cumsum(0), x.norm(), x.clone().mul_(2)):
        assert type(y.value) is Array
    stack = lineal.ones(200, 4, 4, device="xpu")
    assert type((stack @ stack).value) is Array


def test_a_record_is_what_is_known_of_a_device(platform):
    assert platform_of(np.ones(2)) is HOST and array_module(np.ones(2)) is np
    x = moved(np.arange(3), platform)
    assert type(x) is Array and moved(x, HOST).tolist() == [0, 1, 2] and moved(x, platform) is x
    with pytest.raises(RuntimeError, match="device: no array module is known for a value of type list"):
        platform_of([1])
    with pytest.raises(AssertionError, match="device: cuda is not available"):
        as_device("cuda")
    assert lift(x).device == lineal.device("xpu")
