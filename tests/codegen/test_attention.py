"""Attention by tiles: every form at every vector length, against its formula in float64; the same bits on any threads."""

import itertools

import numpy as np
import pytest

from lineal.base.threads import get_num_threads, set_num_threads
from lineal.codegen import target
from lineal.codegen.attention import arrays
from lineal.codegen.attention.problem import KEYS, MOST, chunks_of
from lineal.ops.contraction.attention import Attention

from .harness import LEVELS

EPS = {"float32": 2.0**-24, "float64": 2.0**-53}
MASKS = ("", "bool", "numbers", "keys", "queries")
# fewer and more than a strip, a block of queries and a block of keys; more queries than keys, and fewer
SIZES = [(1, 1), (7, 200), (97, 129), (200, 40), (300, 300)]


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setattr(arrays, "worth", lambda *given: True)


def formula(q, k, v, g, mask, scale, causal, kept=1.0):
    """Return an attention and the cotangents of its factors in float64; weights are multiplied by what is kept of them."""
    q, k, v, g = (each.astype(np.float64) for each in (q, k, v, g))
    s = q @ k.mT * scale
    if mask is not None:
        s = np.where(mask, s, -np.inf) if mask.dtype == bool else s + mask
    if causal:
        s = np.where(np.tri(*s.shape[-2:], dtype=bool), s, -np.inf)
    e = np.exp(s - np.maximum(s.max(-1, keepdims=True), -1e300))
    p = e / np.maximum(e.sum(-1, keepdims=True), 1)
    z = g @ v.mT * kept
    z = p * (z - (p * z).sum(-1, keepdims=True)) * scale
    return (p * kept) @ v, z @ k, z.mT @ q, (p * kept).mT @ g


def numbers(rng, dtype, *shape):
    """Return random numbers that lie in order, or by columns with gaps, or the same for all heads."""
    way = rng.integers(3)
    *lead, m, n = shape
    if way == 0:
        return rng.standard_normal(shape).astype(dtype)
    if way == 1:
        return rng.standard_normal((*lead, n, 2 * m)).astype(dtype).mT[..., ::2, :]
    return np.broadcast_to(rng.standard_normal((m, n)).astype(dtype), shape)


def mask_of(rng, kind, queries, keys, dtype):
    """Return a mask, which hides some queries' keys altogether."""
    seen = rng.random((queries, keys)) < 0.6
    seen[queries // 2] = False
    return {
        "": None,
        "bool": seen,
        "numbers": rng.standard_normal((queries, keys)).astype(dtype),
        "keys": np.where(seen[:1], 0.0, -np.inf).astype(dtype),
        "queries": seen[:, :1],
    }[kind]


def both(q, k, v, g, mask, scale, causal, dropped=0.0, state=None):
    """Return what the routines make."""
    masks = [] if mask is None else [np.broadcast_to(mask, (*q.shape[:-1], k.shape[-2]))]
    op = Attention(scale, causal, True, dropped)
    y, total = arrays.attended(op, q, k, v, masks, state)
    return y, *arrays.pulled_back(op, g, q, k, v, y, total, masks, state)


def check(rng, dtype, lead, sizes, widths, kind, causal):
    """Hold one attention against its formula."""
    (queries, keys), (width, out) = sizes, widths
    shapes = ((queries, width), (keys, width), (keys, out), (queries, out))
    given = [numbers(rng, dtype, *lead, *shape) for shape in shapes]
    mask = mask_of(rng, kind, queries, keys, dtype)
    found, expected = (function(*given, mask, width**-0.5, causal) for function in (both, formula))
    for y, wanted in zip(found, expected):
        assert np.abs(y - wanted).max() <= 40 * EPS[dtype] * max(1, np.abs(wanted).max()), (dtype, lead, sizes, kind, causal)


@pytest.mark.parametrize("seed", range(12))
def test_attention_is_its_formula(seed):
    rng = np.random.default_rng(seed)
    lead = [(), (2,), (2, 3), (1, 2, 2)][rng.integers(4)]
    widths = tuple(int(each) for each in rng.choice([1, 5, 16, 40, MOST], 2))
    kind = MASKS[rng.integers(len(MASKS))]
    check(rng, ("float32", "float64")[seed % 2], lead, SIZES[rng.integers(len(SIZES))], widths, kind, bool(rng.integers(2)))


@pytest.mark.parametrize("level", LEVELS)
def test_at_every_vector_length(level, monkeypatch):
    monkeypatch.setattr(arrays, "host", lambda: target.level(level))
    arrays.native.cache_clear()
    rng = np.random.default_rng(0)
    for dtype, causal in itertools.product(EPS, (False, True)):
        check(rng, dtype, (2,), (30, 150), (20, 9), "" if causal else "bool", causal)
    arrays.native.cache_clear()


@pytest.mark.parametrize("causal", [False, True])
def test_dropped_weights_are_those_that_the_op_tells(causal):
    rng, state, op = np.random.default_rng(3), np.array([-5, 9]), Attention(0.2, causal, True, 0.3)
    for dtype, (queries, keys) in zip(EPS, SIZES[2:4]):
        given = [rng.standard_normal((2, rows, 20)).astype(dtype) for rows in (queries, keys, keys, queries)]
        mask, kept = mask_of(rng, "bool", queries, keys, dtype), op.kept(np, (2, queries, keys), np.dtype(dtype), state)
        assert abs((kept == 0).mean() - op.dropped) < 0.02
        found = both(*given, mask, op.scale, causal, op.dropped, state)
        for y, wanted in zip(found, formula(*given, mask, op.scale, causal, kept)):
            assert np.abs(y - wanted).max() <= 40 * EPS[dtype] * max(1, np.abs(wanted).max()), dtype


def test_numbers_do_not_depend_on_threads():
    rng = np.random.default_rng(1)
    given = [rng.standard_normal((3, 600, 32)).astype(np.float32) for _ in range(4)]
    assert chunks_of(3, 600) == 3 > 600 // KEYS // 2
    found, before = [], get_num_threads()
    try:
        for count in (1, 2, 3):
            set_num_threads(count)
            found.append(both(*given, None, 0.2, True, 0.1, np.array([3, 4])))
    finally:
        set_num_threads(before)
    for other in found[1:]:
        for y, wanted in zip(found[0], other):
            np.testing.assert_array_equal(y, wanted)


def test_what_is_not_finite_stays_in_its_rows():
    rng = np.random.default_rng(2)
    q, k, v, g = (rng.standard_normal((1, 40, 8)).astype(np.float32) for _ in range(4))
    q[0, 3], q[0, 5] = np.nan, 0
    mask = np.zeros((40, 40), np.float32)
    mask[5], mask[7, 2] = -np.inf, np.inf
    y, by_q, by_k, _ = both(q, k, v, g, mask, 1.0, False)
    assert np.isnan(y[0, [3, 7]]).all()
    assert np.isfinite(np.delete(y[0], [3, 7], 0)).all()
    assert (y[0, 5] == 0).all()
    assert (by_q[0, 5] == 0).all()
    assert np.isnan(by_k).all()
