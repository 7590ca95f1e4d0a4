"""All random states that a run depends on, as plain values that a checkpoint holds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.ops import Generator, get_rng_state, set_rng_state

__all__ = ["random_state", "set_random_state"]


def random_state(generators: Sequence[Generator] = ()) -> dict[str, Any]:
    """Return the state of lineal's, Python's and NumPy's global generators, and of the given ones."""
    kind, keys, place, has_gauss, gauss = np.random.get_state()
    return {
        "lineal": get_rng_state(),
        "python": random.getstate(),
        "numpy": (str(kind), np.asarray(keys, np.uint32).tobytes(), int(place), int(has_gauss), float(gauss)),
        "generators": [each.get_state() for each in generators],
    }


def set_random_state(state: dict[str, Any], generators: Sequence[Generator] = ()) -> None:
    """Put back what `random_state` returned; ValueError if it was taken with another number of generators."""
    if len(state["generators"]) != len(generators):
        raise ValueError(f"resume: the run had {len(state['generators'])} generators, the loader has {len(generators)}")
    set_rng_state(state["lineal"])
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.frombuffer(keys, np.uint32), *rest))
    for each, held in zip(generators, state["generators"]):
        each.set_state(held)
