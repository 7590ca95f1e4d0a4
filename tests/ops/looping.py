"""Every sample of every op under vmap, beside a Python loop over the slices."""

import operator
import warnings

import numpy as np
from samples import SAMPLES

import lineal
from lineal import ops
from lineal.base import tree
from lineal.core import lift

CASES = [(name, number) for name, samples in SAMPLES.items() for number, each in enumerate(samples) if each.batch]
IDS = [f"{name}-{number}" for name, number in CASES]
COUNT = 3


def function(name, number):
    """Return the sample's op as a function of its arrays, and those arrays."""
    op, sample = operator.attrgetter(name)(lineal if "." in name else ops), SAMPLES[name][number]
    return (lambda *xs: sample.call(op, list(xs))), sample


def slices_of(batch, dim, place):
    """Return one slice as a tensor in memory of its own."""
    return lift(np.array(batch if dim is None else np.take(batch, place, axis=dim), order="C"))


def outcome(call):
    """Return the arrays of a call's results, the error, and the categories of warnings."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            found, error = [each.detach().value for each in tree.leaves(call())], None
        except Exception as raised:
            found, error = None, raised
    return found, error, {each.category for each in heard}


def looped(f, batches, dims):
    """Return the outcome of a loop over the slices: stacked results, the first error, all warnings."""
    each = [outcome(lambda: f(*[slices_of(x, dim, place) for x, dim in zip(batches, dims)])) for place in range(COUNT)]  # noqa: B023
    error = next((error for _, error, _ in each if error is not None), None)
    heard = set().union(*[found for _, _, found in each])
    if error is not None:
        return None, error, heard
    shapes = {tuple(array.shape for array in found) for found, _, _ in each}
    if len(shapes) > 1:
        return None, RuntimeError(f"slices of different shapes {shapes}"), heard
    return [np.stack(column) for column in zip(*[found for found, _, _ in each])], None, heard


def agree(actual, expected, rtol, what):
    """Raise AssertionError unless lists of arrays are alike in shapes, dtypes and numbers."""
    assert len(actual) == len(expected), what
    for one, other in zip(actual, expected):
        assert (one.shape, one.dtype) == (other.shape, other.dtype), f"{what}: {one.shape} {other.shape}"
        if one.dtype.kind not in "fc":
            np.testing.assert_array_equal(one, other, err_msg=what)
            continue
        finite = other[np.isfinite(other)]
        size = max(np.abs(finite).max(initial=0), 1e-6)
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * size, err_msg=what)


def compare(f, batches, dims, rtol, what, way=lambda g: g):
    """Raise AssertionError unless vmap(f) does what the loop does: computes, or raises."""
    mapped = way(lineal.func.vmap(f, in_dims=tuple(dims)))
    expected, error, heard = looped(f, batches, dims)
    actual, raised, seen = outcome(lambda: mapped(*[lift(x.copy()) for x in batches]))
    if error is not None:
        assert raised is not None, f"{what}: the loop raises {error!r}"
        return
    if raised is not None:
        raise AssertionError(what) from raised
    agree(actual, expected, rtol, what)
    assert heard <= seen, f"{what}: the loop warns {heard}"
