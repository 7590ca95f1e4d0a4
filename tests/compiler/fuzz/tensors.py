"""The tensors that programs are given: numbers by seed, and how they lie in memory."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import lru_cache

import numpy as np

import lineal as torch
from fuzz.programs import Given, Turn

__all__ = ["made"]

ODD = {
    "nan": (np.nan, 0.5),
    "inf": (np.inf, -np.inf, 0.25),
    "zeros": (0.0, -0.0),
    "huge": (1e30, 1e25, 2.0),
    "tiny": (1e-30, -1e-38, 0.0),
    "ties": (1.0, -1.0, 0.5),
}
"""What some of the numbers are instead, by the kind of numbers that a call has."""


def made(given: Given, turn: Turn, names: dict[str, object]) -> torch.Tensor:
    """Return the tensor for a call; `names` are the tensors made before."""
    if given.of:
        return eval(given.of, {"torch": torch, **names})
    wanted = turned(given, turn)
    x = laid(numbers(wanted, turn), getattr(torch, wanted.dtype), wanted.layout)
    return x.requires_grad_() if wanted.grad else x


def turned(given: Given, turn: Turn) -> Given:
    """Return what is given at this call."""
    shape = (given.shape[0] + turn.grown, *given.shape[1:]) if turn.grown and given.shape else given.shape
    return replace(given, shape=shape, layout=turn.layout or given.layout, grad=given.grad and turn.grad != "none")


@lru_cache(64)
def numbers(given: Given, turn: Turn) -> np.ndarray:
    """Return the numbers; RandomState is the generator whose numbers never change."""
    random = np.random.RandomState([turn.seed, zlib.crc32(given.name.encode()) & 0xFFFF])
    if given.high:
        low = -given.high if turn.indices == "negative" else 0
        array = random.randint(low, given.high, given.shape)
        if turn.indices == "outside" and array.size:
            array.flat[random.randint(array.size)] = (given.high, -given.high - 1, 3 * given.high)[random.randint(3)]
        return array
    if given.dtype == "bool":
        return random.random_sample(given.shape) < 0.5
    if "int" in given.dtype:
        return random.randint(0 if given.dtype.startswith("u") else -4, 6, given.shape)
    array = random.standard_normal(given.shape)
    if given.dtype.startswith("complex"):
        array = array + 1j * random.standard_normal(given.shape)
    if turn.numbers in ODD:
        array = np.where(random.random_sample(given.shape) < 0.3, random.choice(ODD[turn.numbers], given.shape), array)
    return array


def laid(array: np.ndarray, dtype, layout: str) -> torch.Tensor:
    """Return numbers as a tensor: dense, transposed, with gaps, behind others in memory, or one row shown many times."""
    array = np.asarray(array)
    if layout == "transposed" and array.ndim > 1:
        return torch.tensor(np.ascontiguousarray(array.T), dtype=dtype).permute(*reversed(range(array.ndim)))
    if layout == "gaps":
        return torch.tensor(np.stack([array, array], -1), dtype=dtype)[..., 0]
    if layout == "behind":
        return torch.tensor(np.concatenate([np.zeros(3, array.dtype), array.ravel()]), dtype=dtype)[3:].view(array.shape)
    if layout == "expanded" and array.ndim and array.shape[0] > 1:
        return torch.tensor(array[:1], dtype=dtype).expand(*array.shape)
    return torch.tensor(array, dtype=dtype)
