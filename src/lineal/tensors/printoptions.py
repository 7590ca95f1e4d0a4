"""The print options: how many digits, how many elements, how wide."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

__all__ = ["set_printoptions"]


class PrintOptions:
    """What printing reads each time it prints; `options` below is the one instance."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: float = 80
    sci_mode: bool | None = None


options = PrintOptions()

PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; what is not given keeps its value, but `sci_mode` goes back to None (automatic).

    `precision` counts digits after the point. A tensor of more than `threshold` elements is shortened to `edgeitems` at both
    ends of each dimension. A line is broken before `linewidth` characters. `sci_mode` forces or forbids scientific notation.
    `profile` ("default", "short" or "full") sets the first four; those given beside it win. As in PyTorch, a profile of
    another name is ignored.
    """
    chosen: dict[str, Any] = dict(PROFILES.get(profile, {})) if profile is not None else {}
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen.update((name, value) for name, value in given.items() if value is not None)
    for name, value in chosen.items():
        setattr(options, name, value)
    options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the print options by name, as `set_printoptions` takes them."""
    return {name: getattr(options, name) for name in PrintOptions.__annotations__}


@contextlib.contextmanager
def printoptions(**changes: Any) -> Iterator[None]:
    """Print with other options inside a `with` block; the arguments are those of `set_printoptions`."""
    before = get_printoptions()
    set_printoptions(**changes)
    try:
        yield
    finally:
        set_printoptions(**before)
