"""Arrays for samples, the same in every run."""

import numpy as np

generator = np.random.default_rng(20)


def alike(names, samples):
    """Return the same samples for several names of one function."""
    return {name: list(samples) for name in names}


def normal(*shape):
    """Return standard normal numbers, none nearer to a half-integer than 0.02, where step functions and corners are."""
    x = generator.standard_normal(shape)
    near = np.round(x * 2) / 2
    return np.where(np.abs(x - near) < 0.02, near + 0.07, x)


def positive(*shape):
    """Return numbers in (0.2, 2)."""
    return generator.uniform(0.2, 2, shape)


def unit(*shape):
    """Return numbers in (-0.9, 0.9), none near zero."""
    return generator.uniform(0.05, 0.9, shape) * generator.choice([-1, 1], shape)


def compound(*shape):
    """Return complex numbers."""
    return generator.standard_normal(shape) + 1j * generator.standard_normal(shape)


def integers(*shape, low=0, high=5):
    """Return int64 numbers."""
    return np.asarray(generator.integers(low, high, shape))


def truths(*shape):
    """Return truth values, of both kinds."""
    x = np.asarray(generator.integers(0, 2, shape)).astype(bool)
    if x.size > 1:
        x.flat[0], x.flat[1] = True, False
    return x


def distinct(*shape):
    """Return numbers no two of which are near each other."""
    count = int(np.prod(shape))
    return (generator.permutation(count) * 0.37 - 1.9).reshape(shape)


def spd(n, *batch):
    """Return symmetric positive definite matrices."""
    a = generator.standard_normal((*batch, n, n))
    return a @ a.swapaxes(-1, -2) + n * np.eye(n)


def square(n, *batch):
    """Return well-conditioned square matrices."""
    return generator.standard_normal((*batch, n, n)) + 2 * np.eye(n)
