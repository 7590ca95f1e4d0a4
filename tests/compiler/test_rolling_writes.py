"""Loops that write slice by slice, where nothing is remembered, or not everything."""

from __future__ import annotations

import pytest
from test_rolling import loops

import lineal as torch


@pytest.mark.parametrize("quiet", [False, True])
def test_what_is_read_without_history_gets_none(quiet):
    """A slice that was written is what was written to it, but for whom reads it where nothing is remembered."""

    def f(x):
        out, total = torch.zeros(10, 3), 0
        for n in range(10):
            out[n] = x[n].sin()
            with torch.set_grad_enabled(not quiet):
                seen = out[n]
            total = total + seen.sum()
        return total, out

    def silent(x):
        out = torch.zeros(10, 3)
        for n in range(10):
            with torch.no_grad():
                out[n] = x[n].sin()
        return (out * x).sum(), x * 2

    for function in (f, silent):
        compiled = torch.compile(function)
        for _ in range(3):
            found = []
            for g in (compiled, function):
                x = torch.linspace(0, 1, 30).reshape(10, 3).requires_grad_()
                y, out = g(x)
                (y + out.square().sum()).backward()
                found.append((y, out, x.grad))
            torch.testing.assert_close(*found)


def test_inference_that_writes_slices_is_a_loop():
    def f(xs, W):
        out, h = torch.empty(len(xs), 3), torch.zeros(3)
        with torch.no_grad():
            for n in range(len(xs)):
                h = torch.tanh(xs[n] @ W + h)
                out[n] = h
        return out

    compiled = torch.compile(f)
    xs, W = torch.rand(30, 3), torch.rand(3, 3)
    for _ in range(3):
        torch.testing.assert_close(compiled(xs, W), f(xs, W))
    (loop,) = loops(compiled)
    assert loop.turns == 30
