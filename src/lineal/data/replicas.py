"""A worker's own copy of a data set, for worker threads share what PyTorch's worker processes would each have a copy of.

Copied are the data set, the data sets in it, the random generators it holds, and the objects on the way to them; everything
else (arrays, tensors, open files, other objects) is shared with the other workers and the main thread.
"""

from __future__ import annotations

import copy
import random
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from lineal.base import later
from lineal.core import AbstractTensor
from lineal.data.dataset import Dataset
from lineal.nn import Module
from lineal.ops.random.generator import Generator, default_generator

__all__ = ["replica"]

GENERATORS = (random.Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator)
SHARED = (AbstractTensor, np.ndarray, Module, type, ModuleType, FunctionType, later.Later, str, bytes)
MOST_ENTRIES = 64
"""Up to how many entries a list, tuple or dict is looked through."""


def replica(dataset: Any) -> Any:
    """Return the copy of a data set for one worker; the data set itself if it cannot be copied."""
    made: dict[int, Any] = {}
    found = copied(dataset, made)
    return reopened(dataset, {}, made) if found is dataset else found


def copied(x: Any, made: dict[int, Any]) -> Any:
    """Return `x`, or a copy if it is or holds what each worker has for itself; `made` holds the copies by identity."""
    if id(x) in made:
        return made[id(x)]
    made[id(x)] = x
    if isinstance(x, GENERATORS):
        made[id(x)] = copy.deepcopy(x)
    elif isinstance(x, Generator):
        made[id(x)] = x if x is default_generator else x.clone_state()
    elif type(x) in (list, tuple, dict) and len(x) <= MOST_ENTRIES:
        made[id(x)] = entries(x, made)
    elif not isinstance(x, SHARED) and type(getattr(x, "__dict__", None)) is dict:
        if isinstance(x, Dataset):
            made[id(x)] = reopened(x, {}, made)
        mine = {name: copied(value, made) for name, value in vars(x).items()}
        changed = {name: value for name, value in mine.items() if value is not vars(x)[name]}
        if changed:
            made[id(x)] = reopened(x, changed, made)
    return made[id(x)]


def entries(x: Any, made: dict[int, Any]) -> Any:
    """Return a container, or one with copies in it if there is something to copy."""
    values = x.values() if type(x) is dict else x
    mine = [copied(each, made) for each in values]
    if all(a is b for a, b in zip(mine, values)):
        return x
    return dict(zip(x, mine)) if type(x) is dict else type(x)(mine)


def reopened(x: Any, changed: dict[str, Any], made: dict[int, Any]) -> Any:
    """Return a shallow copy of an object with changed attributes, or itself if a second one would do harm."""
    if hasattr(type(x), "__del__") or not hasattr(x, "__dict__"):
        # the end of the copy would close what the others still use
        return x
    mine = made[id(x)]
    if mine is x:
        try:
            mine = copy.copy(x)
        except Exception:
            return x
    vars(mine).update(changed)
    return mine
