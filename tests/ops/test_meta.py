"""The device "meta": shapes and dtypes without numbers are those that numbers would have."""

from __future__ import annotations

import copy
import gc
import operator
import pickle

import numpy as np
import pytest
from samples import SAMPLES

import lineal
from lineal import nn, ops
from lineal.base.devices import as_device
from lineal.base.platforms import FOREIGN, PLATFORMS, UNUSUAL
from lineal.core import gradients, lift, opening
from lineal.core.apply import way
from lineal.meta import META


@pytest.fixture
def native():
    """Let builtins do the ops, where there are any; what did them before does them afterwards."""
    if opening.opening.house is None:
        opening.opening.prepare()
    before = way.taken, way.back
    if opening.opening.house is not None:
        way.taken, way.back = opening.opening.ways
    yield
    way.taken, way.back = before


@pytest.fixture(autouse=True)
def platform():
    """Let the device be there, and leave nothing of it behind: fast paths are slower beside its arrays."""
    as_device("meta")
    yield
    lineal.set_default_device(None)
    PLATFORMS.pop("meta")


def test_fast_paths_are_as_before_once_no_array_is_left():
    x = lineal.empty(2, device="meta")
    y = x.view(1, 2)
    assert META.array in UNUSUAL and META.array in FOREIGN
    del x
    assert META.array in UNUSUAL
    del y
    gc.collect()
    assert META.array not in UNUSUAL and META.array not in FOREIGN


def outlined(array):
    """Return what an array is without its numbers."""
    return META.empty(array.shape, array.dtype)


def specs(name, wrap):
    """Return the shapes and dtypes of a sample's results and derivatives."""
    function, sample = operator.attrgetter(name)(lineal if "." in name else ops), SAMPLES[name][0]
    xs = [lift(wrap(np.array(each, order="K"))) for each in sample.arrays()]
    xs = [x.requires_grad_() if x.value.dtype.kind in "fc" and sample.derivative else x for x in xs]
    ys = sample.call(function, xs)
    live = [y for y in ys if y.node is not None]
    gs = gradients(live, [x for x in xs if x.node is not None], [lineal.ones_like(y) for y in live], None, False, True)
    return [(y.value.shape, y.value.dtype.name) for y in (*ys, *[g for g in gs if g is not None])]


def test_ops_and_their_derivatives_give_the_shapes_and_dtypes_of_numbers():
    wrong, refused = [], []
    for name in SAMPLES:
        try:
            found = specs(name, outlined)
        except (NotImplementedError, RuntimeError):
            refused.append(name)
        else:
            wrong += [name] if found != specs(name, np.asarray) else []
    assert wrong == []
    # factorisations, and what looks at numbers before it decides
    assert len(refused) < len(SAMPLES) // 5


MEASURED = {
    "item": lambda x: x.sum().item(),
    "truth": lambda x: bool(x.sum() > 0),
    "list": lambda x: x.tolist(),
    "numbers": lambda x: x.numpy(),
    "mask": lambda x: x[x > 0],
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: lineal.unique(x),
    "to": lambda x: x.to("cpu"),
    "copy": lambda x: lineal.zeros(2, 3).copy_(x),
    "equal": lambda x: lineal.equal(x, x),
    "two devices": lambda x: x + lineal.zeros(2, 3),
}


@pytest.mark.parametrize("ask", MEASURED.values(), ids=MEASURED)
def test_numbers_are_refused(ask):
    with pytest.raises((RuntimeError, TypeError), match="meta"):
        ask(lineal.empty(2, 3, device="meta"))


