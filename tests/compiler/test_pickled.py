"""Programs run on tensors that were pickled, of which NumPy makes dtypes that are equal to its own and others."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import lineal as torch
from lineal import nn
from lineal.data import DataLoader, TensorDataset

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64]


def again(x):
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_tensor_has_the_dtype_object_of_others(dtype):
    x = torch.ones(3, 2).to(dtype)
    for each in (again(x), torch.as_tensor(again(x.value)), torch.from_numpy(again(x.value)).T):
        assert each.value.dtype is x.value.dtype
        assert torch.equal(each.reshape(3, 2), x)
    swapped = np.arange(3, dtype=">f4")
    assert torch.tensor(swapped).tolist() == [0.0, 1.0, 2.0]


def test_a_function_is_traced_once_for_tensors_that_come_pickled():
    @torch.compile
    def doubled(x):
        return x * 2

    for count in range(6):
        x = torch.full((4,), float(count))
        doubled(again(x) if count > 2 else x)
    assert doubled.traces == 1


def test_a_pickled_model_on_batches_from_workers_is_traced_once():
    model = again(nn.Linear(4, 2))
    step = torch.compile(lambda x: model(x).sum())
    for (x,) in DataLoader(TensorDataset(torch.randn(12, 4)), 2, num_workers=1):
        step(x)
    assert step.traces == 1
