"""Fresh draws on any device."""

from __future__ import annotations

from typing import Any

from lineal.base.devices import device
from lineal.base.platforms import PLATFORMS
from lineal.ops.conversion import transferred
from lineal.ops.creation import Empty, made
from lineal.ops.random.generator import Generator, default_generator
from lineal.ops.random.sampling import Sample


def drawn(op: Sample, generator: Generator | None, where: device) -> Any:
    """Return what `op` makes of the generator's state, on a device; where there are no numbers, nothing is drawn."""
    if not PLATFORMS[where.type].numbers:
        return made(Empty(op.shape, op.target), where)
    return transferred((generator or default_generator).draw(op), where)
