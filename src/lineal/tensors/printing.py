"""A tensor as text: nested brackets, broken lines, and what stands after the numbers, to the character as PyTorch prints it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from lineal.tensors.formatting import edges, figures, shortened, visible
from lineal.tensors.printoptions import options

__all__: list[str] = []

COMPLEX_OF = {"float64": "complex128"}


def format_tensor(
    value: np.ndarray,
    *,
    default_dtype: str = "float32",
    requires_grad: bool = False,
    grad_fn: str | None = None,
    device: str | None = None,
    kind: str = "tensor",
) -> str:
    """Return the repr of a tensor that holds `value`; an array of another class is one without numbers.

    `default_dtype` is the name of the default dtype, `grad_fn` the name of the node that made the tensor ("MulBackward0"),
    `device` the device if it is not the default one, `kind` the name of the class if it is neither Tensor nor Parameter.
    """
    start = kind + "("
    suffixes = [] if device is None else [f"device='{device}'"]
    suffixes += described(value, default_dtype)
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    text = numbers(value, len(start)) if isinstance(value, np.ndarray) else "..."
    return followed(start + text, suffixes, len(start))


def numbers(value: np.ndarray, indent: int) -> str:
    """Return the elements in brackets; lines after the first are indented by `indent`."""
    if value.size == 0 or (value.ndim and not options.edgeitems and value.size > options.threshold):
        return "[...]" if value.size else "[]"
    cuts = shortened(value.shape)
    texts, width = figures(visible(value, cuts))
    return block(iter(texts), value.shape, cuts, width, indent)


def block(texts: Iterator[str], shape: tuple[int, ...], cuts: tuple[bool, ...], width: int, indent: int) -> str:
    """Return the next block of this shape from `texts`: one text, a row, or a bracket of blocks."""
    if not shape:
        return next(texts)
    if len(shape) == 1:
        return row(texts, shape[0], cuts[0], width, indent)
    parts = [block(texts, shape[1:], cuts[1:], width, indent + 1) for _ in edges(shape[0], cuts[0])]
    if cuts[0]:
        parts.insert(options.edgeitems, "...")
    gap = "," + "\n" * (len(shape) - 1) + " " * (indent + 1)
    return f"[{gap.join(parts)}]"


def row(texts: Iterator[str], size: int, cut: bool, width: int, indent: int) -> str:
    """Return the next row of `size` elements, broken into lines of equally many."""
    cells = list(islice(texts, len(edges(size, cut))))
    if cut:
        cells.insert(options.edgeitems, " ...")
    per_line = max(1, int(min((options.linewidth - indent) / (width + 2), len(cells))))
    lines = [", ".join(cells[first : first + per_line]) for first in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def described(value: np.ndarray, default_dtype: str) -> list[str]:
    """Return what the numbers alone do not tell: the size, and the dtype unless digits or the default dtype give it away."""
    name = value.dtype.name
    if not isinstance(value, np.ndarray):
        sized, typed = True, name != default_dtype
    elif value.size == 0:
        sized, typed = value.ndim != 1, name != default_dtype
    else:
        expected = ("int64", "bool", default_dtype, COMPLEX_OF.get(default_dtype, "complex64"))
        sized, typed = not options.edgeitems, name not in expected
    size = [f"size={tuple(value.shape)}"] if sized else []
    return [*size, f"dtype=torch.{name}"] if typed else size


def followed(text: str, suffixes: list[str], indent: int) -> str:
    """Append `suffixes` and the closing bracket, each on a line of its own where the last line is full."""
    # PyTorch counts two characters too many for the line of the numbers, and so must we
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > options.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"
