"""`torch.ops`: the operators that programs have made, by namespace and name."""

from __future__ import annotations

from typing import Any

from lineal.library import KNOWN
from lineal.porting.missing import refuse

__all__: list[str] = []


class Namespace:
    """The operators of one namespace, each with its one form as `default`."""

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, name: str) -> Any:
        if f"{self.name}::{name}" not in KNOWN:
            refuse(f"torch.ops.{self.name}.{name}")
        return KNOWN[f"{self.name}::{name}"]


def __getattr__(name: str) -> Any:
    if name.startswith("__") or not any(each.startswith(f"{name}::") for each in KNOWN):
        raise AttributeError(name)
    return Namespace(name)
