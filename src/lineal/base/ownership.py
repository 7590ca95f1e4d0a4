"""Whose a class or a module is, by the first part of its module's name."""

from __future__ import annotations

OURS = {"lineal"}
"""`lineal`; `torch` too in a process where `lineal.as_torch` gave the public classes that name."""


def is_ours(module: object) -> bool:
    """Return whether a module of this name is lineal's."""
    return isinstance(module, str) and module.partition(".")[0] in OURS
