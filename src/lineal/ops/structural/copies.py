"""The views as copies: each `…_copy` is its view, cloned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.ops.front import store
from lineal.ops.structural.axes import permute, squeeze, t, transpose, unsqueeze
from lineal.ops.structural.diagonals import diagonal
from lineal.ops.structural.expanding import expand
from lineal.ops.structural.joining import split_with_sizes
from lineal.ops.structural.reshape import contiguous, view
from lineal.ops.structural.slicing import narrow, select, slice_view
from lineal.ops.structural.stacking import unbind
from lineal.ops.structural.striding import as_strided
from lineal.ops.structural.windows import unfold

__all__ = [
    "alias_copy",
    "as_strided_copy",
    "diagonal_copy",
    "expand_copy",
    "narrow_copy",
    "permute_copy",
    "select_copy",
    "slice_copy",
    "split_with_sizes_copy",
    "squeeze_copy",
    "t_copy",
    "transpose_copy",
    "unbind_copy",
    "unfold_copy",
    "unsqueeze_copy",
    "view_copy",
]

R = TypeVar("R")


def copying(function: Callable[..., R], name: str) -> Callable[..., R]:
    """Return the function that copies what the view function `function` gives: one tensor or several."""

    def front(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        found: Any = function(input, *args, **kwargs)
        if isinstance(found, tuple):
            ys = [fresh(each, input) for each in found]
            return tuple(ys) if out is None else tuple([store(y, each, name) for y, each in zip(ys, out)])
        y = fresh(found, input)
        return y if out is None else store(y, out, name)

    front.__name__ = front.__qualname__ = name
    front.__annotations__["return"] = function.__annotations__["return"]
    front.__doc__ = f"Return a copy of what `{function.__name__}` gives as a view."
    return public(front)


def fresh(y: Tensor, input: Tensor) -> Any:
    """Return a C-contiguous copy of a view."""
    made = contiguous(y)
    return made.clone() if made is y else made


def alias(input: Tensor) -> Tensor:
    """Return a view of all of input."""
    return view(input, input.value.shape) if input.value.flags.c_contiguous else permute(input, tuple(range(input.value.ndim)))


alias_copy = copying(alias, "alias_copy")
as_strided_copy = copying(as_strided, "as_strided_copy")
diagonal_copy = copying(diagonal, "diagonal_copy")
expand_copy = copying(expand, "expand_copy")
narrow_copy = copying(narrow, "narrow_copy")
permute_copy = copying(permute, "permute_copy")
select_copy = copying(select, "select_copy")
slice_copy = copying(slice_view, "slice_copy")
split_with_sizes_copy = copying(split_with_sizes, "split_with_sizes_copy")
squeeze_copy = copying(squeeze, "squeeze_copy")
t_copy = copying(t, "t_copy")
transpose_copy = copying(transpose, "transpose_copy")
unbind_copy = copying(unbind, "unbind_copy")
unfold_copy = copying(unfold, "unfold_copy")
unsqueeze_copy = copying(unsqueeze, "unsqueeze_copy")
view_copy = copying(view, "view_copy")
