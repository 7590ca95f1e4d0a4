"""Routines that all programs share: named by what they are, written and compiled when their address is first asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.recipes import recipe, spelled
from lineal.codegen.target import Target
from lineal.codegen.threads import pool

__all__ = ["Native"]


class Native:
    """A routine that `write` writes under the name `stem`, for a target; `parts` tell all that decides its code."""

    def __init__(self, stem: str, target: Target, parts: tuple, write: Callable[[Emitter], Any]):
        self.stem, self.target, self.write = stem, target, write
        self.name = f"{stem}_{hashlib.sha256(spelled(parts).encode()).hexdigest()[:16]}"
        self.recipe = recipe(stem, target.cpu, target.features, parts)

    @cached_property
    def e(self) -> Emitter:
        """Its code."""
        e = Emitter(self.target)
        self.write(e)
        e.functions = [each.replace(f"@{self.stem}", f"@{self.name}") for each in e.functions]
        return e

    @cached_property
    def kept(self) -> bytes | None:
        """Its object code, if that is in the cache."""
        return engine().recalled(self.recipe)

    def keep(self, made: bytes) -> None:
        """Take the object code that others have compiled."""
        self.kept = made
        engine().remember(self.recipe, self.e)

    @cached_property
    def library(self) -> Library:
        """The routine's code."""
        if self.kept is None:
            self.keep(engine().compile(self.e))
        assert self.kept is not None
        return engine().link([self.kept], [self.name], pool().symbols())

    @property
    def address(self) -> int:
        """Where the routine's code begins."""
        return self.library[self.name]
