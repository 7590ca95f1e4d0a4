"""Every test starts from the same random state, so that what it draws does not depend on the tests before it."""

from __future__ import annotations

import random

import numpy as np
import pytest

import lineal


@pytest.fixture(autouse=True)
def same_random_numbers():
    random.seed(0)
    np.random.seed(0)
    lineal.manual_seed(0)
