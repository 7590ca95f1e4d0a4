"""Shapes that do not go together are refused in words that name the op, whatever op and whatever argument it is."""

import operator
import re

import numpy as np
import pytest
from samples import SAMPLES

import lineal
from lineal import linalg, ops


def others(x):
    """Return arrays of other shapes than x."""
    x = np.asarray(x)
    yield x.reshape(-1)[:0]
    yield x.reshape(-1)[0] if x.size else np.zeros((), x.dtype)
    yield np.zeros((5, *x.shape), x.dtype)
    yield np.ones((3, 0), x.dtype)
    yield np.ones(7, x.dtype)
    if x.ndim:
        yield np.concatenate([x, x, x[:1]])
        yield np.concatenate([x, x, x], -1)
        yield x.reshape(-1)
        yield x.T.copy()


def tensors(value):
    """Return arrays as tensors, in lists and tuples too."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(tensors, value))
    return lineal.tensor(value) if isinstance(value, np.ndarray) else value


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_refusal_names_the_op(name):
    function = operator.attrgetter(name)(lineal if "." in name else ops)
    for sample in SAMPLES[name][:3]:
        kwargs = {key: tensors(value) for key, value in sample.kwargs.items()}
        for place in (n for n, arg in enumerate(sample.args) if isinstance(arg, np.ndarray)):
            for other in others(sample.args[place]):
                args = [tensors(np.asarray(other) if n == place else arg) for n, arg in enumerate(sample.args)]
                try:
                    function(*args, **kwargs)
                except (RuntimeError, IndexError, ValueError, TypeError) as error:
                    assert re.match(r"[\w.]+(\(\))?: ", str(error)), f"argument {place} of shape {other.shape}: {error!r}"


A = np.eye(3) + 0.1
LU, PIVOTS = (x.numpy() for x in linalg.lu_factor(lineal.tensor(A)))
LD, EXCHANGED = (x.numpy() for x in linalg.ldl_factor(lineal.tensor(A + A.T)))
B, V = np.ones((3, 2)), np.arange(3)
TALL = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("linalg.lu_solve", (LU, PIVOTS[:2], B)),
        ("linalg.lu_solve", (LU, PIVOTS[:0], B)),
        ("linalg.lu_solve", (LU, np.append(PIVOTS, PIVOTS[:1]), B)),
        ("lu_unpack", (LU, PIVOTS + 3)),
        ("linalg.lu_solve", (LU[None], PIVOTS, B)),
        ("lu_unpack", (LU, PIVOTS[:2])),
        ("lu_unpack", (LU, PIVOTS * 0)),
        ("linalg.ldl_solve", (LD, EXCHANGED[:2], B)),
        ("linalg.ldl_solve", (LD, EXCHANGED[:1], B)),
        ("linalg.householder_product", (TALL, np.ones(4))),
        ("linalg.householder_product", (TALL, np.ones((2, 3)))),
        ("ormqr", (TALL, np.ones(4), np.ones((4, 2)))),
        ("ormqr", (TALL, np.ones(3), np.ones((1, 2)))),
        ("index_reduce", (B, 0, V, np.ones((3, 1)), "amax")),
        ("index_reduce", (B, 0, V, np.ones((3, 5)), "prod")),
        ("trapezoid", (np.ones((2, 3)), np.ones((2, 1)))),
        ("bilinear", (np.ones((4, 2)), np.ones((1, 3)), np.ones((2, 2, 3)))),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(name, args):
    with pytest.raises(RuntimeError, match=name.split(".")[-1]):
        operator.attrgetter(name)(lineal)(*map(tensors, args))


ALONG = """
amin amax aminmax any all nansum nanmean var var_mean std std_mean sum mean prod argmax argmin logsumexp softmax log_softmax
cumsum cumprod cummax cummin logcumsumexp median nanmedian mode sort argsort count_nonzero unbind flip squeeze
""".split()


@pytest.mark.parametrize("name", ALONG)
def test_a_dimension_out_of_range_is_told_by_the_function_that_was_called(name):
    with pytest.raises(IndexError, match=f"^{name}: Dimension out of range .* got 5"):
        getattr(lineal, name)(lineal.ones(2, 3), dim=5) if name != "flip" else lineal.flip(lineal.ones(2, 3), (5,))
