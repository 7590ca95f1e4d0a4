"""Writes through views that are views only as their base lies: values, gradients, programs and vmap, for every layout."""

from __future__ import annotations

import numpy as np
import pytest

import lineal as torch
from lineal.testing import gradcheck, gradgradcheck

LAYOUTS = {
    "dense": lambda x: x.reshape(4, 3),
    "transposed": lambda x: x.reshape(3, 4).t(),
    "permuted": lambda x: x.reshape(2, 3, 2).permute(2, 0, 1),
    "apart": lambda x: torch.cat([x, x]).reshape(4, 6)[:, ::2],
    "behind": lambda x: torch.cat([x, x])[5:17].reshape(3, 4).t(),
}
VIEWS = {
    "flat": lambda b: b.view(-1),
    "transposed, then flat": lambda b: b.permute(*reversed(range(b.dim()))).view(-1),
    "in another order, then flat": lambda b: b.permute(*range(1, b.dim()), 0).view(-1),
    "a part of what is flat": lambda b: b.permute(*range(1, b.dim()), 0).view(-1)[1:7],
    "flattened": lambda b: b.movedim(0, -1).flatten(),
    "unflattened": lambda b: b.permute(*range(1, b.dim()), 0).flatten().unflatten(0, (3, -1))[1],
    "strided": lambda b: b.as_strided((2, 2), (1, 2), 1),
    "transposed, then strided": lambda b: b.permute(*reversed(range(b.dim()))).as_strided((3,), (2,)),
    "diagonal": lambda b: b.movedim(0, -1).diagonal(),
    "windows": lambda b: b.unfold(0, 2, 2),
}


def written(layout, view):
    def f(x):
        # a copy that lies as its source does
        base = LAYOUTS[layout](x).clone()
        part = VIEWS[view](base)
        part.mul_(3)
        part.sin_()
        return base

    return f


def suits(layout, view):
    """Whether the view is one of memory that lies so, and shows each element once."""
    base = LAYOUTS[layout](torch.arange(12.0)).clone()
    try:
        part = VIEWS[view](base)
    except RuntimeError:
        return False
    return np.may_share_memory(part.numpy(), base.numpy())


CASES = [(layout, view) for layout in LAYOUTS for view in VIEWS if suits(layout, view)]


@pytest.mark.parametrize(("layout", "view"), CASES)
def test_every_reader_writes_through_the_view(layout, view):
    f = written(layout, view)
    x = torch.linspace(-1, 1, 12, dtype=torch.float64)
    base = LAYOUTS[layout](x).clone().numpy()
    part = VIEWS[view](torch.from_numpy(base))
    part.numpy()[...] = torch.sin(part * 3).numpy()
    wanted = torch.from_numpy(base)
    leaf = x.clone().requires_grad_()
    torch.testing.assert_close(f(leaf), wanted)
    assert gradcheck(f, (leaf,))
    assert gradgradcheck(f, (leaf,))
    torch.testing.assert_close(torch.vmap(f)(torch.stack([x, x + 1]))[0], wanted)
    compiled = torch.compile(f)
    (gradient,) = torch.autograd.grad(f(leaf).square().sum(), leaf)
    for _ in range(3):
        y = compiled(leaf)
        torch.testing.assert_close(y, wanted)
        torch.testing.assert_close(torch.autograd.grad(y.square().sum(), leaf)[0], gradient)
        torch.testing.assert_close(compiled(x), wanted)


@pytest.mark.parametrize(("layout", "view"), CASES)
def test_programs_write_through_views_of_their_arguments(layout, view):
    def f(base):
        with torch.no_grad():
            VIEWS[view](base).clamp_(-0.25, 0.25)
        return base.sum()

    compiled = torch.compile(f)
    for turn in range(3):
        x = torch.linspace(-1, 1 + turn, 12)
        one, other = LAYOUTS[layout](x).clone(), LAYOUTS[layout](x).clone()
        torch.testing.assert_close(compiled(one), f(other))
        torch.testing.assert_close(one, other)
