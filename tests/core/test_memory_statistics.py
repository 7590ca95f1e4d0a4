"""How much memory the process has, as Linux and its C library tell."""

import pathlib

import pytest

import lineal
from lineal import memory

LINUX = pathlib.Path("/proc/self/clear_refs").exists() and memory.heap_info() is not None
pytestmark = pytest.mark.skipif(not LINUX, reason="the system does not tell")


def test_what_is_made_is_counted_and_what_is_freed_is_not():
    before = memory.allocated()
    x = lineal.ones(1 << 21)
    made = memory.allocated() - before
    del x
    assert made >= 1 << 23 > memory.allocated() - before


def test_the_peak_begins_anew():
    x = lineal.ones(1 << 23)
    high = memory.peak()
    del x
    memory.release()
    memory.reset_peak()
    assert memory.peak() < high and memory.reserved() <= memory.peak()


def test_statistics_have_the_names_of_the_numbers():
    found = memory.stats()
    assert found["reserved_bytes.all.peak"] >= found["reserved_bytes.all.current"] > 0
    assert all(name in memory.summary() for name in found)
