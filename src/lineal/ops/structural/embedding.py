"""A view into zeros: the adjoint of every view whose elements do not overlap; and a view into a copy of something."""

from __future__ import annotations

import functools
from typing import Any

from lineal.base.spec import Shape
from lineal.core import AbstractTensor, Op, ViewScatter, apply
from lineal.core.op import ViewOp
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.front import store


class Embed(Op):
    """y = zeros of `shape` with x in the part that `view` looks at; x̄ = that part of ȳ."""

    view: ViewOp
    shape: Shape
    any_dtype = True

    @property
    def grad_name(self) -> str:
        return f"{self.view.grad_name.removesuffix('0')}Backward0"

    def eager(self, xp, x):
        y = xp.zeros(self.shape, x.dtype)
        self.view.eager(xp, y)[...] = x
        return y

    def vjp(self, needs, g, y, x):
        return (apply(self.view, g),)


_embed = functools.lru_cache(4096)(Embed)
_scatter = functools.lru_cache(4096)(ViewScatter)


def embed(x: AbstractTensor, view: Op, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with `x` in the part that `view` looks at."""
    return apply(_embed(view, shape), x)


def scatter_view(name: str, input: AbstractTensor, src: AbstractTensor, view: Op, out: Any = None) -> Any:
    """Return a copy of `input` with `src` in the part that `view` looks at; RuntimeError if the shapes differ."""
    wanted = view.run((input,)).shape
    if src.value.shape != wanted:
        raise RuntimeError(
            f"{name}: expected src to have a size equal to the slice of self, {list(wanted)}, got {list(src.value.shape)}"
        )
    y = apply(_scatter((view,)), input, cast(src, dtype_of(input)))
    return y if out is None else store(y, out, name)
