"""bfloat16 through DLPack, which NumPy's exchange has not."""

import gc

import numpy as np
import pytest

import lineal


class Exporter:
    """Another library's tensor: DLPack is all it offers, NumPy's protocol is refused as torch refuses it for bfloat16."""

    def __init__(self, x):
        self.x = x
        self.asked = []

    def __array__(self, *given, **options):
        raise TypeError("Got unsupported ScalarType BFloat16")

    def __dlpack__(self, **options):
        self.asked.append(options)
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


class Unversioned(Exporter):
    """An exporter from before versions were told."""

    def __dlpack__(self, stream=None):
        return self.x.__dlpack__(stream=stream)


X = lineal.tensor([[0.5, 3.140625, 2.0], [1.0, -2.0, 3.0]], dtype=lineal.bfloat16)


@pytest.mark.parametrize("kind", [Exporter, Unversioned])
@pytest.mark.parametrize("x", [X, X.t(), X[:, ::2], X[0, 0], X[:0]], ids=["plain", "turned", "stepped", "one", "none"])
def test_bfloat16_crosses_and_shares_memory(kind, x):
    x = x.detach()
    for read in (lineal.from_dlpack, lineal.as_tensor, lineal.asarray):
        found = read(kind(x))
        assert found.dtype is lineal.bfloat16
        assert found.tolist() == x.tolist()
        assert found.numel() == 0 or np.shares_memory(found.numpy(), x.numpy())
    copied = lineal.tensor(kind(x))
    assert copied.tolist() == x.tolist()
    assert not np.shares_memory(copied.numpy(), x.numpy())


@pytest.mark.parametrize("name", ["float32", "float16", "int16", "uint16", "complex64"])
def test_other_dtypes_cross_as_they_are(name):
    x = lineal.tensor([1, 2, 3]).to(getattr(lineal, name))
    assert lineal.from_dlpack(Exporter(x)).dtype is x.dtype
    assert lineal.from_dlpack(x.numpy()).tolist() == x.tolist()


def test_memory_lives_as_long_as_somebody_looks_at_it():
    found = [lineal.from_dlpack(Exporter(lineal.full((1000,), k, dtype=lineal.bfloat16))) for k in range(200)]
    gc.collect()
    assert all(x.tolist() == [k] * 1000 for k, x in enumerate(found))


def test_what_requires_grad_is_not_exported():
    with pytest.raises(BufferError, match="detach"):
        lineal.ones(2, dtype=lineal.bfloat16, requires_grad=True).__dlpack__()
