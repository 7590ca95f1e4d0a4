"""Every test starts from the same random state, so that what it draws does not depend on others; which are fast."""

from __future__ import annotations

import gc
import random

import numpy as np
import pytest

import lineal

FAST = ("core", "tracing", "ops")
"""The folders of the fast suite, `pytest -m fast`: whoever changes an op or the core runs it first."""


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name in FAST and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.fast)


@pytest.fixture(autouse=True)
def same_random_numbers():
    random.seed(0)
    np.random.seed(0)
    lineal.manual_seed(0)


@pytest.fixture(scope="module")
def collected():
    """What lives already is left out of collections, which would take most of the time of tests that count references."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
