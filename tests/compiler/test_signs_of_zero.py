"""Sums start at 0, which makes that of -0 alone 0: eager, compiled and batched, of one element as of many."""

from collections.abc import Callable

import pytest

import lineal as torch

FIRST = torch.tensor([0])
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
    "scatter_add": lambda x: torch.zeros(2, dtype=x.dtype).scatter_add(0, FIRST, x.reshape(-1)[:1]),
    "gather": lambda x: torch.func.vjp(lambda w: w.gather(1, FIRST[None]), torch.zeros(1, 4, dtype=x.dtype))[1](
        x.reshape(1, -1)[:, :1]
    )[0],
    "index_add": lambda x: torch.full((1,), -0.0, dtype=x.dtype).index_add(0, FIRST, x.reshape(-1)[:1]),
    "inside": lambda x: torch.atan2(x, x.sum()),
}
SHAPES = ((), (1,), (1, 1), (3,), (3, 1), (1, 40), (40, 3))


KEPT = ("largest", "inside", "index_add")
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
