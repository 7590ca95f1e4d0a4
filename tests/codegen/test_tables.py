"""The polynomials of mathlib are as close to their functions as their formats need."""

import mpmath as mp
import numpy as np
import pytest

from lineal.codegen.mathlib import specialtables, tables

from . import remez

# the largest weighted error, as a power of two; EXP2_SHORT's is a small part
NEEDED = {"f": -23.8, "d": -52, "w": -36, "EXP2_SHORT": -22}
TABLES = vars(tables) | vars(specialtables)
STORED = [(name, key) for name in remez.GOALS for key in TABLES[name]]


@pytest.mark.parametrize(("name", "key"), STORED)
def test_stored_polynomials_are_close_to_their_functions(name, key):
    goal = remez.GOALS[name]
    terms = [mp.mpf(c) for c in TABLES[name][key]]
    # these take a root each
    count = 12 if name.startswith("ERFINV") else 40
    with mp.workdps(40):
        largest = max(abs(remez.error(goal, terms, x)) for x in remez.nodes(goal, count))
    assert mp.log(largest, 2) < NEEDED.get(name, NEEDED[key])


def test_every_polynomial_has_its_goal():
    assert {name for name, value in TABLES.items() if isinstance(value, dict) and name.isupper()} - set(remez.GOALS) == {
        "HALF_PI", "HALF_PI_SUM", "LOG2E", "LOG10E", "LOG10_2", "LN2",
    }  # fmt: skip


def test_the_search_finds_what_is_stored():
    _, terms = remez.best(remez.GOALS["SIN"], 2)
    assert tuple(float(np.float32(float(c))) for c in terms) == tables.SIN["f"]


@pytest.mark.parametrize("name", ["HALF_PI", "HALF_PI_SUM", "LN2"])
def test_constants_in_parts_add_up(name):
    with mp.workdps(60):
        exact = mp.log(2) if name == "LN2" else mp.pi / 2
        for key, bits in (("f", 38), ("d", 80)):
            assert abs(mp.fsum(map(mp.mpf, getattr(tables, name)[key])) - exact) < mp.mpf(2) ** -bits


def test_the_zero_of_digamma_is_exact():
    with mp.workdps(60):
        assert abs(mp.fsum(map(mp.mpf, specialtables.DIGAMMA_ZERO)) - remez.ZERO) < mp.mpf(2) ** -105
