"""Random words of emitted code are NumPy's, and so are the numbers made of them."""

import numpy as np
import pytest

import lineal
from lineal.codegen import philox
from lineal.ops.random import generator

COUNTS = (0, 1, 3, 4, 9, 257, 100_003)
STATE = np.array([-5, 7], np.int64)


def words(count, storage):
    key, draw = (int(each) & (1 << 64) - 1 for each in STATE)
    found = np.random.Philox(key=key, counter=draw << 128).random_raw(count)
    return found.view(storage)[:count]


@pytest.mark.parametrize("storage", (np.uint64, np.uint32))
def test_words_are_numpys(storage):
    for count in COUNTS:
        assert np.array_equal(philox.filled(STATE, np.dtype(storage), count), words(count, storage))


@pytest.mark.parametrize(("storage", "source", "digits"), ((np.float64, np.uint64, 53), (np.float32, np.uint32, 24)))
def test_numbers_are_the_upper_digits_of_words(storage, source, digits):
    for count in COUNTS:
        made = philox.filled(STATE, np.dtype(storage), count)
        shifted = words(count, source) >> source(8 * np.dtype(source).itemsize - digits)
        assert made.dtype == storage
        assert np.array_equal(made, shifted * storage(2.0**-digits))


def test_numbers_do_not_depend_on_threads():
    before = lineal.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            lineal.set_num_threads(threads)
            found.append(philox.filled(STATE, np.dtype(np.float32), 300_001))
    finally:
        lineal.set_num_threads(before)
    assert np.array_equal(*found)


DRAWS = {
    "rand": lambda n: lineal.rand(n),
    "rand, double": lambda n: lineal.rand(n, dtype=lineal.float64),
    "randn": lambda n: lineal.randn(n),
    "randn, half": lambda n: lineal.randn(n, dtype=lineal.float16),
    "randint": lambda n: lineal.randint(0, 10, (n,)),
    "randperm": lambda n: lineal.randperm(n),
    "bernoulli": lambda n: lineal.bernoulli(lineal.full((n,), 0.3)),
    "dropout": lambda n: lineal.nn.functional.dropout(lineal.ones(n), 0.2),
    "multinomial": lambda n: lineal.multinomial(lineal.ones(n + 3), 2),
    "uniform": lambda n: lineal.empty(n).uniform_(-1, 2),
    "exponential": lambda n: lineal.empty(n).exponential_(),
    "gamma": lambda n: lineal.distributions.Gamma(lineal.ones(n), 1.0).sample(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_made_of_words_does_not_depend_on_who_makes_them(name, monkeypatch):
    for count in (1, 2, 7, 8, 100, 1001):
        found = []
        for native in (False, True):
            monkeypatch.setattr(generator._least, "reached", lambda size, native=native: native)
            lineal.manual_seed(3)
            found.append((DRAWS[name](count).double().numpy().tobytes(), lineal.get_rng_state().numpy().tobytes()))
        assert found[0] == found[1], count


def test_whole_numbers_are_what_divisions_leave():
    for low, span in ((0, 1), (-7, 3), (0, 100), (-(1 << 63), (1 << 63) - 1), (9, (1 << 62) + 12345)):
        expected = words(1003, np.uint64) % np.uint64(span) + np.uint64(low & (1 << 64) - 1)
        assert np.array_equal(philox.integers(STATE, 1003, low, span), expected.view(np.int64))
