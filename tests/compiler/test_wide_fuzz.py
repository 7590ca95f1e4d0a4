"""Random programs of every kind, compiled against eager; `fuzz/run.py` runs as many as are wanted, in parallel processes."""

import sys

import pytest
from fuzz.comparing import compared
from fuzz.objects import in_memory
from fuzz.shrinking import small
from fuzz.statements import program

from lineal.codegen.cpython import layout
from lineal.codegen.engine import engine

BLOCK, FIRST_BLOCK, MANY = 250, 100, 26
"""How many programs a slow test runs, and the one that is not; how many tests there are."""
FIRST = 50_000 * (sys.version_info.minor - 11)
"""The first of the default seeds: each Python has its own 100, which with the slow ones makes 6,550 programs in a CI run."""


@pytest.fixture
def quick_objects():
    """Object code made quickly, and kept in memory, for the time of a test."""
    using, ndarray = engine(), layout.ndarray
    before = dict(vars(using))
    in_memory()
    yield
    vars(using).clear()
    vars(using).update(before)
    layout.ndarray = ndarray


def run(first, count):
    """Run programs; the first that differs is made small and shown.

    A sum that begins with 0 has no -0.0, one that begins with its first number has: the signs of zeros are left to `run.py`.
    """
    native = 0
    for seed in range(first, first + count):
        report = compared(program(seed), zeros=False)
        native += report.native
        if report.mismatch:
            pytest.fail(f"program {seed}: {report.mismatch}\n{small(program(seed))}")
    assert native > 0.8 * count, f"only {native} of {count} programs ran natively"


@pytest.mark.usefixtures("quick_objects")
def test_programs():
    run(FIRST, FIRST_BLOCK)


@pytest.mark.parametrize("block", range(4))
@pytest.mark.slow
def test_programs_called_without_python(block):
    run(100_000 + 20 * block, 20)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_objects")
@pytest.mark.parametrize("block", range(1, MANY))
def test_many_programs(block):
    run(BLOCK * block, BLOCK)
