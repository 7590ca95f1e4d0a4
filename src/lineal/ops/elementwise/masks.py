"""Rows with a condition that derivatives are made of: a cotangent where something holds, zero elsewhere."""

from __future__ import annotations

from lineal.ops.front import row

__all__: list[str] = []

keep = row("keep", lambda m, g, c: m.where(c, g, 0), lambda h, c: keep(h, c), None)
"""keep(g, c) is g where the bool c holds, else 0."""

drop = row("drop", lambda m, g, c: m.where(c, 0, g), lambda h, c: drop(h, c), None)
"""drop(g, c) is 0 where the bool c holds, else g."""
