"""Routines that all programs share: named by their text, compiled when their address is first asked for."""

from __future__ import annotations

import hashlib
from functools import cached_property

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.threads import pool

__all__ = ["Native"]


class Native:
    """A routine that an Emitter has written under the name `stem`: its name, its code, and where that begins."""

    def __init__(self, e: Emitter, stem: str):
        self.e = e
        self.made: bytes | None = None
        """Its object code, if others have compiled it."""
        self.name = f"{stem}_{hashlib.sha256(e.text().encode()).hexdigest()[:16]}"
        e.functions = [each.replace(f"@{stem}", f"@{self.name}") for each in e.functions]

    @cached_property
    def library(self) -> Library:
        """The routine's code."""
        using, symbols = engine(), pool().symbols()
        made = using.compile(self.e) if self.made is None else self.made
        return using.link([made], [self.name], {name: symbols[name] for name in symbols if name in self.e.declared})

    @property
    def address(self) -> int:
        """Where the routine's code begins."""
        return self.library[self.name]
