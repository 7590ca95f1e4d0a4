"""Eigenvalues and singular values of larger matrices: the numbers, dtypes and strides that PyTorch gives."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SHAPES = [(100, 100), (2, 1, 96, 96), (100, 210), (210, 210), (300, 201)]
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]


def drawn(shape, dtype):
    rng = np.random.default_rng(0)
    return (
        (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
        if dtype in DTYPES[2:]
        else rng.normal(size=shape).astype(dtype)
    )


def alike(ours, theirs, values):
    """Hold parts to PyTorch's; vectors are arbitrary, so that only `values` are compared number by number."""
    for part, other in zip(ours, theirs, strict=True):
        assert part.numpy().dtype == other.numpy().dtype and part.shape == other.shape and part.stride() == other.stride()
    found, wanted = ours[values].numpy(), theirs[values].numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=300 * np.finfo(found.dtype).eps * np.abs(wanted).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_singular_values_and_how_vectors_lie(shape, dtype):
    A = drawn(shape, dtype)
    for full in (True, False):
        alike(lineal.linalg.svd(lineal.from_numpy(A), full), torch.linalg.svd(torch.from_numpy(A), full), 1)
    alike([lineal.linalg.svdvals(lineal.from_numpy(A))], [torch.linalg.svdvals(torch.from_numpy(A))], 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[-1] == shape[-2]], ids=str)
def test_eigenvalues_and_how_vectors_lie(shape, dtype):
    A = drawn(shape, dtype)
    ours, theirs = lineal.from_numpy(A), torch.from_numpy(A)
    for uplo in "LU":
        alike(lineal.linalg.eigh(ours, uplo), torch.linalg.eigh(theirs, uplo), 0)
        alike([lineal.linalg.eigvalsh(ours, uplo)], [torch.linalg.eigvalsh(theirs, uplo)], 0)
    for x, y in zip(lineal.linalg.eig(ours), torch.linalg.eig(theirs), strict=True):
        assert x.numpy().dtype == y.numpy().dtype and x.stride() == y.stride()
