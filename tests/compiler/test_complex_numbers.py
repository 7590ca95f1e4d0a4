"""Complex numbers in programs, which leave them to the host: results that are views, captured or written are copied there."""

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import compile


def made(seed):
    random = np.random.default_rng(seed)
    return random.normal(size=(2, 3)) + 1j * random.normal(size=(2, 3))


C = torch.tensor(made(1))
FUNCTIONS = {
    "captured": lambda a, w: (C, a * 2),
    "transposed": lambda a, w: (a * 2).T,
    "two views": lambda a, w: ((a * 2)[0], (a * 2)[1]),
    "reshaped": lambda a, w: (a * 3).T.reshape(-1),
    "twice": lambda a, w: [a * 2] * 2,
    "expanded": lambda a, w: a.sum(0).expand(2, 3),
    "argument": lambda a, w: a,
    "view of an argument": lambda a, w: (a[0], a.T.clone()),
    "written": lambda a, w: (a.mul_(2), a.sum())[1],
    "another is written": lambda a, w: (w.add_(a), w[0])[1],
    "a view is written": lambda a, w: (w[0].copy_(a[1]), w * 1)[1],
    "a transposed one is written": lambda a, w: (w.T.copy_(a.T), w * 1)[1],
    "parts": lambda a, w: (a.real * 2, a.imag),
    "chosen": lambda a, w: torch.where(a.real > 0, a, C),
    "joined": lambda a, w: torch.cat([a, C]),
}


def numbers(*results):
    return [y.numpy() for x in results for y in (x if isinstance(x, (tuple, list)) else [x])]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_programs_of_complex_numbers(name):
    compiled = compile(FUNCTIONS[name])
    for seed in range(4):
        got, want = [], []
        for function, into in ((compiled, got), (FUNCTIONS[name], want)):
            a, w = torch.tensor(made(seed)), torch.tensor(made(seed + 9))
            into += numbers(function(a, w), a, w)
        for x, y in zip(got, want, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_allclose(x, y, rtol=1e-14)
    assert compiled.eager is None
