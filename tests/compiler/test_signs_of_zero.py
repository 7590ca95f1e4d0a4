"""Sums start at 0, which makes that of -0 alone 0: eager, compiled and batched, of one element as of many."""

from collections.abc import Callable

import pytest

import lineal as torch

SUMS: dict[str, Callable] = {
    "sum": lambda x: x.sum(),
    "along": lambda x: x.sum(-1),
    "mean": lambda x: x.mean(),
    "nansum": lambda x: x.nansum(),
    "cumsum": lambda x: x.reshape(-1).cumsum(0),
    "square": lambda x: (x * x * -1).sum(0),
    "largest": lambda x: x.amax(),
    "matmul": lambda x: x.reshape(-1) @ x.abs().reshape(-1),
    "likelihood": lambda x: torch.nn.functional.nll_loss(-x.reshape(-1)[:1], torch.tensor(0)),
    "inside": lambda x: torch.atan2(x, x.sum()),
}
SHAPES = ((), (1,), (1, 1), (3,), (3, 1), (1, 40), (40, 3))


KEPT = ("largest", "inside")
"""What is -0 again."""


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=str)
def test_signs_of_zero(name: str, shape: tuple[int, ...], dtype: torch.dtype):
    x = torch.full(shape, -0.0, dtype=dtype)
    f = lambda x: torch.signbit(SUMS[name](x))
    compiled = torch.compile(f)
    for y in (f(x), torch.vmap(f)(x[None])[0], *(compiled(x) for _ in range(3))):
        assert (y == (name in KEPT)).all()