def test_modules_are_built_without_memory_and_draws_and_filled_later():
    lineal.manual_seed(0)
    with lineal.device("meta"):
        large = nn.Sequential(nn.Linear(1_000_000, 1_000_000), nn.BatchNorm1d(1_000_000))
        with lineal.device("cpu"):
            assert lineal.zeros(1).device.type == "cpu"
    assert {each.device.type for each in large.state_dict().values()} == {"meta"} and lineal.zeros(1).is_cpu
    assert large(lineal.empty(5, 1_000_000, device="meta")).shape == (5, 1_000_000)
    drawn = lineal.rand(3)
    lineal.manual_seed(0)
    assert lineal.equal(drawn, lineal.rand(3))
    model, source = nn.LSTM(3, 4, device="meta"), nn.LSTM(3, 4)
    with pytest.warns(UserWarning, match="copying from a non-meta parameter"):
        model.load_state_dict(source.state_dict())
    model.load_state_dict(source.state_dict(), assign=True)
    x = lineal.randn(2, 3)
    assert lineal.equal(model(x)[0], source(x)[0])
    with pytest.raises(NotImplementedError, match="to_empty"):
        nn.Linear(2, 3, device="meta").to("cpu")
    assert nn.Linear(2, 3).to("meta").to_empty(device="cpu").weight.is_cpu


def test_training_goes_through_without_numbers():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = model.append(nn.Linear(8 * 4 * 4, 5)).to("meta")
    optimizer = lineal.optim.Adam(model.parameters())
    x, target = lineal.randn(2, 3, 8, 8, device="meta"), lineal.zeros(2, dtype=lineal.int64, device="meta")
    nn.functional.cross_entropy(nn.functional.dropout(model(x)), target).backward()
    optimizer.step()
    assert all(each.grad.is_meta and each.grad.shape == each.shape for each in model.parameters())


def test_views_lie_as_they_would_and_writes_do_nothing():
    x = lineal.empty(4, 6, device="meta")
    y = x[1:, ::2].t()
    assert (y.shape, y.stride(), y.storage_offset(), y.data_ptr()) == ((3, 3), (2, 6), 6, 0)
    assert x.untyped_storage() == y.untyped_storage() and x.untyped_storage().nbytes() == 96
    y += 1
    y.copy_(lineal.ones(3))
    with pytest.raises(RuntimeError, match="broadcast together"):
        y.copy_(lineal.ones(2))
    assert repr(x.double()) == "tensor(..., device='meta', size=(4, 6), dtype=torch.float64)"
    assert copy.deepcopy(x).is_meta and pickle.loads(pickle.dumps(x)).shape == x.shape


def test_the_first_tensor_may_be_one_of_the_host_that_goes_there(native):
    gc.collect()
    assert not FOREIGN
    x = lineal.randn(2, 3, requires_grad=True)
    y = x.to("meta")
    assert y.is_meta and y.shape == x.shape and y.requires_grad
    assert nn.Linear(2, 3).to("meta").weight.is_meta


@pytest.mark.parametrize(
    "x, strides",
    [
        (lineal.randn(2, 3).t(), (1, 3)),
        (lineal.randn(2, 3, 4, 5).to(memory_format=lineal.channels_last), (60, 1, 15, 3)),
        (lineal.randn(4, 6)[:, ::2], (3, 1)),
        (lineal.randn(4, 1).expand(4, 5), (5, 1)),
        (lineal.randn(4, 6, 5).permute(2, 0, 1)[1:], (1, 24, 4)),
        (lineal.randn(4, 6).bfloat16().t(), (1, 6)),
    ],
)
def test_what_goes_there_keeps_the_order_of_its_axes(x, strides):
    assert x.to("meta").stride() == strides
    assert x.to("meta", memory_format=lineal.contiguous_format).is_contiguous()


@pytest.mark.parametrize("op", [ops.clone, ops.sin, ops.empty_like, lambda x: x.to(lineal.float64), lambda x: x + x])
@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0)])
def test_copies_lie_as_those_of_numbers_do(op, order):
    x = lineal.zeros(2, 3, 4, 5).permute(order)
    assert op(x.to("meta")).stride() == op(x).stride()
    assert op(x.to("meta")[:, :, ::2]).stride() == op(x[:, :, ::2]).stride()
