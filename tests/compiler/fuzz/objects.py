"""Object code for programs that run a few times: made quickly, and kept in memory only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.tablecall import tablecall
from lineal.codegen.engine import engine
from lineal.compiler.calling.launch import refuse

__all__ = ["in_memory"]


class MemoryCache:
    """Object code by key; what was put first goes first."""

    def __init__(self, limit: int = 20_000):
        self.limit = limit
        self.kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def put(self, key: str, body: bytes) -> None:
        self.kept[key] = body
        if len(self.kept) > self.limit:
            self.kept.popitem(last=False)


def in_memory(whole: bool = False) -> None:
    """Let this process keep object code in memory, and LLVM take little care over it.

    Unless it is to be the `whole` way of a call, arguments are checked in Python: to write those checks natively, and the call
    without Python, takes as long as the programs themselves.
    """
    using: Any = engine()
    using.cache = MemoryCache()
    # to start threads takes as long as LLVM does here
    using.compile_all = lambda sources: [using.compile(each) for each in sources]
    if not whole:
        # what is made once for a process, and not at all if arrays cannot be read
        tablecall(refuse)
        using.machines = threading.local()
        using.generate = quick(using)
        layout.ndarray = lambda: None


def quick(using: Any):
    """Return what compiles without optimisation."""
    plain = type(using).generate

    def generate(text: str) -> bytes:
        if getattr(using.machines, "machine", None) is None:
            using.machines.machine = using.target.new_machine(opt=0)
        return plain(using, text)

    return generate
